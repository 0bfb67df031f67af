package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/control"
	"levee/internal/daemon"
	"levee/internal/doctor"
)

func newDoctor(g *global) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "check configuration, sources, enforcers, clock, keys and disk",
		Long:  "Looks over all that levee depends on and changes nothing; each line is ok, or the mend. The code is 1 when\nsomething is bad, 2 when levee.yaml holds a mistake.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := command.ParseFormat(format)
			if err != nil {
				return err
			}
			if err := asTheService(); err != nil {
				return err
			}
			conf, err := g.load()
			if err != nil {
				return err
			}
			dir := g.running()
			found := doctor.Examine(c.Context(), doctor.Options{Config: conf, StateDir: dir, HostKey: daemon.HostKeyPath(dir), Socket: control.SocketPath(dir), Now: time.Now()})
			return report(g, f, found)
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "table", "table, json or jsonl")
	return c
}

// handedOver is where systemd keeps the service's credentials.
const handedOver = "/run/credentials/levee.service"

// asTheService lets root's look at levee.yaml find the credentials where the
// service manager put them for the service.
func asTheService() error {
	const name = "CREDENTIALS_DIRECTORY"
	if _, err := os.ReadDir(handedOver); err != nil || os.Getenv(name) != "" {
		return nil // there is none, it may not be read, or another one is meant
	}
	return os.Setenv(name, handedOver)
}

func report(g *global, f command.Format, found []doctor.Finding) error {
	bad := 0
	for _, x := range found {
		if x.State == doctor.Bad {
			bad++
		}
	}
	if err := command.WriteList(g.streams.Out, f, found, func(x doctor.Finding) string {
		line := fmt.Sprintf("%-4s  %-22s %s", x.State, x.Check, x.Says)
		if x.Mend != "" {
			line += "; " + x.Mend
		}
		return line
	}); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("bad: %d of %d checks, see above", bad, len(found))
	}
	return nil
}

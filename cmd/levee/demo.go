package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"levee/demo"
	"levee/demo/standin"
	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/station"
)

func newDemo(g *global) *cobra.Command {
	var view show
	var drills []string
	var seed uint64
	var rate float64
	c := &cobra.Command{
		Use:   "demo",
		Short: "live traffic, attacks and a stand-in Jenkins: nothing to install",
		Long: "Writes the traffic of an invented gaming platform to a real log file, attacks it, and runs the real levee on\n" +
			"it. Nothing outside a temporary directory is touched.\n\nDrills:\n" + drillList(),
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, d := range drills {
				if _, err := findDrill(d); err != nil {
					return err
				}
			}
			if c.Flags().Changed("rate") && !(rate >= 1 && rate <= 5000) {
				return command.Usagef("--rate %g is out of range; give 1 to 5000 requests/s", rate)
			}
			if !c.Flags().Changed("seed") {
				seed = uint64(time.Now().UnixNano())
			}
			return rehearse(c.Context(), g, view, demo.Options{Seed: seed, Drills: drills, Rate: rate})
		},
	}
	view.add(c)
	c.Flags().StringSliceVar(&drills, "drill", nil, "rehearse this drill only (repeatable)")
	c.Flags().Uint64Var(&seed, "seed", 0, "repeat a run: same seed, same traffic")
	c.Flags().Float64Var(&rate, "rate", 0, "ordinary requests/s (default 150)")
	return c
}

// findDrill is the drill that --drill names.
func findDrill(name string) (demo.Drill, error) {
	d, ok := demo.Find(name)
	if !ok {
		return d, command.Usagef("--drill %s: no such drill; there are %s", name, strings.Join(demo.Names(), ", "))
	}
	return d, nil
}

// drillList is what --drill takes, a line each.
func drillList() string {
	var b strings.Builder
	for _, d := range demo.Drills() {
		fmt.Fprintf(&b, "  %-22s %s\n", d.Name, d.About)
	}
	return b.String()
}

// rehearse runs the demo in a directory of its own.
func rehearse(ctx context.Context, g *global, view show, o demo.Options) (err error) {
	dir, err := os.MkdirTemp("", "levee-demo-")
	if err != nil {
		return fmt.Errorf("make a place for the demo: %w; set TMPDIR to a directory that can be written", err)
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil {
			err = rerr
		}
	}()
	o.Path, o.DenyFile = filepath.Join(dir, "access.log"), filepath.Join(dir, "deny.conf")
	sim, err := demo.New(o)
	if err != nil {
		return command.Wrong(err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	url, served, err := serveJenkins(ctx, sim)
	if err != nil {
		return err
	}
	conf, err := demoConfig(dir, o, url)
	if err != nil {
		return err
	}
	state := filepath.Join(dir, "state")
	conf, end, err := ownEnforcer(ctx, conf, state)
	if err != nil {
		return err
	}
	err = view.run(ctx, g, station.Options{Config: conf, StateDir: state, Name: "demo", AutoOn: true, Seed: o.Seed + 1}, sim.Run)
	stop()
	return errors.Join(err, end(), <-served)
}

// demoConfig writes the demo's levee.yaml and reads it as anybody's.
func demoConfig(dir string, o demo.Options, jenkins string) (config.Config, error) {
	path := filepath.Join(dir, "levee.yaml")
	text := demo.Configuration(o.Path, o.DenyFile, demo.Controller{URL: jenkins, User: jenkinsUser, Token: jenkinsToken, Job: scaleJob})
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return config.Config{}, fmt.Errorf("write the demo's levee.yaml: %w", err)
	}
	c, err := config.Load(path)
	if err != nil {
		return c, err
	}
	c.Sources[0].FromStart = true // the history before the first attack teaches what is usual
	return c, nil
}

// The stand-in's one user and one job.
const (
	jenkinsUser  = "levee"
	jenkinsToken = "demo-token"
	scaleJob     = "ops/scale"
)

// serveJenkins starts the stand-in Jenkins on a free port of loopback. Its
// scale job really adds servers to the simulated platform.
func serveJenkins(ctx context.Context, sim *demo.Simulator) (url string, served chan error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("start the stand-in Jenkins: %w", err)
	}
	url = "http://" + listener.Addr().String() + "/"
	j, err := standin.New(standinOptions(url, sim))
	if err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: j, ReadHeaderTimeout: 5 * time.Second}
	served = make(chan error, 1)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			served <- fmt.Errorf("stand-in Jenkins: %w", err)
			return
		}
		j.Close()
		served <- nil
	}()
	context.AfterFunc(ctx, func() { _ = server.Close() }) // nothing of it is worth keeping
	return url, served, nil
}

// standinOptions describes the stand-in's jobs.
func standinOptions(url string, sim *demo.Simulator) standin.Options {
	return standin.Options{
		URL:   url,
		Users: []standin.User{{Name: jenkinsUser, Password: jenkinsToken, Token: jenkinsToken}},
		Jobs: []standin.Job{{
			Name:       scaleJob,
			Parameters: []standin.Parameter{{Name: "SERVICE"}, {Name: "DELTA", Default: "1"}, {Name: "REQUEST_ID"}},
			Run: func(ctx context.Context, parameters map[string]string, console io.Writer) standin.Result {
				return scale(ctx, sim, parameters, console)
			},
		}},
	}
}

// startTime is how long a new server takes to start.
const startTime = 3 * time.Second

// scale is the build of the scale job.
func scale(ctx context.Context, sim *demo.Simulator, parameters map[string]string, console io.Writer) standin.Result {
	delta, err := strconv.Atoi(parameters["DELTA"])
	if err != nil {
		fmt.Fprintf(console, "DELTA=%q is no number\n", parameters["DELTA"])
		return standin.Failure
	}
	fmt.Fprintf(console, "+ scale %s by %+d\nwaiting for the servers to answer\n", parameters["SERVICE"], delta)
	select {
	case <-time.After(startTime):
	case <-ctx.Done():
		return standin.Aborted
	}
	fmt.Fprintf(console, "%d servers in service\n", sim.Scale(delta))
	return standin.Success
}

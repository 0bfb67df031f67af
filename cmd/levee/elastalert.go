package main

import (
	"os/user"

	"github.com/spf13/cobra"

	"levee/internal/command"
)

func newElastalert(g *global) *cobra.Command {
	c := &cobra.Command{
		Use:   "elastalert",
		Short: "rehearse the alerts of ElastAlert 2",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "test",
		Short: "write rehearsal events, so that the rules of deploy/elastalert2 fire and people are reached",
		Long: "Writes one event for each rule that watches what levee publishes, and says which messages must come of it.\n" +
			"Every event and every message says that it is a rehearsal; they count on no dashboard and are gone after a day.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := g.load()
			if err != nil {
				return err
			}
			by := "somebody"
			if u, err := user.Current(); err == nil {
				by = u.Username
			}
			return command.ElastalertTest(c.Context(), g.streams, command.RehearsalOptions{Config: conf, By: by})
		},
	})
	return c
}

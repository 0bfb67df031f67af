package main

import (
	"github.com/spf13/cobra"

	"levee/internal/command"
)

func newNotify(g *global) *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "rehearse the alert chain",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "test",
		Short: "send a test message to everybody under notify: in levee.yaml",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := g.load()
			if err != nil {
				return err
			}
			return command.NotifyTest(c.Context(), g.streams, conf)
		},
	})
	return c
}

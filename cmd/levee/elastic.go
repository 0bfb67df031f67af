package main

import (
	"strings"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/elastic"
)

func newElastic(g *global) *cobra.Command {
	c := &cobra.Command{
		Use:   "elastic",
		Short: "prepare an Elasticsearch cluster for levee",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newElasticSetup(g), newElasticRole(g))
	return c
}

func newElasticSetup(g *global) *cobra.Command {
	var o command.ElasticOptions
	c := &cobra.Command{
		Use:   "setup",
		Short: "install index templates, data streams and the decisions index",
		Long:  "Installs what levee writes to in the cluster of levee.yaml: component and index templates, the data\nstreams " + elastic.RequestsStream + ", " + elastic.StatsStream + " and " + elastic.EventsStream + ", and the index " + elastic.DecisionsIndex + ".\nRun it again at any time: what is there is left alone, and it never goes backwards.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.Config, err = g.load(); err != nil {
				return err
			}
			return command.ElasticSetup(c.Context(), g.streams, o)
		},
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "print the requests, change nothing")
	return c
}

func newElasticRole(g *global) *cobra.Command {
	return &cobra.Command{
		Use:       "role " + strings.Join(elastic.Roles, "|"),
		Short:     "print the role descriptor of an API key with the least rights",
		Args:      someArgs("role"),
		ValidArgs: elastic.Roles,
		RunE: func(_ *cobra.Command, args []string) error {
			return command.ElasticRole(g.streams, args[0])
		},
	}
}

package main

import (
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"levee/demo"
	"levee/internal/command"
)

func newBench(g *global) *cobra.Command {
	var drills []string
	var seeds []uint
	var rate float64
	var format string
	c := &cobra.Command{
		Use:   "bench",
		Short: "how good the verdicts are and how fast: every drill against the known truth",
		Long: "Rehearses every drill of the demo in event time, with auto mode at level block and blocks that take effect, and\n" +
			"prints precision, recall, time to detect and traffic stopped for each, and how fast requests were judged.\n" +
			"Exit code 1 when a drill was not judged as it should be.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o := command.BenchOptions{}
			var err error
			if o.Output, err = command.ParseFormat(format); err != nil {
				return err
			}
			if o.Config, err = g.load(); err != nil {
				return err
			}
			for _, s := range seeds {
				o.Seeds = append(o.Seeds, uint64(s))
			}
			chosen, err := rehearsed(drills, rate)
			if err != nil {
				return err
			}
			return command.Bench(c.Context(), g.streams, chosen, o)
		},
	}
	c.Flags().StringSliceVar(&drills, "drill", nil, "rehearse this drill only (repeatable)")
	c.Flags().UintSliceVar(&seeds, "seed", []uint{1}, "with these seeds (repeatable)")
	c.Flags().Float64Var(&rate, "rate", 0, "ordinary requests/s (default 150)")
	c.Flags().StringVarP(&format, "output", "o", "table", "table, json or jsonl")
	return c
}

// rehearsed turns the demo's drills into what the bench runs.
func rehearsed(names []string, rate float64) ([]command.Rehearsed, error) {
	if rate != 0 && !(rate >= 1 && rate <= 5000) {
		return nil, command.Usagef("--rate %g is out of range; give 1 to 5000 requests/s", rate)
	}
	if names == nil {
		names = demo.Names()
	}
	var all []command.Rehearsed
	for _, name := range names {
		d, err := findDrill(name)
		if err != nil {
			return nil, err
		}
		var fits []string
		if d.Attack != "" {
			fits = append([]string{d.Attack}, d.Also...)
		}
		all = append(all, command.Rehearsed{
			Name: d.Name, Hostile: d.Hostile(), Fits: fits, Length: d.Length + 20*time.Second,
			Start: func(seed uint64, denied func(netip.Addr) bool) (command.Play, error) {
				sim, err := demo.New(demo.Options{Seed: seed, Drills: []string{d.Name}, Once: true, Rate: rate, Start: benchDay, Denied: denied})
				return play{sim, d.Name}, err
			},
		})
	}
	return all, nil
}

// benchDay is when the bench takes place: the same each time, for the same lines.
var benchDay = time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)

// play is the demo's simulator as the bench sees it.
type play struct {
	*demo.Simulator
	drill string
}

func (p play) Grade() (g command.Grade) {
	for _, x := range p.Grades() {
		g.Harmless += x.Harmless
		g.Harmed += x.Harmed
		if x.Drill == p.drill {
			g.Hostile, g.Caught, g.Half, g.Attack, g.Stopped = x.Hostile, x.Caught, x.Half, x.Attack, x.Stopped
		}
	}
	return g
}

package main

import (
	"cmp"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/config"
)

// logFlags are the flags of whatever reads log lines.
type logFlags struct {
	format  string
	trusted []string
	service string
}

func (l *logFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.format, "format", "auto", "the log's format: auto, a name, or a log_format string")
	f.StringSliceVar(&l.trusted, "trusted-proxy", nil, "CIDR of a proxy whose X-Forwarded-For is believed (repeatable)")
	f.StringVar(&l.service, "service", "", "the service's name where the log has no host")
}

func (l *logFlags) parse() (command.LogOptions, error) {
	o := command.LogOptions{Format: l.format, Service: l.service}
	for _, s := range l.trusted {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, aerr := netip.ParseAddr(s)
			if aerr != nil {
				return o, command.Usagef("--trusted-proxy %s: no address or CIDR; write it like 192.0.2.0/24", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		o.TrustedProxies = append(o.TrustedProxies, p.Masked())
	}
	return o, nil
}

// listFlags are those of whatever lists what it makes of recorded logs.
type listFlags struct {
	logFlags
	output string
}

func (l *listFlags) add(c *cobra.Command) {
	l.logFlags.add(c)
	c.Flags().StringVarP(&l.output, "output", "o", "table", "table, json or jsonl")
}

func (l *listFlags) parse() (command.LogOptions, command.Format, error) {
	output, err := command.ParseFormat(l.output)
	if err != nil {
		return command.LogOptions{}, output, err
	}
	o, err := l.logFlags.parse()
	return o, output, err
}

func newScan(g *global) *cobra.Command {
	var logs listFlags
	var o command.ScanOptions
	c := &cobra.Command{
		Use:   "scan FILE…",
		Short: "judge recorded logs at full speed: what auto mode at level block would have done",
		Long:  "Reads recorded logs (plain, .gz, .zst, - for standard input) at full speed and prints, in log time,\nevery verdict and what auto mode at level block would have done within its budgets.",
		Args:  someArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.LogOptions, o.Output, err = logs.parse(); err != nil {
				return err
			}
			if o.Config, err = g.load(); err != nil {
				return err
			}
			return command.Scan(c.Context(), g.streams, args, o)
		},
	}
	logs.add(c)
	c.Flags().BoolVar(&o.Stats, "stats", false, "end with one JSON object of figures on standard error")
	return c
}

func newParse(g *global) *cobra.Command {
	var logs listFlags
	var o command.ParseOptions
	c := &cobra.Command{
		Use:   "parse FILE…",
		Short: "print what the parser makes of each line",
		Args:  someArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.LogOptions, o.Output, err = logs.parse(); err != nil {
				return err
			}
			return command.Parse(c.Context(), g.streams, args, o)
		},
	}
	logs.add(c)
	c.Flags().BoolVar(&o.Stats, "stats", false, "end with one JSON object of figures on standard error")
	return c
}

func newBacktest(g *global) *cobra.Command {
	var logs listFlags
	var o command.BacktestOptions
	var policy, against string
	c := &cobra.Command{
		Use:   "backtest [--policy FILE] [--against FILE] FILE…",
		Short: "what a policy would have blocked in recorded logs, and at what cost to usual traffic",
		Long: "Reads recorded logs (plain, .gz, .zst) once a policy, which is a levee.yaml, and prints what its auto mode would\n" +
			"have done at the levels, budgets and guardrails written in it. With --against, two policies stand side by side.\n" +
			"Every act counts as taken by its enforcer; nothing is done, and none of the policy's secrets is read.",
		Args: someArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.LogOptions, o.Output, err = logs.parse(); err != nil {
				return err
			}
			paths := []string{cmp.Or(policy, config.Find(g.config, os.Getenv))}
			if against != "" {
				paths = append(paths, against)
			}
			for _, path := range paths {
				conf, err := loadWithoutSecrets(path)
				if err != nil {
					return err
				}
				o.Policies = append(o.Policies, command.Policy{Name: cmp.Or(path, "defaults"), Config: conf})
			}
			return command.Backtest(c.Context(), g.streams, args, o)
		},
	}
	logs.add(c)
	c.Flags().StringVar(&policy, "policy", "", "the levee.yaml to try (default: the one that is in use)")
	c.Flags().StringVar(&against, "against", "", "another levee.yaml to compare it with")
	return c
}

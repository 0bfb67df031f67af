package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"levee/actions"
	"levee/internal/station"
	"levee/internal/status"
)

// report prints what was done, or returns what went wrong.
func report(s Streams, err error, format string, a ...any) error {
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.Out, format+"\n", a...); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func autoVerb(run Runner) *cobra.Command {
	return verb(run, "auto [on|off]", "say what auto mode does, or turn it on or off", "", func(c *cobra.Command, args []string) error {
		if len(args) > 1 || len(args) == 1 && args[0] != "on" && args[0] != "off" {
			return Usagef("%s takes on or off, or nothing to ask", c.CommandPath())
		}
		return nil
	}, func(ctx context.Context, h Host, s Streams, args []string) error {
		if len(args) == 1 {
			err := h.Operator.SetAuto(ctx, args[0] == "on")
			shown(ctx, h, err, func(a actions.AutoState) bool { return a.On == (args[0] == "on") })
			return report(s, err, "auto mode is %s", args[0])
		}
		a := h.Station.Board().Auto
		state := "on"
		switch {
		case !a.Armed:
			state = "stopped by " + a.DisarmedBy + ", levee arm lets it act again"
		case !a.On:
			state = "off: it only suggests"
		}
		if err := report(s, nil, "%s; level %s; %d of %d blocks a minute, %d of %d active", oneLine(state), a.Level,
			a.Used.BlocksLastMinute, a.Budget.BlocksPerMinute, a.Used.ActiveBlocks, a.Budget.ActiveBlocks); err != nil {
			return err
		}
		for _, w := range a.Why {
			if err := report(s, nil, "held back: %s", oneLine(w)); err != nil {
				return err
			}
		}
		return nil
	})
}

func stopVerb(run Runner) *cobra.Command {
	c := verb(run, "stop", "stop all automation at once", "Stops all automation at once, until it is armed again. What stands stays until its TTL ends.", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			err := h.Operator.Disarm(ctx)
			shown(ctx, h, err, func(a actions.AutoState) bool { return !a.Armed })
			return report(s, err, "all automation is stopped; levee arm lets it act again")
		})
	c.Aliases = []string{"disarm"}
	return c
}

func armVerb(run Runner) *cobra.Command {
	return verb(run, "arm", "let automation act again", "", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			err := h.Operator.Arm(ctx)
			shown(ctx, h, err, func(a actions.AutoState) bool { return a.Armed })
			if err == nil && !h.Station.Board().Auto.On {
				return report(s, nil, "automation is armed again; auto mode is off and only suggests: levee auto on")
			}
			return report(s, err, "automation is armed again")
		})
}

// shown waits until the board shows what was done, so that a script that asks
// next sees it. The act itself holds already.
func shown(ctx context.Context, h Host, err error, yes func(actions.AutoState) bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; err == nil && n < 150 && !yes(h.Station.Board().Auto); n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func approveVerb(run Runner) *cobra.Command {
	var format string
	c := verb(run, "approve [CODE]", "approve another operator's act as the second person; without CODE list what waits", "", func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return Usagef("%s takes one CODE, or none to list what waits", c.CommandPath())
		}
		return nil
	}, func(_ context.Context, h Host, s Streams, args []string) error {
		if len(args) == 1 {
			a, err := h.Operator.Approve(strings.ToUpper(args[0]))
			return report(s, err, "approved: %s %d targets, asked by %s (%s)", a.Verb, a.Targets, a.By, a.Reason)
		}
		f, err := ParseFormat(format)
		if err != nil {
			return err
		}
		return list(s.Out, f, fmt.Sprintf("%-8s %-10s %-9s %8s %8s  %s", "CODE", "BY", "VERB", "TARGETS", "USUAL", "REASON"), h.Station.Approvals(), func(a station.Approval) string {
			return fmt.Sprintf("%-8s %-10s %-9s %8d %7.2f%%  %s", a.Code, a.By, a.Verb, a.Targets, 100*a.Usual, a.Reason)
		})
	})
	output(c, &format)
	return c
}

// sessionRow is somebody who is connected.
type sessionRow struct {
	Name  string `json:"user.name"`
	Role  string `json:"user.roles"`
	Via   string `json:"levee.via"`
	Addr  string `json:"client.ip,omitempty"`
	Since string `json:"event.start"`
	Looks string `json:"levee.looks_at,omitempty"`
	Last  string `json:"levee.last_act,omitempty"`
	At    string `json:"levee.last_act_at,omitempty"`
}

func sessionsVerb(run Runner) *cobra.Command {
	var format string
	c := verb(run, "sessions", "list who is connected, from where, and what they did last", "", noArguments,
		func(_ context.Context, h Host, s Streams, _ []string) error {
			f, err := ParseFormat(format)
			if err != nil {
				return err
			}
			var rows []sessionRow
			for _, p := range h.Station.Status().People {
				rows = append(rows, newSessionRow(p))
			}
			return list(s.Out, f, fmt.Sprintf("%-16s %-9s %-8s %-24s %-24s  %-16s %s", "NAME", "ROLE", "VIA", "FROM", "SINCE", "LOOKS AT", "LAST"), rows, func(r sessionRow) string {
				return fmt.Sprintf("%-16s %-9s %-8s %-24s %-24s  %-16s %s", r.Name, r.Role, r.Via, r.Addr, r.Since, r.Looks, r.Last)
			})
		})
	output(c, &format)
	return c
}

func newSessionRow(p status.Person) sessionRow {
	r := sessionRow{Name: p.Name, Role: string(p.Role), Via: p.Via, Since: stamp(p.Since), Looks: p.Looks, Last: p.Last}
	if p.Addr.IsValid() {
		r.Addr = p.Addr.String()
	}
	if !p.At.IsZero() {
		r.At = stamp(p.At)
	}
	return r
}

func sayVerb(run Runner) *cobra.Command {
	return verb(run, "say TEXT…", "show a message to everybody who is connected", "", func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Usagef("%s needs a TEXT; see `%s --help`", c.CommandPath(), c.CommandPath())
		}
		return nil
	},
		func(_ context.Context, h Host, _ Streams, args []string) error {
			return h.Operator.Say(strings.Join(args, " "))
		})
}

func reloadVerb(run Runner) *cobra.Command {
	return verb(run, "reload", "read levee.yaml again, all or nothing", "Reads levee.yaml again. When anything in it is wrong, nothing changes and the errors are shown.", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			if h.Reload == nil {
				return fmt.Errorf("reload: this levee can't; restart it")
			}
			said, err := h.Reload(ctx)
			return report(s, err, "%s", said)
		})
}

func expectVerb(run Runner) *cobra.Command {
	var x station.Expected
	var from, to, rate, format string
	c := verb(run, "expect", "tell the baseline of a planned event; without flags list them",
		"Tells the baseline of a planned event (a tournament, a launch, a load test), so that it is no attack:\n  levee expect --service shop.example.com --from 2026-05-01T18:00:00Z --to 2026-05-01T23:00:00Z --rate 5x", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			if from == "" && to == "" && rate == "" && x.Service == "" {
				return listExpected(h, s, format)
			}
			now := h.Station.Status().Now
			var err error
			if x.From, err = moment(from, now); err != nil {
				return Usagef("--from: %v", err)
			}
			if x.To, err = moment(to, x.From); err != nil || to == "" {
				return Usagef("--to %q: write a time such as 2026-05-01T23:00:00Z, or how long after --from, such as 5h", to)
			}
			if x.Factor, err = strconv.ParseFloat(strings.TrimSuffix(rate, "x"), 64); err != nil {
				return Usagef("--rate %q: write how many times the usual rate, such as 5x", rate)
			}
			switch {
			case !x.To.After(x.From):
				return Usagef("expect: it ends before it begins; mend --from and --to")
			case !x.To.After(now):
				return Usagef("expect: it was over at %s; mend --from and --to", stamp(x.To))
			case !(x.Factor > 1 && x.Factor <= 1000):
				return Usagef("--rate %s: it says how many times more than usual may come; give for instance 5x", rate)
			}
			if names := seenServices(h); x.Service != "" && !slices.Contains(names, x.Service) {
				fmt.Fprintf(s.Err, "levee: no request for %s was seen yet; seen: %s\n", oneLine(x.Service), cmp.Or(strings.Join(names, ", "), "none"))
			}
			err = h.Operator.Expect(ctx, x)
			return report(s, err, "expected: %gx the usual rate from %s to %s", x.Factor, stamp(x.From), stamp(x.To))
		})
	f := c.Flags()
	f.StringVar(&x.Service, "service", "", "the service (default: all)")
	f.StringVar(&from, "from", "", "when it begins, RFC 3339 (default: now)")
	f.StringVar(&to, "to", "", "when it ends: RFC 3339, or how long after --from")
	f.StringVar(&rate, "rate", "", "how many times the usual rate, such as 5x")
	output(c, &format)
	return c
}

// seenServices are the services that the detector knows, busiest first.
func seenServices(h Host) (names []string) {
	for _, s := range h.Station.Snapshot().Services {
		names = append(names, s.Name)
	}
	return names
}

func listExpected(h Host, s Streams, format string) error {
	f, err := ParseFormat(format)
	if err != nil {
		return err
	}
	events, err := h.Station.Expected()
	if err != nil {
		return err
	}
	return list(s.Out, f, fmt.Sprintf("%-24s  %-24s  %6s  %-10s %s", "FROM", "TO", "RATE", "BY", "SERVICE"), events, func(x station.Expected) string {
		return fmt.Sprintf("%-24s  %-24s  %5gx  %-10s %s", stamp(x.From), stamp(x.To), x.Factor, x.By, x.Service)
	})
}

// moment reads a time, or how long after base; "" is base.
func moment(text string, base time.Time) (time.Time, error) {
	if text == "" {
		return base, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return base.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%q is no time; write for instance 2026-05-01T18:00:00Z", text)
	}
	return t, nil
}

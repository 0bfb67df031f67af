package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func ackVerb(run Runner) *cobra.Command {
	return verb(run, "ack INCIDENT", "take an incident: nobody else is woken by it", "Takes an incident that nobody has yet. Reminders and escalation stop, unless it gets worse.", oneIncident,
		func(ctx context.Context, h Host, s Streams, args []string) error {
			if err := h.knows(args[0]); err != nil {
				return err
			}
			me := h.Operator.Actor().Name
			return report(s, h.Operator.Own(ctx, args[0], "", me), "%s has incident %s now", me, args[0])
		})
}

func muteVerb(run Runner) *cobra.Command {
	return verb(run, "mute INCIDENT [FOR|off]", "let nobody be woken by an incident for 1h, or for so long",
		"Keeps the messages about an incident back for 1h, or for so long (30m, 8h; at most 24h). off lets them go again. Consoles and lists show the incident as before.",
		func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return Usagef("%s takes an INCIDENT and how long, such as 30m, or off", c.CommandPath())
			}
			return nil
		}, func(ctx context.Context, h Host, s Streams, args []string) error {
			d := time.Hour
			switch {
			case len(args) == 2 && args[1] == "off":
				d = 0
			case len(args) == 2:
				var err error
				if d, err = time.ParseDuration(args[1]); err != nil || d <= 0 {
					return Usagef("mute: %q is no time; write for instance 30m, or off", oneLine(args[1]))
				}
			}
			if err := h.knows(args[0]); err != nil {
				return err
			}
			err := h.Operator.Mute(ctx, args[0], d)
			if d == 0 {
				return report(s, err, "messages about %s go again", args[0])
			}
			return report(s, err, "nobody is told of %s for %s", args[0], d)
		})
}

func oneIncident(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return Usagef("%s takes one INCIDENT; levee incidents lists them", c.CommandPath())
	}
	return nil
}

// knows reports an incident that is neither open nor closed lately.
func (h Host) knows(incident string) error {
	for _, in := range h.Station.Snapshot().Incidents {
		if in.ID == incident {
			return nil
		}
	}
	return fmt.Errorf("no incident %q is open or closed lately; levee incidents lists them", oneLine(incident))
}

package command

import (
	"fmt"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// stateWord is what is told of a decision in its state, "" for nothing: that
// it was verified is no news.
func stateWord(d *actions.Decision) string {
	if d.Verb == actions.Notify {
		return "" // a message to people elsewhere
	}
	switch d.State {
	case actions.Applied:
		switch d.Verb {
		case actions.Block:
			return "BLOCKED"
		case actions.ScaleUp, actions.ScaleDown:
			return "SCALE"
		}
		return strings.ToUpper(string(d.Verb))
	case actions.Expired, actions.Undone:
		if d.Verb == actions.Block || d.Verb == actions.Throttle || d.Verb == actions.Harden {
			return "LIFTED"
		}
	case actions.Failed:
		return "FAILED"
	case actions.Unknown:
		return "UNKNOWN"
	}
	return ""
}

func describe(d *actions.Decision) string {
	what := d.Target.Service
	switch {
	case d.Target.Prefix.IsValid():
		what = target(d.Target.Prefix)
	case d.Target.Signature != nil:
		what = "a signature on " + d.Target.Service
	}
	if d.Verb != actions.Block {
		what = string(d.Verb) + " " + what
	}
	if !d.State.Active() {
		return fmt.Sprintf("%s (%s)", what, d.State)
	}
	out := fmt.Sprintf("%s for %s by %s: %s", what, brief(d.TTL), d.Actor.Name, d.Reason)
	for _, r := range d.Receipts {
		if !r.OK {
			out += fmt.Sprintf("; %s: %s", r.Enforcer, r.Note)
		}
	}
	return out
}

func evidence(ev []detect.Evidence) string {
	w := words(ev)
	if len(w) > 2 {
		w = w[:2]
	}
	return strings.Join(w, "; ")
}

// brief writes 10m0s as 10m.
func brief(d time.Duration) string {
	s := d.String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"levee/actions"
)

// Words says in one line for people what a row records; Body holds all of it.
// A body that can't be read is shown as it is.
func (r *AuditRow) Words() string {
	var said string
	var err error
	switch r.Kind {
	case string(actions.Committed):
		said, err = words(r.Body, wordsOfCommitted)
	case string(actions.Opened), kindCarried:
		said, err = words(r.Body, wordsOfDecision)
	case string(actions.Set):
		said, err = words(r.Body, func(s *setting) []string { return []string{s.words(), by(s.Actor)} })
	case kindRetention:
		said, err = words(r.Body, func(c *cut) []string {
			return []string{fmt.Sprintf("rows up to %d were let go, their head is %s", c.Seq, c.Head)}
		})
	default:
		said, err = words(r.Body, wordsOfChange)
	}
	if err != nil {
		return string(r.Body)
	}
	return said
}

// words reads body and joins what is said of it.
func words[T any](body []byte, say func(*T) []string) (string, error) {
	var x T
	if err := json.Unmarshal(body, &x); err != nil {
		return "", err
	}
	var parts []string
	for _, p := range say(&x) {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "; "), nil
}

func wordsOfCommitted(c *committed) []string {
	if c.Commitment == nil {
		return nil
	}
	targets := "1 target"
	if c.Targets != 1 {
		targets = fmt.Sprintf("%d targets", c.Targets)
	}
	parts := []string{fmt.Sprintf("%s of %s: %s", c.Verb, targets, c.Reason)}
	if c.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%d refused: %s", c.Refused, strings.Join(c.Refusals, ", ")))
	}
	if c.Second != nil {
		parts = append(parts, "approved by "+c.Second.Name)
	}
	if c.BreakGlass {
		parts = append(parts, "BREAK GLASS: no second person was asked")
	}
	return append(parts, by(c.Actor))
}

// words says what a setting is now.
func (s *setting) words() string {
	var x actions.Switches
	if s.Key == actions.SwitchesKey && json.Unmarshal([]byte(s.Value), &x) == nil {
		switch {
		case !x.Armed:
			return "all automation is stopped"
		case x.AutoOn:
			return "automation is armed, auto mode on"
		}
		return "automation is armed, auto mode off"
	}
	return s.Key + " is now " + s.Value
}

func wordsOfDecision(d *actions.Decision) []string {
	act := string(d.Verb) + " " + d.Target.String()
	if d.TTL > 0 {
		act += " for " + d.TTL.String()
	}
	if d.DryRun {
		act += ", dry run"
	}
	return []string{act + ": " + d.Reason, by(d.Actor)}
}

func wordsOfChange(c *changed) []string {
	var parts []string
	switch {
	case c.EndedBy != "":
		parts = append(parts, "ended by "+c.EndedBy)
	case c.State.Active() && !c.Expires.IsZero():
		parts = append(parts, "until "+c.Expires.UTC().Format(time.DateTime)+" UTC")
	}
	for _, r := range c.Receipts {
		said := r.Enforcer + " ok"
		switch {
		case r.Unknown:
			said = r.Enforcer + " UNKNOWN"
		case !r.OK:
			said = r.Enforcer + " FAILED"
		}
		if r.Note != "" {
			said += ": " + r.Note
		}
		parts = append(parts, said)
	}
	if e := c.Effect; e != nil {
		parts = append(parts, fmt.Sprintf("removed %.0f requests/s of %.0f predicted", e.Measured, e.Predicted))
	}
	return append(parts, by(c.Actor))
}

// by says with which key or through what a person acted; the row has the name.
func by(a actions.Actor) string {
	switch {
	case a.Key != "":
		return "via " + a.Via + ", key " + a.Key
	case a.Via != "" && a.Via != actions.Auto.Via:
		return "via " + a.Via
	}
	return ""
}

package station

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"levee/actions"
	"levee/internal/status"
)

// cases are the incidents that people took or wrote about. They live as long
// as the detector knows its incidents, which is until a restart; what was done
// with them stays in the audit.
type cases struct {
	mu    sync.Mutex
	of    map[string]status.Case
	order []string // incidents, as they were first touched
}

const (
	casesMost = 500 // incidents; the oldest is forgotten
	notesMost = 100 // of one incident; the oldest is forgotten here, the audit keeps it
)

// change replaces a case. f gets a copy that it may change.
func (c *cases) change(incident string, f func(*status.Case) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, known := c.of[incident]
	if err := f(&x); err != nil {
		return err
	}
	if !known {
		if c.of == nil {
			c.of = map[string]status.Case{}
		}
		if len(c.order) >= casesMost {
			delete(c.of, c.order[0])
			c.order = slices.Delete(c.order, 0, 1)
		}
		c.order = append(c.order, incident)
	}
	c.of[incident] = x
	return nil
}

// Case returns what people keep about an incident.
func (s *Station) Case(incident string) status.Case {
	s.cases.mu.Lock()
	defer s.cases.mu.Unlock()
	return s.cases.of[incident] // its notes are replaced, never written again
}

// Own gives an incident that belongs to from ("": nobody) to the person to, and
// acknowledges it to whoever is told: no reminders, no escalation unless it gets
// worse. It fails when it belongs to somebody else by now: the first one wins.
func (o *Operator) Own(ctx context.Context, incident, from, to string) error {
	a, err := o.mayKeep("own")
	if err != nil {
		return err
	}
	if to = said(to); to == "" {
		return errors.New("own: give a name")
	}
	err = o.s.cases.change(incident, func(c *status.Case) error {
		if c.Owner != from && c.Owner != to {
			return fmt.Errorf("own: %s took it first, at %s UTC", c.Owner, c.Since.UTC().Format("15:04:05"))
		}
		c.Owner, c.Since = to, o.s.o.Now()
		return nil
	})
	if err != nil {
		return err
	}
	if o.s.notifier != nil {
		o.s.notifier.Acknowledge(incident, to) // somebody looks after it: nobody else need be woken
	}
	what := a.Name + " has taken incident " + incident
	if to != a.Name {
		what = a.Name + " hands incident " + incident + " over to " + to
	}
	o.s.tell("info", what+o.s.peers.passOn(incident, what, ownerWish, to))
	return o.s.Record(ctx, a, "incident owner "+incident, to)
}

// Note writes a line about an incident. Control characters don't get through;
// what is longer than 200 characters is cut.
func (o *Operator) Note(ctx context.Context, incident, text string) error {
	a, err := o.mayKeep("note")
	if err != nil {
		return err
	}
	if text = said(text); text == "" {
		return errors.New("note: nothing to write")
	}
	if err := o.s.cases.change(incident, func(c *status.Case) error {
		notes := append(slices.Clone(c.Notes), status.Note{At: o.s.o.Now(), By: a.Name, Text: text})
		c.Notes = notes[max(0, len(notes)-notesMost):]
		return nil
	}); err != nil {
		return err
	}
	return o.s.Record(ctx, a, "incident note "+incident, text)
}

func (o *Operator) mayKeep(what string) (actions.Actor, error) {
	a, err := o.who()
	if err == nil && a.Role != actions.Operator && a.Role != actions.Admin {
		err = fmt.Errorf("%s: %s may look, not act; ask an operator", what, a.Name)
	}
	return a, err
}

// Waiting lists what waits for a second person, soonest to expire first.
func (s *Station) Waiting() []status.Waiting {
	var out []status.Waiting
	for _, x := range s.Approvals() {
		out = append(out, status.Waiting{Code: x.Code, By: x.By, Verb: x.Verb, Targets: x.Targets, Usual: x.Usual, Reason: x.Reason, Expires: x.Expires})
	}
	return out
}

// GiveApproval is Approve for whoever knows already what it is about.
func (o *Operator) GiveApproval(code string) error {
	_, err := o.Approve(code)
	return err
}

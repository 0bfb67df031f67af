package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"levee/actions"
)

func (f *fake) Case(incident string) Case { f.mu.Lock(); defer f.mu.Unlock(); return f.cases[incident] }

func (f *fake) Waiting() []Waiting { f.mu.Lock(); defer f.mu.Unlock(); return f.asked }

func (h hands) Own(_ context.Context, incident, from, to string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.cases[incident]
	if c.Owner != from {
		return fmt.Errorf("own: %s took it first", c.Owner)
	}
	c.Owner, c.Since = to, h.now
	h.keep(incident, c)
	return nil
}

func (h hands) Note(_ context.Context, incident, text string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.cases[incident]
	c.Notes = append(slices.Clone(c.Notes), Note{At: h.now, By: h.who.Name, Text: text})
	h.keep(incident, c)
	return nil
}

func (h hands) Mute(_ context.Context, incident string, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.cases[incident]
	if c.Muted, c.MutedBy = h.now.Add(d), h.who.Name; d == 0 {
		c.Muted, c.MutedBy = time.Time{}, ""
	}
	h.keep(incident, c)
	return nil
}

func (f *fake) keep(incident string, c Case) {
	if f.cases == nil {
		f.cases = map[string]Case{}
	}
	f.cases[incident] = c
}

func (h hands) AskApproval(ctx context.Context, p actions.Plan, code func(string)) error {
	h.mu.Lock()
	h.given = make(chan struct{})
	given := h.given
	h.asked = []Waiting{{Code: "K7QX2M", By: h.who.Name, Verb: p.Request.Verb, Targets: len(p.Request.Targets), Usual: .06, Reason: p.Request.Reason, Expires: p.Expires}}
	h.mu.Unlock()
	code("K7QX2M")
	select {
	case <-given:
		return nil
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = nil
		return ctx.Err()
	}
}

func (h hands) GiveApproval(code string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.asked) == 0 || h.asked[0].Code != code {
		return errors.New("nothing waits under this code")
	}
	h.asked = nil
	close(h.given)
	return nil
}

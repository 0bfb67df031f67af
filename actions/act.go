package actions

import (
	"context"
	"errors"
)

// Act plans and commits what auto mode asks for. A block of what auto mode
// blocks already is renewed: its end moves, nothing is decided anew. What the
// guardrails refuse, auto mode is told.
func (d *Dispatcher) Act(ctx context.Context, r Request) ([]Decision, error) {
	if r.Actor.Via != Auto.Via {
		return nil, errors.New("act: only auto mode's requests need no confirmation; plan and commit this one")
	}
	d.renewStanding(&r)
	if len(r.Targets) == 0 {
		d.nudge()
		return nil, nil
	}
	ds, err := d.act(ctx, r)
	if err != nil && d.o.Auto != nil {
		d.o.Auto.cameToNothing(&r)
	}
	return ds, err
}

func (d *Dispatcher) act(ctx context.Context, r Request) ([]Decision, error) {
	p, err := d.Plan(ctx, r)
	if err != nil {
		return nil, err
	}
	if d.o.Auto != nil {
		d.o.Auto.Refused(p.Refusals)
	}
	if p.Token == "" {
		return nil, &RefusedError{p.Refusals}
	}
	return d.Commit(ctx, p.Token, r.Actor, Answer{})
}

// renewStanding renews those targets of r that stand by auto mode's own
// decision, and takes them out of r.
func (d *Dispatcher) renewStanding(r *Request) {
	if !r.Verb.lasting() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.forbidden(r); no != nil {
		return // Plan will say so
	}
	now := d.now()
	fresh, seen := r.Targets[:0:0], r.Seen[:0:0]
	for i, t := range r.Targets {
		x := d.standing[place(r.Verb, t.Key())]
		if x != nil && x.auto() && x.stands() {
			d.extend(x, now, x.ttl)
			continue
		}
		fresh = append(fresh, t)
		if r.Seen != nil {
			seen = append(seen, r.Seen[i])
		}
	}
	r.Targets = fresh
	if r.Seen != nil {
		r.Seen = seen
	}
}

package actions

import (
	"context"
	"fmt"
	"time"
)

// Adopt carries out what another host decided: this host's guardrails first,
// then the intents on disk, then the enforcers. Where something stands on the
// same place already, its end moves to the later one. It returns, by ID, what
// was not carried out and why; with the rule "ending" it may be tried again.
// On an error nothing was.
func (d *Dispatcher) Adopt(ctx context.Context, ds []Decision) (map[string]Refusal, error) {
	refused := map[string]Refusal{}
	var rs []*record
	d.mu.Lock()
	now := d.now()
	c := d.newCheck(&Request{})
	origins := map[string]*origin{}
	for i := range ds {
		x := &ds[i]
		if !x.Expires.IsZero() && !now.Before(x.Expires) {
			continue // it has ended on its own
		}
		if x.Verb != Allow && (x.Expires.IsZero() || x.Expires.Sub(now) > d.o.MaxTTL) {
			x.Expires = now.Add(d.o.MaxTTL)
		}
		if r := d.standing[place(x.Verb, x.Target.Key())]; r != nil {
			if !r.stands() {
				refused[x.ID] = Refusal{Target: x.Target, Rule: "ending"}
			} else if x.Expires.Sub(r.expires) >= time.Second && !r.expires.IsZero() {
				d.extend(r, now, x.Expires.Sub(now))
			}
			continue
		}
		if no := d.unfit(x, c); no != nil {
			refused[x.ID] = *no
			continue
		}
		if origins[x.Request] == nil {
			origins[x.Request] = originOf(x)
			origins[x.Request].dryRun = d.o.DryRun
		}
		r := &record{origin: origins[x.Request], id: x.ID, key: x.Target.Key(), target: x.Target, state: Intent, score: finite(x.Score),
			evidence: x.Evidence, created: x.Created, changed: now, expires: x.Expires, ttl: x.TTL, returns: x.Returns, usual: finite(x.Usual), due: -1}
		d.insert(r)
		d.spent(r, now)
		rs = append(rs, r)
	}
	d.mu.Unlock()
	d.nudge()
	if len(rs) == 0 {
		return refused, nil
	}
	entries := make([]Entry, len(rs))
	for i, r := range rs {
		entries[i] = Entry{Kind: Opened, At: now, Actor: r.actor, Decision: r.decision()}
	}
	if err := d.o.Ledger.Record(ctx, entries); err != nil {
		for _, r := range rs {
			d.release([]*record{r})
		}
		return nil, fmt.Errorf("carry out what %s decided: nothing was done: %w", rs[0].host, err)
	}
	d.dispatch(rs)
	d.nudge()
	return refused, nil
}

// unfit returns why this host won't carry out x, or nil. The caller holds mu.
func (d *Dispatcher) unfit(x *Decision, c *check) *Refusal {
	if x.Verb == Block && !x.Target.Prefix.IsValid() {
		return &Refusal{Target: x.Target, Rule: "bad_target", Value: x.Target.String() + " is no address or prefix"}
	}
	// A tenth to spare: hosts of a fleet begin at the same time.
	if limit := d.o.Budget.ActiveBlocks; x.Verb == Block && d.blocks >= limit+limit/10 {
		return &Refusal{Target: x.Target, Rule: "budget", Value: fmt.Sprintf("active_blocks of this host is spent: %d of %d and a tenth", d.blocks, limit),
			Mend: "undo some, or raise auto.budget.active_blocks in its levee.yaml"}
	}
	if x.Verb != Allow {
		if no := d.guards(x.Target, x.Actor, &noSuspect, c.operators); no != nil {
			return no
		}
	}
	if x.Actor.Via != Auto.Via {
		return nil
	}
	if s := &d.switches; !s.Armed && x.Created.After(s.Since) {
		return &Refusal{Target: x.Target, Rule: "disarmed", Value: "automation was stopped by " + s.By}
	}
	if until, ok := d.exempt.until(x.Target, c.now); ok {
		return &Refusal{Target: x.Target, Rule: "exempt", Value: "a person unblocked it; auto mode leaves it alone until " + until.UTC().Format("15:04:05") + " UTC"}
	}
	return nil
}

// spent counts what another host began against the budgets. The caller holds
// mu.
func (d *Dispatcher) spent(r *record, now time.Time) {
	switch age := now.Sub(r.created); {
	case r.verb == Block && age < time.Minute:
		d.minute.spend(now, 1)
	case r.verb == ScaleUp && age < time.Hour:
		d.hour.spend(now, 1)
	}
}

// unspent gives back what r, which never began here, counted against the
// budgets. The caller holds mu and has not changed r since.
func (d *Dispatcher) unspent(r *record) {
	switch age := r.changed.Sub(r.created); {
	case r.verb == Block && age < time.Minute:
		d.minute.giveBack(r.changed, 1)
	case r.verb == ScaleUp && age < time.Hour:
		d.hour.giveBack(r.changed, 1)
	}
}

// Ended is a decision that another host ended before its time.
type Ended struct {
	Decision Decision
	By       Actor
	At       time.Time
}

// Release lifts what stands here on the places of es and began before they
// were ended: on disk first, then at the enforcers. What a person unblocked
// auto mode leaves alone here too.
func (d *Dispatcher) Release(ctx context.Context, es []Ended) error {
	type lifting struct {
		r *record
		e *Ended
	}
	var out []lifting
	var entries []Entry
	d.mu.Lock()
	now := d.now()
	for i := range es {
		e := &es[i]
		key := e.Decision.Target.Key()
		r := d.standing[place(e.Decision.Verb, key)]
		if r == nil || r.end != "" || !r.durable {
			if until := e.At.Add(d.o.Exempt); byPerson(e.By) && until.After(now) && (e.Decision.Verb == Block || e.Decision.Verb == Throttle) {
				d.exempt.add(key, until)
			}
			continue
		}
		if r.created.After(e.At) && r.id != e.Decision.ID {
			continue // it was decided anew since
		}
		r.ending++
		x := r.decision()
		x.EndedBy, x.Expires = e.By.Name, now
		entries = append(entries, Entry{Kind: Changed, At: now, Actor: e.By, Decision: x})
		out = append(out, lifting{r, e})
	}
	d.mu.Unlock()
	if len(out) == 0 {
		return nil
	}
	rs := make([]*record, len(out))
	for i := range out {
		rs[i] = out[i].r
	}
	err := d.writeInOrder(ctx, entries)
	d.mu.Lock()
	if err == nil {
		for _, l := range out {
			if d.records[l.r.id] != l.r {
				l.r.owes = true
			} else if l.r.end == "" {
				d.lift(l.r, Undone, l.e.By, l.e.By.Name)
			}
		}
	}
	d.endWritten(rs)
	d.mu.Unlock()
	d.nudge()
	if err != nil {
		return fmt.Errorf("lift what %s unblocked: nothing was done: %w", es[0].By.Name, err)
	}
	return nil
}

// Standing returns every decision that is in force here, dry runs left out.
func (d *Dispatcher) Standing() []Decision {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Decision, 0, len(d.records))
	for _, r := range d.records {
		if r.stands() && !r.dryRun && r.verb != Notify {
			out = append(out, r.decision())
		}
	}
	return out
}

// Switches returns what is set for auto mode.
func (d *Dispatcher) Switches() Switches {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.switches
}

// AdoptSwitches takes over what the fleet says of auto mode. A stop of this
// host that the fleet does not know of yet stays.
func (d *Dispatcher) AdoptSwitches(ctx context.Context, s Switches, host string) error {
	by := Actor{Name: s.By, Via: host}
	d.mu.Lock()
	was := d.switches
	stops := was.Unsent && (!was.Armed && s.Armed || !was.AutoOn && s.AutoOn)
	if s.Rev < was.Rev || s == was || stops {
		d.mu.Unlock()
		return nil
	}
	d.switches = s
	if !s.Armed {
		d.cancelUnsent(by)
	}
	d.mu.Unlock()
	d.tellAuto()
	d.nudge()
	if s.Armed != was.Armed || s.AutoOn != was.AutoOn {
		text := "automation stopped"
		switch {
		case s.Armed != was.Armed && s.Armed:
			text = "automation armed"
		case s.Armed == was.Armed && s.AutoOn:
			text = "auto mode on"
		case s.Armed == was.Armed:
			text = "auto mode off"
		}
		d.notices.add(d.now(), "warn", text+" by "+s.By+" on "+host)
	}
	return d.writeSwitches(ctx, s, by)
}

// Tell puts a message on the message line.
func (d *Dispatcher) Tell(level, text string) { d.notices.add(d.now(), level, text) }

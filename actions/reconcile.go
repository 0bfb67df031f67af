package actions

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"levee/actions/internal/safe"
)

// reconcileUntilDone compares l's list with what should stand, and tries again
// while the enforcer is down.
func (d *Dispatcher) reconcileUntilDone(ctx context.Context, l *lane) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := d.reconcile(ctx, l)
		if err == nil || ctx.Err() != nil {
			d.checkHealth(ctx, l)
			return
		}
		d.unwell(l, err)
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// reconcile makes l's enforcer hold what should stand and nothing else: what
// is missing is sent again, what nobody wants is taken away, and what can't be
// known is marked so.
func (d *Dispatcher) reconcile(ctx context.Context, l *lane) error {
	call, cancel := context.WithTimeout(ctx, callLasts)
	held, err := l.enforcer.List(call)
	cancel()
	switch {
	case errors.Is(err, ErrNoList):
		d.resume(l)
	case err != nil:
		return fmt.Errorf("list what it holds: %w", err)
	default:
		orphans := d.compare(l, held)
		if err := d.liftOrphans(ctx, l, orphans); err != nil {
			return err
		}
	}
	d.writeChanges(ctx)
	return nil
}

// compare settles every decision that l takes by what l holds, and returns
// what l holds for no decision.
func (d *Dispatcher) compare(l *lane, held []Held) []Decision {
	holds := make(map[string]*Held, len(held))
	for i := range held {
		holds[heldKey(held[i])] = &held[i]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted := make(map[string]bool, len(d.records))
	for _, r := range d.records {
		if !r.verb.lasting() || r.dryRun || !r.durable {
			continue
		}
		if r.pending&l.bit != 0 {
			wanted[r.key] = true // its order is on its way
			continue
		}
		if x := r.decision(); !d.takes(l, &x) {
			continue
		}
		wanted[r.key] = true
		d.settleByList(l, r, holds[r.key])
	}
	var orphans []Decision
	for key := range holds {
		if !wanted[key] {
			orphans = append(orphans, d.orphan(key))
		}
	}
	return orphans
}

func heldKey(h Held) string {
	if h.Prefix.IsValid() {
		return normal(h.Prefix).String()
	}
	return h.Key
}

// endsEarly is by how much what an enforcer holds may end before its decision
// does. More is a renewal that was written down and never arrived.
const endsEarly = 15 * time.Second

// settleByList notes whether l holds r: h is nil when it does not. The caller
// holds mu.
func (d *Dispatcher) settleByList(l *lane, r *record, h *Held) {
	name := l.enforcer.Name()
	now := d.now()
	holds := h != nil
	if holds && r.end == "" && !h.Expires.IsZero() && (r.expires.IsZero() || r.expires.Sub(h.Expires) > endsEarly) {
		r.took |= l.bit // it stands; its end must move
		r.unsure &^= l.bit
		r.pending |= l.bit
		l.push(order{r: r})
		return
	}
	switch {
	case holds && r.took&l.bit == 0:
		r.took |= l.bit
		r.unsure &^= l.bit
		r.keep(Receipt{Decision: r.id, Enforcer: name, OK: true, Note: "found in its list", At: now})
		if r.end == "" && r.pending == 0 {
			d.settled(r)
		}
	case holds: // as it should be
	case r.end != "":
		r.took &^= l.bit
		r.unsure &^= l.bit
		r.pending &^= l.bit
		if r.pending == 0 {
			d.settled(r)
		}
	default:
		r.took &^= l.bit
		r.unsure |= l.bit
		r.pending |= l.bit
		l.push(order{r: r})
	}
}

// resume is for an enforcer without a list: it is asked what became of what it
// may have been sent, or else those decisions read UNKNOWN.
func (d *Dispatcher) resume(l *lane) {
	_, canTell := l.enforcer.(Resumer)
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	first := !l.noList
	l.noList = true
	if !first {
		return
	}
	for _, r := range d.records {
		if r.unsure&l.bit == 0 || r.pending&l.bit != 0 || r.end != "" {
			continue
		}
		if canTell {
			r.pending |= l.bit
			l.push(order{r: r, ask: true})
			continue
		}
		r.keep(Receipt{Decision: r.id, Enforcer: l.enforcer.Name(), Unknown: true, At: now,
			Note: "levee stopped while it was being sent; look there, then undo it or decide again"})
		if r.pending == 0 {
			d.settled(r)
		}
	}
}

// orphan returns a decision that names what is held under key. The caller
// holds mu.
func (d *Dispatcher) orphan(key string) Decision {
	x := Decision{ID: "orphan " + key, Verb: Block, State: Unknown, Actor: Actor{Name: "levee", Via: "restart"}}
	if p, err := netip.ParsePrefix(key); err == nil {
		x.Target.Prefix = p
		return x
	}
	for i := range d.recent {
		if d.recent[i].Target.Key() == key {
			x.Verb, x.Target = d.recent[i].Verb, d.recent[i].Target
		}
	}
	return x
}

// liftOrphans takes away what l holds for no decision.
func (d *Dispatcher) liftOrphans(ctx context.Context, l *lane, orphans []Decision) error {
	for len(orphans) > 0 {
		n := min(len(orphans), mostInBatch)
		call, cancel := context.WithTimeout(ctx, callLasts)
		_, err := l.enforcer.Revoke(call, orphans[:n])
		cancel()
		if err != nil {
			return fmt.Errorf("take away %d entries that no decision asks for: %w", n, err)
		}
		what := fmt.Sprintf("%d entries that no decision asks for, first %s", n, orphans[0].Target)
		if n == 1 {
			what = fmt.Sprintf("%s, which no decision asks for", orphans[0].Target)
		}
		d.notices.add(d.now(), "info", l.enforcer.Name()+": took away "+what)
		orphans = orphans[n:]
	}
	return nil
}

// checkHealth asks l's enforcer whether it is well.
func (d *Dispatcher) checkHealth(ctx context.Context, l *lane) {
	call, cancel := context.WithTimeout(ctx, checkEvery)
	defer cancel()
	err := l.enforcer.Check(call)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.unwell(l, err)
		return
	}
	d.mu.Lock()
	if !l.health.OK {
		d.catchUp(l)
	}
	l.health = EnforcerHealth{Name: l.enforcer.Name(), OK: true, At: d.now()}
	d.mu.Unlock()
	d.dirty.Store(true)
}

// catchUp sends l, which is well again, what stands and failed there while it
// was not: others hold it, so nobody asks again. The caller holds mu.
func (d *Dispatcher) catchUp(l *lane) {
	for _, r := range d.records {
		if r.end != "" || !r.durable || r.dryRun || !r.verb.lasting() || (r.took|r.unsure|r.pending)&l.bit != 0 || !r.failedAt(l.enforcer.Name()) {
			continue
		}
		if x := r.decision(); d.takes(l, &x) {
			r.pending |= l.bit
			r.unsure |= l.bit
			l.push(order{r: r})
		}
	}
}

// failedAt reports whether an enforcer surely did nothing for r. What a build
// that failed did is for people to see.
func (r *record) failedAt(enforcer string) bool {
	return slices.ContainsFunc(r.receipts, func(c Receipt) bool {
		return c.Enforcer == enforcer && !c.OK && !c.Unknown && (c.Job == nil || c.Job.State == "error")
	})
}

// unwell notes that l's enforcer is down; the message line hears it once.
func (d *Dispatcher) unwell(l *lane, err error) {
	note, now := safe.Text(err.Error(), lineMost), d.now()
	d.mu.Lock()
	told := !l.health.OK && l.health.Note == note
	l.health = EnforcerHealth{Name: l.enforcer.Name(), Note: note, At: now}
	d.mu.Unlock()
	d.dirty.Store(true)
	if !told {
		d.notices.add(now, "error", l.enforcer.Name()+": "+note)
	}
}

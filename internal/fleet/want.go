package fleet

import (
	"time"

	"levee/actions"
)

// want is what the index has to learn of one place. It waits here while the
// index is out of reach, and after a restart is found again by comparing.
type want struct {
	d       actions.Decision // of this host
	open    bool             // it began; with end, after that
	renew   bool             // its end moved
	show    time.Time        // when its state changed first; zero: it did not
	end     *End             // it was ended before its time
	widen   bool             // the canary is over: all may enforce it
	over    bool             // the canary starts over on this host
	restore bool             // somebody put something else in its place
}

// wanted returns what the index has to learn of a document. The caller holds
// mu.
func (n *Node) wanted(id string) *want {
	w := n.out[id]
	if w == nil {
		w = &want{}
		n.out[id] = w
	}
	return w
}

// again keeps w for the next try, behind what came meanwhile. The caller holds
// mu.
func (n *Node) again(id string, w *want) {
	late := n.out[id]
	n.out[id] = w
	if late == nil {
		return
	}
	if late.d.ID != "" {
		w.d = late.d
	}
	if late.end != nil {
		w.end, w.open = late.end, false
	}
	if w.show.IsZero() {
		w.show = late.show
	}
	w.open, w.renew = w.open || late.open, w.renew || late.renew
	w.widen, w.over, w.restore = w.widen || late.widen, w.over || late.over, w.restore || late.restore
}

// quiet reports whether only people look at what w says.
func (w *want) quiet() bool {
	return !w.open && !w.renew && w.end == nil && !w.widen && !w.over && !w.restore
}

// shared reports whether d concerns other hosts.
func shared(d *actions.Decision) bool { return !d.DryRun && d.Verb != actions.Notify }

func lasting(v actions.Verb) bool {
	return v == actions.Block || v == actions.Throttle || v == actions.Harden || v == actions.Allow
}

// Wrote hears what this host wrote down and queues what others must know.
func (n *Node) Wrote(entries []actions.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	news := false
	for i := range entries {
		e := &entries[i]
		d := &e.Decision
		switch e.Kind {
		case actions.Set:
			news = news || e.Key == actions.SwitchesKey
			continue
		case actions.Changed, actions.Renewed:
		default:
			continue // Claim knows of it
		}
		if !shared(d) {
			continue
		}
		id := docID(n.o.Name, OfPlace, place(d))
		switch own := d.Host == n.o.Host; {
		case ends(e):
			w := n.wanted(id)
			w.d, w.end, w.open = *d, &End{By: e.Actor, At: e.At}, false
			n.canaryEnded(d)
		case e.Kind == actions.Renewed && (own || n.leads(n.now())):
			w := n.wanted(id)
			w.d, w.renew = *d, true
		case own && d.State != actions.Failed:
			w := n.wanted(id)
			w.d = *d
			if w.show.IsZero() {
				w.show = n.now()
			}
			continue // nobody waits for it
		default:
			continue
		}
		news = true
	}
	if news {
		n.nudge()
	}
}

// ends reports whether e is the end of a decision that must end everywhere: a
// person's or auto mode's, not that of a TTL or of this host's own guardrails.
func ends(e *actions.Entry) bool {
	d := &e.Decision
	if e.Kind != actions.Changed || d.EndedBy == "" || !d.State.Active() && d.State != actions.Undone {
		return false
	}
	return e.Actor.Name == d.EndedBy || d.State == actions.Undone && e.Actor.Via != "restart" && e.Actor.Name != "guardrail"
}

// build returns what must be written for w, and how people see it; nil when
// nothing must. The caller holds mu.
func (n *Node) build(id string, w *want, now time.Time) (*Record, *actions.Decision) {
	var k *Record
	if h := n.known[id]; h != nil {
		k = h.rec
	}
	if w.restore && k != nil && k.Kind != OfPlace {
		same := *k
		return &same, nil
	}
	if w.d.ID == "" && k == nil {
		return nil, nil
	}
	r := &Record{Kind: OfPlace, ID: id, Rev: 1, Decision: bare(w.d)}
	if k != nil {
		same := *k
		r = &same
		r.Rev++
	}
	d := *r.Decision
	seen := func() *actions.Decision {
		x := *r.Decision
		if w.d.ID == x.ID {
			x = w.d
			x.Expires = r.Decision.Expires
		}
		return &x
	}
	stands := k != nil && k.stands(now)
	if w.end != nil && k != nil && (!stands || k.Decision.ID != w.d.ID && k.Decision.Created.After(w.end.At)) {
		w.end = nil // it has ended, or is another one
	}
	switch {
	case w.end != nil:
		r.Ended, r.Only = w.end, ""
		x := seen()
		x.State, x.EndedBy = actions.Undone, w.end.By.Name
		return r, x
	case w.open && !stands && (k == nil || k.Ended == nil || k.Ended.At.Before(w.d.Created)):
		if !w.d.Expires.IsZero() && !now.Before(w.d.Expires) {
			break
		}
		r.Decision, r.Ended, r.Only = bare(w.d), nil, ""
		return r, seen()
	}
	changed := false
	if (w.open || w.renew) && stands && !d.Expires.IsZero() && w.d.Expires.Sub(d.Expires) >= time.Second ||
		w.renew && k != nil && k.Ended == nil && !stands && now.Before(w.d.Expires) {
		d.Expires = w.d.Expires
		r.Decision, changed = &d, true
	}
	// With the end that moved, not instead of it: what is written is not asked
	// for again.
	if k != nil && k.Only != "" && r.stands(now) {
		switch {
		case w.widen:
			r.Only, changed = "", true
		case w.over && k.Only != n.o.Host:
			r.Only, changed = n.o.Host, true
		}
	}
	if changed {
		return r, seen()
	}
	if k != nil && (w.restore || !w.show.IsZero() && k.Decision.ID == w.d.ID) {
		r.Rev = k.Rev
		x := seen()
		if k.Ended != nil && x.State.Active() {
			x.State, x.EndedBy = actions.Undone, k.Ended.By.Name
		}
		return r, x
	}
	return nil, nil
}

package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"levee/actions"
)

// want is what the index has to learn of one place. It waits here while the
// index is out of reach, and after a restart is found again by comparing.
type want struct {
	d       actions.Decision // of this host
	open    bool             // it began; with end, after that
	renew   bool             // its end moved
	show    bool             // its state changed
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
	w.open, w.renew, w.show = w.open || late.open, w.renew || late.renew, w.show || late.show
	w.widen, w.over, w.restore = w.widen || late.widen, w.over || late.over, w.restore || late.restore
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
			w.d, w.show = *d, true
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
	case (w.open || w.renew) && stands && !d.Expires.IsZero() && w.d.Expires.Sub(d.Expires) >= time.Second,
		w.renew && k != nil && k.Ended == nil && !stands && now.Before(w.d.Expires):
		d.Expires = w.d.Expires
		r.Decision = &d
		return r, seen()
	case w.widen && stands && k.Only != "":
		r.Only = ""
		return r, seen()
	case w.over && stands && k.Only != "" && k.Only != n.o.Host:
		r.Only = n.o.Host
		return r, seen()
	}
	if k != nil && (w.restore || w.show && k.Decision.ID == w.d.ID) {
		r.Rev = k.Rev
		x := seen()
		if k.Ended != nil && x.State.Active() {
			x.State, x.EndedBy = actions.Undone, k.Ended.By.Name
		}
		return r, x
	}
	return nil, nil
}

const (
	// putMost is how many documents are written at once.
	putMost = 500
	// roundsMost is how often a write that met another version is tried at once.
	roundsMost = 4
)

// flush brings the index what it has to learn.
func (n *Node) flush(ctx context.Context) error {
	if err := n.flushSwitches(ctx); err != nil {
		return err
	}
	for range 20 { // the rest waits for the next look
		n.mu.Lock()
		now := n.now()
		taken := map[string]*want{}
		var recs []*Record
		var shown []*actions.Decision
		for id, w := range n.out {
			delete(n.out, id)
			if r, x := n.build(id, w, now); r != nil {
				taken[id] = w
				recs, shown = append(recs, r), append(shown, x)
			}
			if len(recs) == putMost {
				break
			}
		}
		n.mu.Unlock()
		if len(recs) == 0 {
			return nil
		}
		met, err := n.write(ctx, recs, shown)
		n.mu.Lock()
		for id, w := range taken {
			switch {
			case err != nil || met[id]:
				n.again(id, w)
			case w.end != nil && w.open: // it was ended, and decided anew
				w.end = nil
				n.again(id, w)
			}
		}
		n.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// write puts recs and returns which of them met another version; that version
// is known then. An error means that nothing can be said of any.
func (n *Node) write(ctx context.Context, recs []*Record, shown []*actions.Decision) (map[string]bool, error) {
	puts := make([]Put, len(recs))
	for i, r := range recs {
		var err error
		if puts[i], err = n.seal(r, shown[i]); err != nil {
			return nil, err
		}
	}
	one, cancel := context.WithTimeout(ctx, call)
	done, err := n.o.Index.Put(one, puts)
	cancel()
	if err != nil {
		return nil, err
	}
	met := map[string]bool{}
	var failed error
	for i, s := range done {
		switch {
		case s.Conflict:
			met[recs[i].ID] = true
		case s.Err != nil && s.Never:
			n.tell("error", fmt.Sprintf("the fleet can't be told of %s: %s", recs[i].ID, s.Err))
		case s.Err != nil:
			failed = s.Err
		default:
			n.wrote(recs[i], s)
		}
	}
	if failed != nil {
		return nil, failed
	}
	return met, n.look(ctx, met)
}

// look reads the documents of ids as they are now.
func (n *Node) look(ctx context.Context, ids map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	ctx, cancel := context.WithTimeout(ctx, call)
	defer cancel()
	docs, err := n.o.Index.Get(ctx, list)
	if err != nil {
		return err
	}
	n.mu.Lock()
	for _, id := range list {
		if h := n.known[id]; h != nil {
			h.seq, h.primary = 0, 0 // unless it is among docs, it is gone
		}
	}
	n.mu.Unlock()
	return n.observe(ctx, docs)
}

// compare queues, once the whole index was read, what stands here and not
// there: decided while this host was alone, or never sent.
func (n *Node) compare() {
	standing := n.local.Standing()
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	for i := range standing {
		d := &standing[i]
		if !shared(d) {
			continue
		}
		id := docID(n.o.Name, OfPlace, place(d))
		h := n.known[id]
		if h != nil && h.rec != nil && h.rec.stands(now) && h.rec.Decision.Expires.Sub(d.Expires).Abs() < time.Second {
			continue
		}
		w := n.wanted(id)
		w.d, w.open = *d, true
	}
}

// errStopped is in the error of Arm when somebody stopped automation whom it
// does not follow.
var errStopped = errors.New("automation was stopped meanwhile")

// flushSwitches tells the fleet what was set here. A stop is told until it is
// there, whatever else was set meanwhile; to arm is given up for a stop that
// it does not follow.
func (n *Node) flushSwitches(ctx context.Context) error {
	s := n.local.Switches()
	before := s.Rev == 0 && !s.Armed && s.By != "" // stopped before there was a fleet
	if !s.Unsent && !before {
		return nil
	}
	done, err := n.setSwitches(ctx, s)
	if errors.Is(err, errStopped) {
		n.tell("warn", err.Error())
		return n.apply(ctx, nil, nil, n.handSwitches())
	}
	if err != nil {
		return err
	}
	return n.local.AdoptSwitches(ctx, done, n.o.Host)
}

// setSwitches writes s and returns it as the fleet has it.
func (n *Node) setSwitches(ctx context.Context, s actions.Switches) (actions.Switches, error) {
	id := docID(n.o.Name, OfSwitches, "")
	for range roundsMost {
		n.mu.Lock()
		var k *Record
		if h := n.known[id]; h != nil {
			k = h.rec
		}
		n.mu.Unlock()
		if k != nil && s.Armed && k.Rev != s.Rev && !k.Switches.Armed {
			return s, fmt.Errorf("%w by %s on %s at %s UTC; look there, then arm again",
				errStopped, k.Switches.By, k.By, k.Switches.Since.UTC().Format("15:04:05"))
		}
		r := n.next(OfSwitches, "")
		x := s
		x.Rev, x.Unsent = r.Rev, false
		if !s.Armed && k != nil && k.Rev != s.Rev {
			x.AutoOn = x.AutoOn && k.Switches.AutoOn // a stop follows nobody, and switches nothing on
		}
		r.Switches = &x
		stored, err := n.put(ctx, r)
		if err != nil {
			return s, err
		}
		if !stored.Conflict {
			return x, nil
		}
		if err := n.look(ctx, map[string]bool{id: true}); err != nil {
			return s, err
		}
	}
	return s, errors.New("the switches change faster than they can be set; try again")
}

// Arm asks the fleet to let automation act. While it is out of reach this host
// may be armed alone; what the fleet says then holds again afterwards.
func (n *Node) Arm(ctx context.Context, s actions.Switches) (actions.Switches, error) {
	n.mu.Lock()
	joined := n.joined
	n.mu.Unlock()
	if !joined {
		return s, nil
	}
	done, err := n.setSwitches(ctx, s)
	if err != nil && !errors.Is(err, errStopped) {
		n.cut(err)
		return s, nil
	}
	return done, err
}

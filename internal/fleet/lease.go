package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"levee/actions"
)

// leading is the lease on auto mode as this host sees it.
type leading struct {
	rec    *Lease
	moved  time.Time // when its document changed last, by this host's clock
	most   uint64    // highest term ever heard of
	term   uint64    // of this host's lease
	until  time.Time // to when this host may act on it; the zero time: it does not lead
	sent   time.Time // when it was renewed last
	wished []wished  // what other hosts ask for
}

func (l *leading) heard(r *Lease, now time.Time) {
	l.rec, l.moved = r, now
	l.most = max(l.most, r.Term)
	if r.Term != l.term {
		l.until = time.Time{}
	}
}

// leads reports whether this host may act as the leader at now. The caller
// holds mu.
func (n *Node) leads(now time.Time) bool {
	return now.Before(n.lease.until) && n.lease.rec != nil && n.lease.rec.Term == n.lease.term
}

// lead renews this host's lease, or takes it when nobody has it. A leader
// stops acting a fifth of the lease before anybody else may begin: both
// measure from when they saw it change, and the leader from before that.
func (n *Node) lead(ctx context.Context) error {
	now := n.now()
	n.mu.Lock()
	l := n.lease
	mine := l.rec != nil && l.rec.Host == n.o.Host
	n.mu.Unlock()
	fit := n.o.Fit()
	switch {
	case mine && l.rec.Term == l.term && !fit:
		return n.grant(ctx, &Lease{Term: l.rec.Term, Since: l.rec.Since}, now)
	case mine && l.rec.Term == l.term:
		if now.Sub(l.sent) < n.o.Lease/3 {
			return nil
		}
		return n.grant(ctx, l.rec, now)
	case fit && (l.rec == nil || mine || l.rec.Host == "" || now.Sub(l.moved) >= n.o.Lease):
		return n.grant(ctx, &Lease{Host: n.o.Host, Term: l.most + 1, Since: now}, now)
	}
	return nil
}

// grant writes the lease. Who was first has it.
func (n *Node) grant(ctx context.Context, x *Lease, now time.Time) error {
	d := n.next(OfLease, "")
	d.rec.Lease = x
	stored, err := n.put(ctx, d)
	if err != nil {
		return err
	}
	if stored.Conflict {
		return n.look(ctx, map[string]bool{d.rec.ID: true})
	}
	n.mu.Lock()
	fresh := x.Host != "" && x.Term != n.lease.term
	n.lease.rec, n.lease.moved, n.lease.most = x, now, max(n.lease.most, x.Term)
	n.lease.until = time.Time{}
	if x.Host == n.o.Host {
		n.lease.term, n.lease.sent, n.lease.until = x.Term, now, now.Add(n.o.Lease*4/5)
	}
	if fresh {
		n.takeOver(now)
	}
	n.mu.Unlock()
	if fresh {
		n.tell("info", fmt.Sprintf("this host leads auto mode (term %d)", x.Term))
		return n.remember()
	}
	return nil
}

const (
	// wishLasts is how long a wish of another host is good for.
	wishLasts = 30 * time.Second
	// wishTargets is how many targets one wish has at most, wishRing how many
	// wishes of a host may be under way, askedMost how many wait here.
	wishTargets = 200
	wishRing    = 16
	askedMost   = 256
)

// wished is what a host asked the leader for. Every host keeps it for a while:
// the leader may have died before it answered, and this host be the next.
type wished struct {
	by string
	r  actions.Request
	at time.Time
}

// Wish passes what this host's auto mode asks for to the leader.
func (n *Node) Wish(r actions.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for from := 0; from < len(r.Targets) && len(n.asked) < askedMost; from += wishTargets {
		to := min(from+wishTargets, len(r.Targets))
		part := r
		part.Targets = r.Targets[from:to]
		if r.Seen != nil {
			part.Seen = r.Seen[from:to]
		}
		n.asked = append(n.asked, wished{n.o.Host, part, n.now()})
	}
	n.nudge()
}

// ask sends the leader this host's wishes; the leader carries out the others'.
func (n *Node) ask(ctx context.Context) error {
	n.mu.Lock()
	now := n.now()
	n.outlive(now)
	leads := n.leads(now)
	if !leads && (n.lease.rec == nil || n.lease.rec.Host == "") {
		n.mu.Unlock()
		return nil // nobody would hear it
	}
	asked, theirs := n.asked, n.lease.wished
	if n.asked = nil; leads {
		n.lease.wished = nil
	}
	first := n.wishes
	n.wishes += min(len(asked), wishRing)
	n.mu.Unlock()
	if leads {
		for _, w := range theirs {
			w.r.Actor = actions.Auto
			if w.by != n.o.Host {
				w.r.Reason += " (seen by " + w.by + ")"
			}
			n.act(ctx, w.r)
		}
		for _, w := range asked { // it leads since it wished
			n.act(ctx, w.r)
		}
		return nil
	}
	n.mu.Lock()
	for _, w := range asked[:min(len(asked), wishRing)] {
		n.heard(w)
	}
	n.asked = append(asked[min(len(asked), wishRing):], n.asked...)
	n.mu.Unlock()
	for i, w := range asked[:min(len(asked), wishRing)] {
		x := n.next(OfWish, fmt.Sprintf("%s %d", n.o.Host, (first+i)%wishRing))
		x.rec.Wish = &w.r
		stored, err := n.put(ctx, x)
		if err != nil {
			return err
		}
		if stored.Conflict {
			if err := n.look(ctx, map[string]bool{x.rec.ID: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// outlive forgets wishes that are too old. The caller holds mu.
func (n *Node) outlive(now time.Time) {
	old := func(w wished) bool { return now.Sub(w.at) >= wishLasts }
	n.lease.wished, n.asked = slices.DeleteFunc(n.lease.wished, old), slices.DeleteFunc(n.asked, old)
}

// alonely carries out what this host lately wished for, once it stands alone:
// its auto mode does not ask again soon, and the leader may not have heard.
func (n *Node) alonely(ctx context.Context) {
	n.mu.Lock()
	now := n.now()
	if n.alone.since.IsZero() || n.starting(now) {
		n.mu.Unlock()
		return
	}
	n.outlive(now)
	own := n.asked
	n.asked = nil
	n.lease.wished = slices.DeleteFunc(n.lease.wished, func(w wished) bool {
		if w.by == n.o.Host {
			own = append(own, w)
		}
		return w.by == n.o.Host
	})
	n.mu.Unlock()
	for _, w := range own {
		n.act(ctx, w.r)
	}
}

// heard keeps a wish. The caller holds mu.
func (n *Node) heard(w wished) {
	if n.lease.wished = append(n.lease.wished, w); len(n.lease.wished) > askedMost {
		n.lease.wished = slices.Delete(n.lease.wished, 0, 1)
	}
}

func (n *Node) act(ctx context.Context, r actions.Request) {
	if n.o.Act != nil && ctx.Err() == nil {
		n.o.Act(ctx, r)
	}
}

package fleet

import (
	"context"
	"fmt"
	"time"

	"levee/actions"
)

// Term is what automatic decisions are stamped with.
func (n *Node) Term() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.leads(n.now()) {
		return 0
	}
	return n.lease.term
}

// Hold says why automation may not act here. A host that stands alone acts,
// with its share, but not before it has looked for the others.
func (n *Node) Hold() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.starting(n.now()):
		return "this host has just started and looks for its fleet first"
	case !n.alone.since.IsZero(), n.leads(n.now()):
		return ""
	case n.lease.rec == nil || n.lease.rec.Host == "":
		return "no host leads auto mode: none sees fresh traffic, or the first is about to"
	case n.lease.rec.Host == n.o.Host:
		return "this host's lease on auto mode has run out and is being renewed"
	}
	return n.lease.rec.Host + " leads auto mode"
}

// starting reports whether this host has neither met its fleet since it began,
// nor learned that it can't, nor waited for long enough. The caller holds mu.
func (n *Node) starting(now time.Time) bool {
	return !n.met && !n.alone.told && (n.began.IsZero() || now.Sub(n.began) < 2*n.o.Lease)
}

// Claim asks for the places of ds. Of two hosts that decide the same the first
// write wins; the other one is told who it was.
func (n *Node) Claim(ctx context.Context, ds []actions.Decision) map[string]string {
	late := map[string]string{}
	todo := map[string]actions.Decision{} // by document ID
	for i := range ds {
		if d := &ds[i]; shared(d) {
			todo[docID(n.o.Name, OfPlace, place(d))] = *d
		}
	}
	for round := 0; len(todo) > 0; round++ {
		drafts, ok := n.claims(todo, late)
		if !ok {
			n.keep(todo)
			return late
		}
		n.mu.Lock()
		most := n.most
		n.mu.Unlock()
		for len(drafts) > 0 {
			m := min(len(drafts), most)
			met, err := n.write(ctx, drafts[:m])
			if err != nil {
				n.cut(err)
				n.keep(todo)
				return late
			}
			for _, x := range drafts[:m] {
				if !met[x.rec.ID] {
					delete(todo, x.rec.ID)
				}
			}
			drafts = drafts[m:]
		}
		if round == roundsMost {
			for id, d := range todo {
				late[d.ID] = "other hosts change it faster than it can be claimed; try again"
				delete(todo, id)
			}
		}
	}
	return late
}

// claims returns what must be written for todo, drops from it what came too
// late, and reports whether there is a fleet to ask.
func (n *Node) claims(todo map[string]actions.Decision, late map[string]string) ([]*draft, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.joined {
		return nil, false
	}
	now := n.now()
	var drafts []*draft
	for id, d := range todo {
		auto := d.Actor.Via == actions.Auto.Via
		r := &Record{Kind: OfPlace, ID: id, Rev: 1, Decision: bare(d)}
		if h := n.known[id]; h != nil && h.rec != nil {
			k := h.rec
			r.Rev = k.Rev + 1
			// What stands on the canary alone a person may order for all.
			if k.Decision.ID != d.ID && k.stands(now) && (auto || k.Only == "" && lasting(d.Verb)) {
				late[d.ID] = fmt.Sprintf("%s: %s by %s on %s since %s UTC: it was first", k.Decision.Target, k.Decision.Verb,
					k.Decision.Actor.Name, k.Decision.Host, k.Decision.Created.UTC().Format("15:04:05"))
				delete(todo, id)
				continue
			}
		}
		if auto {
			if !n.leads(now) {
				late[d.ID] = "another host leads auto mode by now"
				delete(todo, id)
				continue
			}
			r.Only = n.canaryFor(&d, id, now)
		}
		x := d
		drafts = append(drafts, n.draft(r, &x))
	}
	return drafts, true
}

// keep queues what could not be claimed: this host goes on alone.
func (n *Node) keep(todo map[string]actions.Decision) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, d := range todo {
		w := n.wanted(id)
		w.d, w.open = d, true
	}
}

package fleet

import (
	"context"
	"fmt"

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
// with its share.
func (n *Node) Hold() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case !n.alone.since.IsZero(), n.leads(n.now()):
		return ""
	case n.lease.rec == nil || n.lease.rec.Host == "":
		return "no host leads auto mode: none sees fresh traffic, or the first is about to"
	case n.lease.rec.Host == n.o.Host:
		return "this host's lease on auto mode has run out and is being renewed"
	}
	return n.lease.rec.Host + " leads auto mode"
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
		recs, shown, ok := n.claims(todo, late)
		if !ok {
			n.keep(todo)
			return late
		}
		for len(recs) > 0 {
			m := min(len(recs), putMost)
			met, err := n.write(ctx, recs[:m], shown[:m])
			if err != nil {
				n.cut(err)
				n.keep(todo)
				return late
			}
			for _, r := range recs[:m] {
				if !met[r.ID] {
					delete(todo, r.ID)
				}
			}
			recs, shown = recs[m:], shown[m:]
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
func (n *Node) claims(todo map[string]actions.Decision, late map[string]string) ([]*Record, []*actions.Decision, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.joined {
		return nil, nil, false
	}
	now := n.now()
	var recs []*Record
	var shown []*actions.Decision
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
		recs, shown = append(recs, r), append(shown, &x)
	}
	return recs, shown, true
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

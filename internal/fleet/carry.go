package fleet

import (
	"context"
	"fmt"
	"slices"

	"levee/actions"
)

// carryOut does here what follows from got, and from what could not be done
// before. Of what was read more than once the last counts.
func (n *Node) carryOut(ctx context.Context, got *news) error {
	now := n.now()
	n.mu.Lock()
	old := func(r *Record) bool {
		h := n.known[r.ID]
		return h == nil || h.rec == nil || h.rec.Rev != r.Rev
	}
	stand, ended := slices.DeleteFunc(got.stand, old), slices.DeleteFunc(got.ended, old)
	*got = news{}
	for id := range n.retry {
		switch h := n.known[id]; {
		case h == nil || h.rec == nil:
		case h.rec.Ended != nil:
			ended = append(ended, h.rec)
		case h.rec.stands(now):
			stand = append(stand, h.rec)
		}
	}
	clear(n.retry)
	worst := n.bad.untold()
	n.mu.Unlock()
	if worst != "" {
		n.tell("warn", worst)
	}
	err := n.apply(ctx, stand, ended, n.handSwitches())
	if err != nil { // it is known by now, and no reading brings it again
		n.mu.Lock()
		for _, r := range slices.Concat(stand, ended) {
			n.retry[r.ID] = true
		}
		n.mu.Unlock()
	}
	return err
}

// apply carries out here what the fleet says.
func (n *Node) apply(ctx context.Context, stand, ended []*Record, sw *Record) error {
	if n.local == nil {
		return nil
	}
	if sw != nil {
		s := *sw.Switches
		s.Rev, s.Unsent = sw.Rev, false
		if err := n.local.AdoptSwitches(ctx, s, sw.By); err != nil {
			return err
		}
	}
	if len(ended) > 0 {
		es := make([]actions.Ended, len(ended))
		for i, r := range ended {
			es[i] = actions.Ended{Decision: *r.Decision, By: r.Ended.By, At: r.Ended.At}
		}
		if err := n.local.Release(ctx, es); err != nil {
			return err
		}
	}
	ds, from, err := n.revive(ctx, stand)
	if err != nil || len(ds) == 0 {
		return err
	}
	refused, err := n.local.Adopt(ctx, ds)
	n.mu.Lock()
	var first *Record
	told := 0
	for id, r := range from {
		switch no, is := refused[id]; {
		case err != nil, is && no.Rule == "ending":
			n.retry[r.ID] = true
		case is:
			if told++; first == nil {
				first = r
			}
		}
	}
	n.mu.Unlock()
	if told > 0 {
		d := first.Decision
		text := fmt.Sprintf("%s %s by %s on %s is not carried out here: %s", d.Verb, d.Target, d.Actor.Name, d.Host, refused[d.ID])
		if told > 1 {
			text += fmt.Sprintf(" (and %d more)", told-1)
		}
		n.tell("warn", text)
	}
	return err
}

// handSwitches returns what the fleet says of auto mode, nil when it says
// nothing.
func (n *Node) handSwitches() *Record {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.known[docID(n.o.Name, OfSwitches, "")]
	if h == nil || h.rec == nil || n.local == nil {
		return nil
	}
	return h.rec
}

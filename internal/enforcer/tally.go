package enforcer

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"levee/actions"
)

// tally counts the blocks that each enforcer was given here and that have not
// ended, so that whoever takes over the asking process can't fill the packet
// filter with more than was ever allowed.
type tally struct {
	mu   sync.Mutex
	ends map[string]map[netip.Prefix]time.Time // by enforcer; zero: the end is unknown
}

// room says whether p is not blocked at e yet and, if so, why one more block is
// too much beside coming others of the same request; "" when it is not. A most
// of 0 allows any number.
func (t *tally) room(ctx context.Context, e actions.Enforcer, p netip.Prefix, coming, most int, now time.Time) (fresh bool, why string) {
	if !p.IsValid() {
		return false, ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.of(ctx, e)
	if _, known := held[p.Masked()]; known {
		return false, ""
	}
	if most <= 0 || len(held)+coming < most {
		return true, ""
	}
	for q, end := range held {
		if !end.IsZero() && !now.Before(end) {
			delete(held, q)
		}
	}
	if len(held)+coming < most {
		return true, ""
	}
	return true, fmt.Sprintf("%d blocks are the most here; undo some, or raise auto.budget.active_blocks", most)
}

// of returns what is held at e, to begin with what it says itself: it may have
// outlived the last process. The caller holds mu.
func (t *tally) of(ctx context.Context, e actions.Enforcer) map[netip.Prefix]time.Time {
	held := t.ends[e.Name()]
	if held != nil {
		return held
	}
	list, err := e.List(ctx)
	held = make(map[netip.Prefix]time.Time, len(list))
	for _, h := range list {
		if h.Prefix.IsValid() {
			held[h.Prefix.Masked()] = h.Expires
		}
	}
	if err != nil {
		return held // it can't tell now, and is asked again
	}
	if t.ends == nil {
		t.ends = map[string]map[netip.Prefix]time.Time{}
	}
	t.ends[e.Name()] = held
	return held
}

// note takes over what came of decisions: begun, or lifted.
func (t *tally) note(e actions.Enforcer, ds []actions.Decision, receipts []actions.Receipt, lifted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := t.ends[e.Name()]
	if held == nil {
		return
	}
	no := map[string]bool{} // what the enforcer surely did not do
	for _, r := range receipts {
		if !r.OK && (lifted || !r.Unknown) {
			no[r.Decision] = true
		}
	}
	for _, d := range ds {
		switch p := d.Target.Prefix; {
		case !p.IsValid() || no[d.ID]:
		case lifted:
			delete(held, p.Masked())
		default:
			held[p.Masked()] = d.Expires
		}
	}
}

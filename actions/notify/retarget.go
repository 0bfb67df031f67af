package notify

import (
	"errors"
	"slices"
)

// SetTargets replaces who is told: all of ts, or nothing changes. A place that
// stays keeps what waits for it; what waits for one that goes is dropped. It
// may be called while Run runs.
func (n *Notifier) SetTargets(ts []Target) error {
	if len(ts) == 0 {
		return errors.New("notify: nobody to tell; give at least one url")
	}
	before := n.told()
	var targets []*target
	for i, t := range ts {
		made, err := newTarget(t, i+1, n.o.Now)
		if err != nil {
			return err
		}
		if k := slices.IndexFunc(before, made.same); k >= 0 {
			made = before[k]
		}
		targets = append(targets, made)
	}
	n.mu.Lock()
	n.targets = targets
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return nil
}

// told returns who is told.
func (n *Notifier) told() []*target {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.targets
}

// same reports whether both are one place under one name. The whole URL stands
// first among the secrets.
func (t *target) same(x *target) bool {
	return t.Target == x.Target && t.secrets[0].Reveal() == x.secrets[0].Reveal()
}

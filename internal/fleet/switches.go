package fleet

import (
	"context"
	"errors"
	"fmt"

	"levee/actions"
)

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
		x := n.next(OfSwitches, "")
		k := x.was
		if k != nil && s.Armed && k.Rev != s.Rev && !k.Switches.Armed {
			return s, fmt.Errorf("%w by %s on %s at %s UTC; look there, then arm again",
				errStopped, k.Switches.By, k.By, k.Switches.Since.UTC().Format("15:04:05"))
		}
		set := s
		set.Rev, set.Unsent = x.rec.Rev, false
		if !s.Armed && k != nil && k.Rev != s.Rev {
			set.AutoOn = set.AutoOn && k.Switches.AutoOn // a stop follows nobody, and switches nothing on
		}
		x.rec.Switches = &set
		stored, err := n.put(ctx, x)
		if err != nil {
			return s, err
		}
		if !stored.Conflict {
			return set, nil
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

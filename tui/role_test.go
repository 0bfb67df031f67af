package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
)

// promoted is somebody whose role changes while they look on.
type promoted struct {
	hands
	now *actions.Role
}

func (p promoted) Actor() actions.Actor {
	a := p.hands.Actor()
	a.Role = *p.now
	return a
}

// TestARoleChangesWhileOneLooksOn: the keys that act are offered to whoever may
// act, and to nobody else, as levee.yaml says now and not as it said at the door.
func TestARoleChangesWhileOneLooksOn(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	role := actions.Viewer
	d.m.op = promoted{hands{f, ana}, &role}
	for _, r := range []actions.Role{actions.Viewer, actions.Operator, actions.Viewer, actions.Admin} {
		role = r
		d.wait(time.Second)
		acts := r != actions.Viewer
		if got := strings.Contains(d.m.View(), "STOP AUTO"); got != acts {
			t.Errorf("%s: STOP AUTO is offered: %v", r, got)
		}
		if got := d.m.d.acts; got != acts {
			t.Errorf("%s: may act: %v", r, got)
		}
	}
}

package actions_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// gate is a wall with doors.
type gate struct {
	*wall
	mu   sync.Mutex
	from []netip.Addr
}

func (g *gate) KeepOpen(_ context.Context, from []netip.Addr) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.from = from
	return nil
}

func TestTheWayInStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{wall: newWall("gate")}
		var mu sync.Mutex
		known := []netip.Addr{netip.MustParseAddr("192.0.2.7")}
		b := newBench(t, func(o *actions.Options) {
			o.Enforcers = []actions.Enforcer{g, newWall("doorless")}
			o.Known = func() []netip.Addr {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(known)
			}
		})
		defer func() { b.stop() }()
		settle()
		open := func() []netip.Addr {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.from
		}
		if got := open(); len(got) != 1 || got[0] != known[0] {
			t.Errorf("at the start SSH is open for %v", got)
		}
		mu.Lock()
		known = append(known, netip.MustParseAddr("2001:db8::7"))
		mu.Unlock()
		time.Sleep(31 * time.Second)
		settle()
		if got := open(); len(got) != 2 {
			t.Errorf("after half a minute SSH is open for %v", got)
		}
	})
}

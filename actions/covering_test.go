package actions_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

func allow(actor actions.Actor, ss ...string) actions.Request {
	r := block(actor, ss...)
	r.Verb = actions.Allow
	return r
}

func TestAnAllowLiftsWhatItTouches(t *testing.T) {
	for _, c := range []struct {
		name, blocked, allowed string
		want                   bool // still blocked
	}{
		{"the same address", "198.51.100.1", "198.51.100.1", false},
		{"the same /24", "198.51.100.0/24", "198.51.100.0/24", false},
		{"a /24 around the block", "198.51.100.1", "198.51.100.0/24", false},
		{"an address inside the block", "198.51.100.0/24", "198.51.100.1", false},
		{"the same /48", "2001:db8::/48", "2001:db8::/48", false},
		{"a neighbour", "198.51.100.1", "198.51.100.2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				defer func() { b.stop() }()
				ds := b.commit(block(ana, c.blocked))
				settle()
				b.commit(allow(cy, c.allowed))
				settle()
				if got := b.get(ds[0].ID); got.State.Active() != c.want || b.wall.count() != 0 != c.want {
					t.Errorf("%s, %d held", got.State, b.wall.count())
				}
				p, err := actions.ParsePrefix(c.allowed)
				if err != nil {
					t.Fatal(err)
				}
				if got, ok := b.d.FindActive(p); !ok || got.Verb != actions.Allow {
					t.Errorf("found %+v", got)
				}
				b.stop()
				b.start()
				settle()
				if b.wall.count() != 0 != c.want {
					t.Errorf("%d held after a restart", b.wall.count())
				}
			})
		})
	}
}

// TestAThrottleAndABlockStandTogether holds that neither hides the other from
// an undo, an allow or the search for duplicates, whichever came first.
func TestAThrottleAndABlockStandTogether(t *testing.T) {
	const addr = "198.51.100.1"
	throttle := block(ana, addr)
	throttle.Verb = actions.Throttle
	for _, order := range [][]actions.Request{{block(ana, addr), throttle}, {throttle, block(ana, addr)}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			defer b.stop()
			var ids []string
			both := func() {
				ids = nil
				for _, r := range order {
					ids = append(ids, b.commit(r)[0].ID)
				}
				settle()
			}
			ended := func(how string) {
				t.Helper()
				settle()
				for _, id := range ids {
					if got := b.get(id); got.State.Active() {
						t.Errorf("%s: %s is %s", how, got.Verb, got.State)
					}
				}
				if b.d.Board().NActive > 1 { // the allow
					t.Errorf("%s: %d in force", how, b.d.Board().NActive)
				}
			}
			both()
			if p := b.plan(block(cy, addr)); p.Token != "" || p.Refusals[0].Rule != "duplicate" {
				t.Errorf("blocked twice: %+v", p.Refusals)
			}
			if got, ok := b.d.FindActive(netip.MustParsePrefix(addr + "/32")); !ok || got.Verb != actions.Block {
				t.Errorf("the stronger act is not shown: %+v", got)
			}
			undo := block(cy, "198.51.100.0/24")
			undo.Verb = actions.Unblock
			if p := b.plan(undo); len(p.Request.Targets) != 1 {
				t.Errorf("unblock of the /24: %v", p.Request.Targets)
			}
			b.commit(undo)
			ended("unblock of the /24")
			both()
			b.commit(allow(cy, addr))
			ended("allow")
		})
	}
}

func TestABlockUnderAThrottleIsNoDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		// The /24 is blocked, the address in it throttled: the block still covers
		// the address.
		b.commit(block(ana, "198.51.100.0/24"))
		throttle := block(ana, "198.51.100.1")
		throttle.Verb = actions.Throttle
		b.commit(throttle)
		if p := b.plan(block(cy, "198.51.100.1")); p.Token != "" || p.Refusals[0].Rule != "duplicate" {
			t.Errorf("%+v", p.Refusals)
		}
		// Beside a throttled /24 the address may be blocked.
		throttle.Targets = targets("203.0.113.0/24")
		b.commit(throttle)
		if p := b.plan(block(cy, "203.0.113.1")); p.Token == "" {
			t.Errorf("%+v", p.Refusals)
		}
		time.Sleep(time.Hour)
		r := block(actions.Auto, "203.0.113.1")
		r.Seen = []detect.Suspect{{MayAct: true}}
		if p := b.plan(r); p.Token == "" {
			t.Errorf("all have ended: %+v", p.Refusals)
		}
	})
}

package actions_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// TestConfirmationCountsAddresses holds that a prefix weighs what it hits, even
// when the traffic knows nothing of it.
func TestConfirmationCountsAddresses(t *testing.T) {
	for _, c := range []struct {
		prefix string // %d counts
		n      int
		want   actions.Confirmation
		hit    int
	}{
		{"198.51.100.%d", 50, actions.ConfirmKey, 50},
		{"198.51.%d.0/27", 1, actions.ConfirmKey, 32},
		{"198.51.%d.0/24", 1, actions.ConfirmTyped, 256},
		{"198.51.%d.0/24", 50, actions.ConfirmTwo, 12800},
		{"2001:db8:%d::/64", 50, actions.ConfirmKey, 50},
		{"2001:db8:%d::/48", 1, actions.ConfirmTyped, 256},
		{"2001:db8:%d::/48", 4, actions.ConfirmTwo, 1024},
	} {
		t.Run(fmt.Sprintf("%d of %s", c.n, c.prefix), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				defer b.stop()
				var ps []string
				for i := range c.n {
					ps = append(ps, fmt.Sprintf(c.prefix, i+1))
				}
				if p := b.plan(block(ana, ps...)); p.Needs != c.want || p.Impact.Addresses != c.hit {
					t.Errorf("needs %s for %d addresses, want %s for %d", p.Needs, p.Impact.Addresses, c.want, c.hit)
				}
			})
		})
	}
}

func TestASignatureNobodyKnowsIsTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		sig := detect.Signature{Path: "/login"}
		r := actions.Request{Verb: actions.Throttle, Targets: []actions.Target{{Service: "shop", Signature: &sig}}, Actor: ana}
		if p := b.plan(r); p.Needs != actions.ConfirmTyped {
			t.Errorf("nobody knows what it touches: %s", p.Needs)
		}
		b.traffic.show(detect.Traffic{}, detect.Incident{Service: "shop", Signature: sig, Collateral: 0.001})
		if p := b.plan(r); p.Needs != actions.ConfirmKey {
			t.Errorf("it touches 0.1%% of usual traffic: %s", p.Needs)
		}
	})
}

// TestASplitRequestAddsUp holds that many small acts of a person within a minute
// are confirmed like one large one.
func TestASplitRequestAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		part := func(n, first int) actions.Request {
			var ps []string
			for i := range n {
				ps = append(ps, fmt.Sprintf("198.51.100.%d", first+i))
			}
			return block(ana, ps...)
		}
		early := b.plan(part(40, 101))
		b.commit(part(40, 1))
		if _, err := b.d.Commit(context.Background(), early.Token, ana, actions.Answer{}); !errors.Is(err, actions.ErrUnconfirmed) {
			t.Errorf("a plan made before: %v", err)
		}
		if p := b.plan(part(11, 101)); p.Needs != actions.ConfirmTyped {
			t.Errorf("40 and 11: %s", p.Needs)
		}
		if p := b.plan(block(cy, "203.0.113.1")); p.Needs != actions.ConfirmKey {
			t.Errorf("somebody else's: %s", p.Needs)
		}
		b.commit(part(11, 101))
		if p := b.plan(part(1, 201)); p.Needs != actions.ConfirmKey {
			t.Errorf("after typing: %s", p.Needs)
		}
		b.commit(part(40, 121))
		time.Sleep(time.Minute)
		if p := b.plan(part(40, 201)); p.Needs != actions.ConfirmKey {
			t.Errorf("a minute later: %s", p.Needs)
		}
	})
}

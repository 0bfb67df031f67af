package actions_test

import (
	"fmt"
	"testing"
	"testing/synctest"

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
		b.traffic.snap.Incidents = []detect.Incident{{Service: "shop", Signature: sig, Collateral: 0.001}}
		if p := b.plan(r); p.Needs != actions.ConfirmKey {
			t.Errorf("it touches 0.1%% of usual traffic: %s", p.Needs)
		}
	})
}

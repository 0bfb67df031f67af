package actions_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
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

// picky is a wall whose server can't match some signatures.
type picky struct{ *wall }

func (p picky) Handles(d actions.Decision) bool {
	return d.Target.Signature != nil && p.WhyNot(d) == ""
}

func (picky) WhyNot(d actions.Decision) string {
	if d.Target.Signature != nil && d.Target.Signature.ASN != "" {
		return "its term asn can't be matched where requests arrive"
	}
	return ""
}

// TestASignatureThatDoesNotFitSaysSo: who can't take it is named before the act,
// with why, and when nobody can the refusal says so.
func TestASignatureThatDoesNotFitSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := actions.Request{Verb: actions.Throttle, Actor: ana,
			Targets: []actions.Target{{Signature: &detect.Signature{Path: "/login", ASN: "64500"}, Service: "shop"}}}
		const why = "picky: its term asn can't be matched where requests arrive"
		alone := newBench(t, func(o *actions.Options) { o.Enforcers = []actions.Enforcer{picky{newWall("picky")}} })
		p := alone.plan(r)
		if p.Token != "" || len(p.Refusals) != 1 || !strings.Contains(p.Refusals[0].Value, why) || !strings.Contains(p.Refusals[0].Mend, "jenkins") {
			t.Errorf("%+v", p.Refusals)
		}
		alone.stop()
		both := newBench(t, func(o *actions.Options) {
			o.Enforcers = []actions.Enforcer{picky{newWall("picky")}, newWall("jenkins")}
		})
		defer both.stop()
		if p := both.plan(r); p.Token == "" || len(p.Impact.Left) != 1 || p.Impact.Left[0] != why {
			t.Errorf("left %q, refused %+v", p.Impact.Left, p.Refusals)
		}
		d := both.commit(r)[0]
		settle()
		if got := both.get(d.ID); got.State != actions.Applied || len(got.Receipts) != 1 || got.Receipts[0].Enforcer != "jenkins" {
			t.Errorf("%+v", got)
		}
	})
}

package command

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

func TestTrial(t *testing.T) {
	at := time.Date(2026, 3, 12, 20, 0, 0, 0, time.UTC)
	opened := at.Add(-10 * time.Second)
	block := func(x *Trial, p string, first time.Time, usual float64) {
		t.Helper()
		if err := x.did(&actions.Row{Time: at, Verb: actions.Block, Target: actions.Target{Prefix: netip.MustParsePrefix(p)},
			Incident: "i", TTL: time.Minute, First: first, Usual: usual}); err != nil {
			t.Fatal(err)
		}
	}
	meet := func(x *Trial, addrs ...string) {
		for _, a := range addrs {
			x.meet([]detect.Request{{Source: netip.MustParseAddr(a)}})
		}
	}
	x := newTrial("a.yaml", actions.AutoOptions{})
	meet(x, "192.0.2.1")
	if err := x.tell(&detect.Event{Incident: &detect.Incident{ID: "i", Attack: detect.Scan, Opened: opened}}); err != nil {
		t.Fatal(err)
	}
	block(x, "192.0.2.1/32", opened.Add(-59*time.Second), 0.001) // came with the attack
	block(x, "198.51.100.0/24", opened.Add(-time.Hour), 0.002)   // was there long before
	block(x, "2001:db8:1:2::/64", opened, 0)
	block(x, "192.0.2.1/32", opened, 0.001) // renewed
	meet(x, "192.0.2.1", "192.0.2.2", "198.51.100.200", "2001:db8:1:2::5", "2001:db8:1:3::5")
	if err := x.did(&actions.Row{Time: at, Verb: actions.Unblock, Target: actions.Target{Prefix: netip.MustParsePrefix("192.0.2.1/32")}}); err != nil {
		t.Fatal(err)
	}
	meet(x, "192.0.2.1")
	block(x, "203.0.113.9/32", opened, 0.0005)
	x.end()
	if x.Requests != 7 || x.Stopped != 3 || x.StoppedOld != 1 || x.Blocked != 4 || x.HereBefore != 1 || x.Peak != 3 {
		t.Errorf("%d requests, %d stopped, %d of old ones; %d blocked, %d old, %d at once", x.Requests, x.Stopped, x.StoppedOld, x.Blocked, x.HereBefore, x.Peak)
	}
	if x.Usual < 0.00299 || x.Usual > 0.00301 {
		t.Errorf("%g of usual traffic at most, want 0.003", x.Usual)
	}
	if x.Level != actions.LevelSuggest || x.Incidents[detect.Scan] != 1 {
		t.Errorf("level %q, incidents %v", x.Level, x.Incidents)
	}

	y := newTrial("b.yaml", actions.AutoOptions{})
	block(y, "198.51.100.7/32", opened, 0)
	block(y, "192.0.2.0/24", opened, 0)
	compare([]*Trial{x, y})
	if want := []string{"198.51.100.0/24", "203.0.113.9", "2001:db8:1:2::/64"}; !slices.Equal(x.OnlyHere, want) {
		t.Errorf("only in the first: %q, want %q", x.OnlyHere, want)
	}
	if want := []string{"192.0.2.0/24"}; !slices.Equal(y.OnlyHere, want) {
		t.Errorf("only in the second: %q, want %q", y.OnlyHere, want)
	}
}

func TestTrialKeepsTheWorstCostOfALimit(t *testing.T) {
	x := newTrial("a.yaml", actions.AutoOptions{})
	sig := detect.Signature{Path: "/a"}
	for _, c := range []float64{0.01, 0.04, 0.02} {
		_ = x.tell(&detect.Event{Incident: &detect.Incident{ID: "i", Attack: detect.CacheBusting, Excess: 0.9, Collateral: c}})
		_ = x.did(&actions.Row{Verb: actions.Throttle, Service: "s", Attack: detect.CacheBusting, Incident: "i", Target: actions.Target{Service: "s", Signature: &sig}})
	}
	if len(x.Limits) != 1 || x.Limits[0].Collateral != 0.04 || x.Limits[0].Excess != 0.9 {
		t.Errorf("limits %+v, want one at 4%%", x.Limits)
	}
}

package actions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

func act(t testing.TB, b *bench, ss ...string) []actions.Decision {
	t.Helper()
	r := block(actions.Auto, ss...)
	for range ss {
		r.Seen = append(r.Seen, detect.Suspect{MayAct: true, Rate: 100, Score: 90, Service: "shop"})
	}
	ds, err := b.d.Act(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestDisarmStopsAutomationAndSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		standing := act(t, b, "198.51.100.1")
		settle()
		// The enforcer is busy: what auto mode decides now waits in its queue.
		b.wall.pause()
		people := b.commit(block(ana, "198.51.100.9"))
		settle()
		waiting := act(t, b, "198.51.100.2", "198.51.100.3")
		if err := b.d.Disarm(context.Background(), ana); err != nil {
			t.Fatal(err)
		}
		b.wall.resume()
		settle()
		if b.wall.holds("198.51.100.2/32") || b.wall.holds("198.51.100.3/32") {
			t.Error("what was not sent was not cancelled")
		}
		for _, d := range waiting {
			if got := b.get(d.ID); got.State != actions.Undone || !strings.Contains(got.EndedBy, "ana") {
				t.Errorf("%s: %s by %s", got.Target, got.State, got.EndedBy)
			}
		}
		for _, d := range append(standing, people...) {
			if got := b.get(d.ID); got.State != actions.Applied {
				t.Errorf("%s, which stood or was a person's, is %s", got.Target, got.State)
			}
		}
		for restart := range 2 {
			if restart > 0 {
				b.stop()
				b.start()
			}
			if a := b.d.Board().Auto; a.Armed || a.DisarmedBy != "ana" || a.Since.IsZero() {
				t.Errorf("the board says %+v", a)
			}
			_, err := b.d.Act(context.Background(), actions.Request{Verb: actions.Block, Targets: targets("198.51.100.4"), Actor: actions.Auto})
			if err == nil || !strings.Contains(err.Error(), "stopped by ana") {
				t.Errorf("auto mode acted while disarmed: %v", err)
			}
			if why := b.d.Board().Auto.Why; len(why) == 0 || !strings.Contains(why[0], "stopped by ana") {
				t.Errorf("it does not say why it does not act: %v", why)
			}
		}
		if err := b.d.Arm(context.Background(), cy); err != nil {
			t.Fatal(err)
		}
		if err := b.d.SetAuto(context.Background(), false, cy); err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Act(context.Background(), actions.Request{Verb: actions.Block, Targets: targets("198.51.100.4"), Actor: actions.Auto}); err == nil {
			t.Error("auto mode acted while it was off")
		}
		if err := b.d.SetAuto(context.Background(), true, cy); err != nil {
			t.Fatal(err)
		}
		act(t, b, "198.51.100.4")
	})
}

func TestDisarmHoldsEvenWhenItCantBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing *failingLedger
		b := newBench(t, nil)
		b.stop()
		b.wrap = func(l actions.Ledger) actions.Ledger {
			failing = &failingLedger{Ledger: l}
			return failing
		}
		b.start()
		defer b.stop()
		failing.set(errors.New("disk full"))
		if err := b.d.Disarm(context.Background(), ana); err == nil || !strings.Contains(err.Error(), "a restart would forget it") {
			t.Errorf("%v", err)
		}
		if b.d.Board().Auto.Armed {
			settle()
		}
		if b.d.Board().Auto.Armed {
			t.Error("it is still armed")
		}
		if err := b.d.Arm(context.Background(), ana); err == nil {
			t.Error("it was armed without a word in the ledger")
		}
		failing.set(nil)
	})
}

func TestStaleDataKeepsWhatStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		auto := act(t, b, "198.51.100.1")[0]
		r := block(ana, "198.51.100.2")
		r.TTL = 10 * time.Minute
		person := b.commit(r)[0]
		time.Sleep(5 * time.Minute)
		b.traffic.setAge(time.Minute)
		time.Sleep(55 * time.Minute)
		settle()
		if got := b.get(auto.ID); !got.State.Active() || !b.wall.holds("198.51.100.1/32") {
			t.Errorf("staleness is an off switch: %s", got.State)
		}
		if got := b.get(person.ID); got.State != actions.Expired {
			t.Errorf("a person's block outlived its TTL: %s", got.State)
		}
		b.traffic.setAge(0)
		time.Sleep(11 * time.Minute)
		settle()
		if got := b.get(auto.ID); got.State != actions.Expired {
			t.Errorf("with fresh data it did not end: %s until %s", got.State, got.Expires)
		}
	})
}

func TestReturnDoublesTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		for i, want := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute, 160 * time.Minute,
			320 * time.Minute, 640 * time.Minute, 1280 * time.Minute, 24 * time.Hour, 24 * time.Hour} {
			d := act(t, b, "198.51.100.1")[0]
			if d.TTL != want || d.Returns != i {
				t.Errorf("block %d lasts %s (return %d), want %s", i, d.TTL, d.Returns, want)
			}
			time.Sleep(d.TTL)
			settle()
			if i == 3 {
				b.stop()
				b.start()
			}
		}
		time.Sleep(25 * time.Hour) // four times six quiet hours
		if d := act(t, b, "198.51.100.1")[0]; d.Returns != 6 {
			t.Errorf("after a quiet day it counts as return %d, want 6", d.Returns)
		}
	})
}

func TestAutoRenewsInsteadOfDecidingAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		d := act(t, b, "198.51.100.1")[0]
		for range 10 {
			time.Sleep(8 * time.Minute)
			if more := act(t, b, "198.51.100.1"); len(more) != 0 {
				t.Fatalf("decided anew: %v", more)
			}
		}
		settle()
		got := b.get(d.ID)
		if got.State != actions.Verified || got.Returns != 0 || b.d.Board().NActive != 1 {
			t.Errorf("%+v", got)
		}
		b.wall.mu.Lock()
		held := b.wall.held["198.51.100.1/32"]
		b.wall.mu.Unlock()
		if !held.Expires.Equal(got.Expires) || held.Expires.Sub(d.Created) < 80*time.Minute {
			t.Errorf("the enforcer's end %s is not the ledger's %s", held.Expires, got.Expires)
		}
		time.Sleep(11 * time.Minute)
		settle()
		if got := b.get(d.ID); got.State != actions.Expired {
			t.Errorf("not renewed, it is %s", got.State)
		}
		if rows, err := b.ledger.History(context.Background(), d.ID); err != nil || len(rows) != 14 { // intent, applied, verified, 10 renewals, expired
			t.Errorf("%d rows of history, %v", len(rows), err)
		}
	})
}

func TestEffectIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		rate := func(s string, r float64, status uint16) {
			b.traffic.mu.Lock()
			defer b.traffic.mu.Unlock()
			b.traffic.seen[targets(s)[0].Prefix] = detect.Suspect{Rate: r, TopStatus: status, MayAct: true}
		}
		rate("198.51.100.1", 188, 200)
		rate("198.51.100.2", 50, 200)
		rate("198.51.100.3", 40, 200)
		ds := b.commit(block(ana, "198.51.100.1", "198.51.100.2", "198.51.100.3"))
		rate("198.51.100.1", 0, 200)
		rate("198.51.100.2", 48, 200) // it goes on
		rate("198.51.100.3", 40, 403) // it goes on and is turned away
		time.Sleep(15 * time.Second)
		settle()
		for i, want := range []struct {
			e actions.Effect
			s actions.State
		}{{actions.Effect{Predicted: 188, Measured: 188}, actions.Verified}, {actions.Effect{Predicted: 50, Measured: 2}, actions.Applied},
			{actions.Effect{Predicted: 40, Measured: 40}, actions.Verified}} {
			if got := b.get(ds[i].ID); got.Effect == nil || *got.Effect != want.e || got.State != want.s {
				t.Errorf("%s: %v %s, want %v", got.Target, got.Effect, got.State, want)
			}
		}
	})
}

// TestEffectOfASignatureIsMeasured: what a throttle was to remove of an excess,
// beside what still gets through of it.
func TestEffectOfASignatureIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		in := func(path string, rate, refused float64) detect.Incident {
			return detect.Incident{Service: "shop", Signature: detect.Signature{Path: path}, Rate: rate, Refused: refused, Baseline: 20, Excess: 1}
		}
		b.traffic.show(detect.Traffic{}, in("/login", 220, 0), in("/search", 120, 0), in("/gone", 50, 0))
		r := actions.Request{Verb: actions.Throttle, Actor: ana}
		for _, p := range []string{"/login", "/search", "/gone", "/unknown"} {
			r.Targets = append(r.Targets, actions.Target{Service: "shop", Signature: &detect.Signature{Path: p}})
		}
		ds := b.commit(r)
		over := in("/gone", 50, 0)
		over.Closed = time.Now()
		b.traffic.show(detect.Traffic{}, in("/login", 200, 170), in("/search", 110, 5), over)
		time.Sleep(15 * time.Second)
		settle()
		for i, want := range []actions.Effect{{Predicted: 200, Measured: 190}, {Predicted: 100, Measured: 15}, {Predicted: 30, Measured: 30}, {}} {
			got := b.get(ds[i].ID)
			if want == (actions.Effect{}) && got.Effect == nil {
				continue
			}
			if got.Effect == nil || *got.Effect != want {
				t.Errorf("%s: %v, want %v", got.Target, got.Effect, want)
			}
			if verified := got.State == actions.Verified; verified != (want.Measured >= 0.8*want.Predicted) {
				t.Errorf("%s is %s", got.Target, got.State)
			}
		}
	})
}

func TestImpactIsPreviewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, guarded)
		defer b.stop()
		b.traffic.show(detect.Traffic{Rate: 900, Baseline: 100},
			detect.Incident{Service: "shop", Signature: detect.Signature{Path: "/login"}, Rate: 900, Baseline: 100, Excess: 0.9, Collateral: 0.02})
		r := block(ana, "198.51.100.1", "198.51.100.2")
		r.Seen = []detect.Suspect{{Rate: 150, UsualShare: 0.001}, {Rate: 50, Proxied: true}}
		i := b.plan(r).Impact
		if fmt.Sprintf("%+v", i) != "{Targets:2 Rate:200 ExcessShare:0.25 UsualShare:0.001 UsualMost:0.001 UsualNone:true Users:-1 Protected:[] BudgetLeft:49998 Proxied:1 Addresses:2 Clients:0 Unknown:0 Left:[] Standing:[]}" {
			t.Errorf("%+v", i)
		}
		p := b.plan(actions.Request{Verb: actions.Throttle, Actor: ana,
			Targets: []actions.Target{{Service: "shop", Signature: &detect.Signature{Path: "/login"}}}})
		if i := p.Impact; i.Rate != 720 || i.ExcessShare != 0.9 || i.UsualShare != 0.02 || p.Needs != actions.ConfirmTyped {
			t.Errorf("%+v, needs %s", i, p.Needs)
		}
	})
}

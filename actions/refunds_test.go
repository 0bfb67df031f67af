package actions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// TestWhatIsRefusedSpendsNothing: decoys that the guardrails refuse must not
// take the budget from those behind them.
func TestWhatIsRefusedSpendsNothing(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{BlocksPerMinute: 10}})
	for n := range 40 {
		a.Observe(suspect(t0, n, 1000, 95))
	}
	for n := range 5 {
		a.Observe(suspect(t0, 100+n, 10, 95))
	}
	asked := map[string]bool{}
	now := t0
	for range 12 {
		for _, r := range a.Tick(now) {
			var no []actions.Refusal
			for _, tg := range r.Targets {
				asked[tg.String()] = true
				if tg.Prefix.Addr().As4()[3] < 100 {
					no = append(no, actions.Refusal{Target: tg, Rule: "allow_list", Value: "asn:64500"})
				}
			}
			a.Refused(no)
		}
		now = now.Add(time.Second)
	}
	for n := range 5 {
		if p := (actions.Target{Prefix: addr(100 + n)}).String(); !asked[p] {
			t.Errorf("%s was never asked for; %d were, used %+v", p, len(asked), a.State().Used)
		}
	}
	if u := a.State().Used; u.BlocksLastMinute != 5 {
		t.Errorf("%d blocks are counted, want the 5 that nobody refused", u.BlocksLastMinute)
	}
}

// brokenLedger fails when it is told to.
type brokenLedger struct {
	actions.Ledger
	err error
}

func (l *brokenLedger) Record(ctx context.Context, es []actions.Entry) error {
	if l.err != nil {
		return l.err
	}
	return l.Ledger.Record(ctx, es)
}

// TestWhatCantBeWrittenSpendsNothing: neither the dispatcher's budgets nor auto
// mode's, and what was asked for is asked for again.
func TestWhatCantBeWrittenSpendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.stop()
		broken := &brokenLedger{}
		b.wrap = func(l actions.Ledger) actions.Ledger { broken.Ledger = l; return broken }
		b.wall.everything = true
		b.start()
		defer func() { b.stop() }()
		now := time.Now()
		b.auto.Observe(suspect(now, 1, 188, 95), incident(now, detect.IncidentOpen, nil))
		carry := func() (out []string) {
			for _, q := range b.auto.Tick(now) {
				if _, err := b.d.Act(context.Background(), q); err != nil {
					out = append(out, string(q.Verb)+" failed")
				} else {
					out = append(out, string(q.Verb))
				}
			}
			settle()
			return out
		}
		now = now.Add(40 * time.Second)
		broken.err = errors.New("the disk is full")
		if got := strings.Join(carry(), ", "); strings.Count(got, "failed") != 4 {
			t.Errorf("with a full disk: %s", got)
		}
		if u := b.d.Board().Auto.Used; u.BlocksLastMinute != 0 || u.ScaleUpsLastHour != 0 {
			t.Errorf("the dispatcher counts %+v", u)
		}
		if u := b.auto.State().Used; u.BlocksLastMinute != 0 || u.ScaleUpsLastHour != 0 {
			t.Errorf("auto mode counts %+v", u)
		}
		broken.err = nil
		now = now.Add(59 * time.Second)
		if got := carry(); len(got) != 0 {
			t.Errorf("within a minute it asks for %s", got)
		}
		now = now.Add(2 * time.Second)
		b.auto.Observe(suspect(now, 1, 188, 95))
		got := strings.Join(carry(), ", ")
		for _, want := range []string{"block", "throttle", "scale_up", "notify"} {
			if !strings.Contains(got, want) || strings.Contains(got, "failed") {
				t.Errorf("afterwards it asks for %s", got)
			}
		}
	})
}

// lettingGo is a wall that tells when it was asked to let go.
type lettingGo struct {
	*wall
	asked chan struct{}
}

func (w *lettingGo) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	rs, err := w.wall.Revoke(ctx, ds)
	if w.asked != nil {
		close(w.asked)
		w.asked = nil
	}
	return rs, err
}

// TestAnUndoWinsOverAnEnd: the TTL ends while the undo is being written. Auto
// mode leaves the address alone, and where the enforcer has not let go yet the
// person is who ended it.
func TestAnUndoWinsOverAnEnd(t *testing.T) {
	for _, lets := range []bool{false, true} {
		t.Run(fmt.Sprintf("the enforcer lets go: %t", lets), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &undoneLedger{}
				b := undoneBench(t, l)
				b.stop()
				w := &lettingGo{wall: b.wall, asked: make(chan struct{})}
				var later atomic.Int64
				b.options.Enforcers = []actions.Enforcer{w}
				b.options.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
				b.start()
				defer func() { b.stop() }()
				q := block(ana, "198.51.100.1")
				q.TTL = time.Minute
				ds := b.commit(q)
				settle()
				asked := w.asked
				l.then = func() {
					if !lets {
						b.wall.set(errors.New("it hangs"), false)
					}
					later.Store(int64(2 * time.Minute))
					<-asked
				}
				undo := block(cy, "198.51.100.1")
				undo.Verb = actions.Unblock
				b.commit(undo)
				b.wall.set(nil, false)
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := b.get(ds[0].ID); got.State.Active() || !lets && (got.State != actions.Undone || got.EndedBy != "cy") {
					t.Errorf("it is %s by %q", got.State, got.EndedBy)
				}
				r := block(actions.Auto, "198.51.100.1")
				r.Seen = []detect.Suspect{{MayAct: true}}
				if p := b.plan(r); len(p.Refusals) != 1 || p.Refusals[0].Rule != "exempt" {
					t.Errorf("auto mode may block it again: %v", p.Refusals)
				}
			})
		})
	}
}

// TestADeadEnforcerIsToldOnce: not with each try.
func TestADeadEnforcerIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		settle() // it was there once
		b.wall.set(errors.New("no route to host"), false)
		for i := range 5 {
			b.commit(block(ana, fmt.Sprintf("198.51.100.%d", i)))
			time.Sleep(20 * time.Second)
		}
		n := 0
		for _, x := range b.d.Notices(0) {
			if x.Text == "wall: no route to host" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("told %d times: %+v", n, b.d.Notices(0))
		}
	})
}

// TestARollBackThatFailsIsTriedAgain: what could not be taken back still stands
// and still costs usual traffic.
func TestARollBackThatFailsIsTriedAgain(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
	a.Observe(suspect(t0, 1, 188, 95))
	standing := actions.Decision{ID: "d-1", Verb: actions.Block, Target: a.Tick(t0)[0].Targets[0], State: actions.Applied, Actor: actions.Auto,
		Created: t0, TTL: 10 * time.Minute, Expires: t0.Add(10 * time.Minute)}
	a.Changed(standing)
	services := []detect.Service{{Name: "shop", Traffic: detect.Traffic{Rate: 50, Baseline: 100}}, {Name: "other", Traffic: detect.Traffic{Rate: 50, Baseline: 50}}}
	asked := 0
	second := func(n int) {
		now := t0.Add(time.Duration(n) * time.Second)
		a.Watch(now, &detect.Snapshot{Services: services}, nil)
		for _, r := range a.Tick(now) {
			if r.Verb == actions.Unblock && r.Only[0] == "d-1" {
				asked++
			}
		}
	}
	for n := range 30 {
		second(n)
	}
	if asked != 2 {
		t.Errorf("asked %d times in 30 s", asked)
	}
	// Held back, it asks for nothing and forgets what it was about to.
	a.Hold("automation was stopped by ana")
	for n := 30; n < 60; n++ {
		second(n)
	}
	a.Hold("")
	if second(60); asked != 2 {
		t.Error("what it found while it was held is taken back at once")
	}
	standing.State = actions.Undone
	a.Changed(standing)
	for n := 61; n < 90; n++ {
		second(n)
	}
	if asked != 2 {
		t.Errorf("what has ended is taken back: asked %d times", asked)
	}
}

package actions_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

func TestOnlyOperatorsAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		if p := b.plan(block(bo, "198.51.100.23")); p.Token != "" || p.Refusals[0].Rule != "role" {
			t.Errorf("a viewer: %+v", p)
		}
		if p := b.plan(block(actions.Actor{Name: "eve"}, "198.51.100.23")); p.Token != "" {
			t.Error("somebody without a role")
		}
		p := b.plan(block(ana, "198.51.100.23"))
		demoted := ana
		demoted.Role = actions.Viewer
		for _, a := range []actions.Actor{bo, cy, demoted, actions.Auto} {
			if _, err := b.d.Commit(context.Background(), p.Token, a, actions.Answer{}); err == nil {
				t.Errorf("%s (%s) committed ana's plan", a.Name, a.Role)
			}
		}
		for _, err := range []error{b.d.Disarm(context.Background(), bo), b.d.SetAuto(context.Background(), true, bo)} {
			var refused *actions.RefusedError
			if !errors.As(err, &refused) {
				t.Errorf("a viewer's switch: %v", err)
			}
		}
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); err != nil {
			t.Error(err)
		}
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); !errors.Is(err, actions.ErrPlanGone) {
			t.Errorf("twice: %v", err)
		}
		p = b.plan(block(ana, "198.51.100.24"))
		time.Sleep(3 * time.Minute)
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); !errors.Is(err, actions.ErrPlanGone) {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestFirstCommitWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		plans := map[actions.Actor]actions.Plan{ana: b.plan(block(ana, "198.51.100.23")), cy: b.plan(block(cy, "198.51.100.23"))}
		var mu sync.Mutex
		var won []actions.Decision
		var lost []error
		var wg sync.WaitGroup
		for a, p := range plans {
			wg.Go(func() {
				ds, err := b.d.Commit(context.Background(), p.Token, a, actions.Answer{})
				mu.Lock()
				defer mu.Unlock()
				won = append(won, ds...)
				if err != nil {
					lost = append(lost, err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 || len(lost) != 1 || !strings.Contains(lost[0].Error(), "block by "+won[0].Actor.Name) {
			t.Fatalf("won %v, lost %v", won, lost)
		}
		settle()
		if p := b.plan(block(cy, "198.51.100.23/32")); p.Token != "" || p.Refusals[0].Rule != "duplicate" {
			t.Errorf("a third: %+v", p.Refusals)
		}
		// A wider block covers it; a narrower one is covered.
		if p := b.plan(block(cy, "198.51.100.0/24")); p.Token == "" {
			t.Errorf("wider: %v", p.Refusals)
		}
	})
}

func TestTheSameRequestIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		r := block(ana, "198.51.100.23", "198.51.100.23", "198.51.100.24")
		r.ID = "cron-42"
		p, q := b.plan(r), b.plan(r)
		first, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{})
		if err != nil || len(first) != 2 {
			t.Fatalf("%v, %v", first, err)
		}
		again, err := b.d.Commit(context.Background(), q.Token, ana, actions.Answer{})
		if err != nil || len(again) != 2 || again[0].ID != first[0].ID {
			t.Errorf("again: %v, %v", again, err)
		}
		settle()
		if n := b.wall.applied[first[0].ID]; n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestNothingIsSentThatCantBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing *failingLedger
		b := newBench(t, nil)
		b.stop()
		b.wrap = func(l actions.Ledger) actions.Ledger {
			failing = &failingLedger{Ledger: l}
			return failing
		}
		b.start()
		defer func() { b.stop() }()
		kept := b.commit(block(ana, "198.51.100.1"))
		settle()
		failing.set(errors.New("write ledger: database or disk is full; the disk is full: free some space"))
		p := b.plan(block(ana, "198.51.100.2"))
		_, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{})
		if err == nil || !strings.Contains(err.Error(), "nothing was done") {
			t.Fatalf("%v", err)
		}
		u, err := b.d.PlanUndo(context.Background(), kept[0].ID, ana)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Commit(context.Background(), u.Token, ana, actions.Answer{}); err == nil {
			t.Fatal("an undo was done that could not be written")
		}
		settle()
		if b.wall.holds("198.51.100.2/32") || !b.wall.holds("198.51.100.1/32") || b.d.Board().NActive != 1 {
			t.Error("something was sent")
		}
		// Time ends a block even so, and its end is written when it can be.
		time.Sleep(30 * time.Minute)
		settle()
		if b.wall.holds("198.51.100.1/32") {
			t.Error("a block outlived its TTL because the disk was full")
		}
		if es := b.d.Board().Enforcers; es[len(es)-1].Name != "ledger" || es[len(es)-1].OK {
			t.Errorf("the health does not show it: %+v", es)
		}
		failing.set(nil)
		settle()
		settle()
		if got := b.get(kept[0].ID); got.State != actions.Expired {
			t.Errorf("its end was not written: %s", got.State)
		}
		b.commit(block(ana, "198.51.100.2"))
	})
}

// failingLedger can't be written while it has an error.
type failingLedger struct {
	actions.Ledger
	mu  sync.Mutex
	err error
}

func (l *failingLedger) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *failingLedger) Record(ctx context.Context, es []actions.Entry) error {
	l.mu.Lock()
	err := l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Ledger.Record(ctx, es)
}

func TestDryRunSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *actions.Options) { o.DryRun = true })
		defer b.stop()
		ds := b.commit(block(ana, "198.51.100.23"))
		settle()
		if got := b.get(ds[0].ID); !got.DryRun || got.State != actions.Applied || len(b.wall.applied) != 0 || !b.d.Board().DryRun {
			t.Errorf("%+v, sent %v", got, b.wall.applied)
		}
		time.Sleep(31 * time.Minute)
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Expired {
			t.Errorf("%+v", got)
		}
	})
}

func TestAllowWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		ds := b.commit(block(ana, "198.51.100.23", "203.0.113.0/24", "192.0.2.1"))
		settle()
		allow := b.commit(actions.Request{Verb: actions.Allow, Targets: targets("198.51.100.0/24", "203.0.113.9"), Actor: cy, Reason: "customer's NAT"})
		settle()
		for i, want := range []actions.State{actions.Undone, actions.Undone, actions.Applied} {
			if got := b.get(ds[i].ID); got.State != want {
				t.Errorf("%s is %s (%s), want %s", got.Target, got.State, got.EndedBy, want)
			}
		}
		for range 2 {
			if p := b.plan(block(ana, "198.51.100.23")); p.Token != "" || p.Refusals[0].Rule != "allow_list" {
				t.Errorf("blocked what is allowed: %v", p.Refusals)
			}
			if d, ok := b.d.Board().Find(targets("198.51.100.23")[0].Prefix); !ok || d.Verb != actions.Allow {
				t.Errorf("the board does not show it: %+v", d)
			}
			b.stop()
			b.start()
		}
		p, err := b.d.PlanUndo(context.Background(), allow[0].ID, ana)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if p := b.plan(block(ana, "198.51.100.23")); p.Token == "" {
			t.Errorf("after the allow was undone: %v", p.Refusals)
		}
	})
}

// TestUndoOfThousands undoes in one go what auto mode did, and leaves alone what
// a person did to the same addresses.
func TestUndoOfThousands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		var all []string
		for i := range atRace(5000, 1200) {
			all = append(all, addr(i).String())
		}
		began := time.Now()
		act(t, b, all...)
		settle()
		b.commit(actions.Request{Verb: actions.Throttle, Targets: targets(all[7]), Actor: ana, Reason: "slow it"})
		settle()
		p, err := b.d.UndoMany(context.Background(), actions.UndoFilter{By: "auto", Since: began}, ana)
		if err != nil || p.Impact.Targets != len(all) || p.Needs != actions.ConfirmTyped || p.Type != "unblock them" {
			t.Fatalf("%d targets, needs %s %q, %v", p.Impact.Targets, p.Needs, p.Type, err)
		}
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); !errors.Is(err, actions.ErrUnconfirmed) {
			t.Errorf("one key undid %d blocks: %v", len(all), err)
		}
		act(t, b, addr(6000).String()) // it goes on while somebody types
		ds, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{Typed: "unblock them"})
		if err != nil || len(ds) != len(all) {
			t.Fatalf("%d undone, %v", len(ds), err)
		}
		settle()
		active := b.d.Board().Active
		if len(active) != 2 || b.wall.count() > 2 {
			t.Errorf("%d stand, %d are held; want the throttle and what came later", len(active), b.wall.count())
		}
		if x, ok := b.d.FindActive(addr(7)); !ok || x.Verb != actions.Throttle || x.Actor.Name != "ana" {
			t.Errorf("the person's throttle went too: %+v", x)
		}
		// Up to fifty take one key, and those of one request can be chosen.
		ds = b.commit(block(ana, "203.0.113.1", "203.0.113.2"))
		b.commit(block(ana, "203.0.113.3"))
		p, err = b.d.UndoMany(context.Background(), actions.UndoFilter{Request: ds[0].Request}, ana)
		if err != nil || p.Impact.Targets != 2 || p.Needs != actions.ConfirmKey || p.Request.Reason != "undo of: "+ds[0].Reason {
			t.Errorf("%d targets, needs %s, because of %q, %v", p.Impact.Targets, p.Needs, p.Request.Reason, err)
		}
	})
}

func TestUndoMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		early := block(ana, "198.51.100.1", "198.51.100.2")
		early.Incident = "i-1"
		b.commit(early)
		time.Sleep(10 * time.Minute)
		since := time.Now()
		late := block(ana, "198.51.100.3")
		late.Incident = "i-1"
		b.commit(late)
		b.commit(block(cy, "198.51.100.4", "203.0.113.4"))
		settle()
		for _, c := range []struct {
			f    actions.UndoFilter
			want int
			why  string
		}{
			{actions.UndoFilter{Incident: "i-1"}, 3, "undo of what was done about i-1"},
			{actions.UndoFilter{Incident: "i-1", Since: since}, 1, "undo of what was done about i-1 since " + since.UTC().Format("15:04:05") + " UTC"},
			{actions.UndoFilter{By: "cy"}, 2, "undo of what was done by cy"},
			{actions.UndoFilter{Since: since}, 3, "undo of what was done since " + since.UTC().Format("15:04:05") + " UTC"},
		} {
			p, err := b.d.UndoMany(context.Background(), c.f, ana)
			if err != nil || p.Impact.Targets != c.want || p.Request.Reason != c.why {
				t.Errorf("%+v: %d because of %q, want %d because of %q (%v)", c.f, p.Impact.Targets, p.Request.Reason, c.want, c.why, err)
			}
		}
		for _, f := range []actions.UndoFilter{{}, {By: "nobody"}} {
			if _, err := b.d.UndoMany(context.Background(), f, ana); err == nil {
				t.Errorf("%+v chose something", f)
			}
		}
		// An unblock of a prefix lifts what is blocked inside it.
		ds := b.commit(actions.Request{Verb: actions.Unblock, Targets: targets("198.51.100.0/24"), Actor: ana})
		settle()
		if len(ds) != 4 || !b.wall.holds("203.0.113.4/32") || b.d.Board().NActive != 1 {
			t.Errorf("%d lifted, %d left", len(ds), b.d.Board().NActive)
		}
	})
}

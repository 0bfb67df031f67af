package actions_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"

	"levee/actions"
	"levee/detect"
)

// undoneLedger calls then once an undo is on disk or has failed with err, and
// from then on loses the ends of decisions, as a levee does that dies first.
type undoneLedger struct {
	actions.Ledger
	then func()
	err  error
	dies bool
}

func (l *undoneLedger) Record(ctx context.Context, es []actions.Entry) error {
	for _, e := range es {
		switch {
		case e.Kind == actions.Changed && e.Decision.EndedBy == "cy" && l.then != nil:
			err := l.err
			if err == nil {
				err = l.Ledger.Record(ctx, es)
			}
			then := l.then
			l.then = nil
			then()
			return err
		case l.dies && l.then == nil && !e.Decision.State.Active() && e.Kind == actions.Changed:
			return errors.New("it is dead")
		}
	}
	return l.Ledger.Record(ctx, es)
}

func undoneBench(t *testing.T, l *undoneLedger) *bench {
	b := newBench(t, nil)
	b.stop()
	b.wrap = func(inner actions.Ledger) actions.Ledger { l.Ledger = inner; return l }
	b.start()
	return b
}

// TestARenewalDoesNotReviveWhatWasUndone renews a block between the moment its
// undo is on disk and the moment the enforcers hear of it, and kills levee.
func TestARenewalDoesNotReviveWhatWasUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &undoneLedger{dies: true}
		b := undoneBench(t, l)
		ds := act(t, b, "198.51.100.1")
		settle()
		l.then = func() {
			r := block(actions.Auto, "198.51.100.1")
			r.Seen = []detect.Suspect{{MayAct: true}}
			if _, err := b.d.Act(context.Background(), r); err == nil {
				t.Error("a block that is being undone was renewed")
			}
		}
		undo := block(cy, "198.51.100.1")
		undo.Verb = actions.Unblock
		b.commit(undo)
		settle()
		if got := b.get(ds[0].ID); got.EndedBy != "cy" || !got.State.Active() {
			t.Fatalf("on disk when it died: %s, ended by %q", got.State, got.EndedBy)
		}
		b.stop()
		b.wrap = nil
		b.wall.held["198.51.100.1/32"] = ds[0] // it died before it could take it away
		b.start()
		defer b.stop()
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Undone || b.wall.count() != 0 {
			t.Errorf("after a restart: %s, %d held", got.State, b.wall.count())
		}
	})
}

// TestWhatHappensWhileAnUndoIsWrittenIsKept has an enforcer answer meanwhile.
func TestWhatHappensWhileAnUndoIsWrittenIsKept(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want actions.State
	}{
		{"it is written", nil, actions.Undone},
		{"the disk is full", errors.New("the disk is full"), actions.Applied},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &undoneLedger{err: c.err}
				b := undoneBench(t, l)
				defer b.stop()
				b.wall.pause()
				ds := b.commit(block(ana, "198.51.100.1"))
				settle()
				l.then = func() {
					b.wall.resume()
					if _, err := b.d.Settled(context.Background(), ds[0].ID); err != nil {
						t.Error(err)
					}
				}
				undo := block(cy, "198.51.100.1")
				undo.Verb = actions.Unblock
				p := b.plan(undo)
				if _, err := b.d.Commit(context.Background(), p.Token, cy, actions.Answer{}); !errors.Is(err, c.err) {
					t.Errorf("%v", err)
				}
				settle()
				if got := b.get(ds[0].ID); got.State != c.want || len(got.Receipts) != 1 || (got.EndedBy == "cy") != (c.err == nil) {
					t.Errorf("%s with %d receipts, ended by %q", got.State, len(got.Receipts), got.EndedBy)
				}
				if b.wall.holds("198.51.100.1/32") != (c.err != nil) {
					t.Errorf("held: %v", c.err == nil)
				}
			})
		})
	}
}

// TestHeavyUsualIsCheckedAgainWhenItIsSent holds that a source is judged by
// what is known when it would be hit, not when it was planned.
func TestHeavyUsualIsCheckedAgainWhenItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		b.wall.pause()
		b.commit(block(ana, "203.0.113.1")) // keeps the enforcer busy
		settle()
		waits := b.commit(block(ana, "198.51.100.1", "198.51.100.2"))
		b.traffic.mu.Lock()
		b.traffic.seen[netip.MustParsePrefix("198.51.100.1/32")] = detect.Suspect{LongKnown: true, UsualShare: 0.03}
		b.traffic.mu.Unlock()
		b.wall.resume()
		settle()
		if b.wall.holds("198.51.100.1/32") || !b.wall.holds("198.51.100.2/32") {
			t.Error("a source that carries usual traffic was blocked")
		}
		if got := b.get(waits[0].ID); got.State != actions.Undone {
			t.Errorf("it is %s", got.State)
		}
	})
}

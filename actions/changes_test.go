package actions_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// countingLedger fails while it is told to, and knows the most it was asked to
// write at once.
type countingLedger struct {
	actions.Ledger
	mu    sync.Mutex
	err   error
	asked int
}

func (l *countingLedger) Record(ctx context.Context, es []actions.Entry) error {
	l.mu.Lock()
	err := l.err
	l.asked = max(l.asked, len(es))
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Ledger.Record(ctx, es)
}

// TestWhatWaitsForTheLedgerIsBounded renews blocks again and again while the disk is
// full: what waits in memory does not grow with it, and when there is
// room again the ledger has how everything stands.
func TestWhatWaitsForTheLedgerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &countingLedger{}
		b := newBench(t, nil)
		b.stop()
		b.wrap = func(inner actions.Ledger) actions.Ledger { l.Ledger = inner; return l }
		b.start()
		defer b.stop()
		const n, renewals = 100, 150
		r := actions.Request{Verb: actions.Block, Actor: actions.Auto, Reason: "test"}
		for i := range n {
			r.Targets = append(r.Targets, targets(fmt.Sprintf("198.51.100.%d", i))...)
			r.Seen = append(r.Seen, detect.Suspect{MayAct: true, Rate: 10, Score: 90})
		}
		ds, err := b.d.Act(context.Background(), r)
		check(t, err)
		settle()
		l.mu.Lock()
		l.err, l.asked = errors.New("the disk is full"), 0
		l.mu.Unlock()
		for range renewals {
			if _, err := b.d.Act(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
		}
		l.mu.Lock()
		most := l.asked
		l.err = nil
		l.mu.Unlock()
		if most < 5000 || most > 10_000+4*n+n {
			t.Errorf("%d changes waited, of %d", most, n*renewals)
		}
		if !noticed(b, "steps between were left out") {
			t.Error("nobody is told that steps are missing")
		}
		settle()
		settle()
		for _, d := range ds[:3] {
			if got, now := b.get(d.ID), time.Now(); !got.State.Active() || got.Expires.Before(now) {
				t.Errorf("in the ledger it is %s and ends %s", got.State, got.Expires.Sub(now))
			}
		}
		if _, err := b.ledger.Verify(context.Background()); err != nil {
			t.Errorf("the audit: %v", err)
		}
	})
}

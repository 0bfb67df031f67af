package actions_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"levee/actions"
)

// gatedLedger keeps the intents of blocks waiting until gate is closed, and
// then fails with err if there is one.
type gatedLedger struct {
	actions.Ledger
	entered, gate chan struct{}
	err           error
}

func (l *gatedLedger) Record(ctx context.Context, es []actions.Entry) error {
	for _, e := range es {
		if e.Kind == actions.Opened && e.Decision.Verb == actions.Block {
			close(l.entered)
			<-l.gate
			if l.err != nil {
				return l.err
			}
			break
		}
	}
	return l.Ledger.Record(ctx, es)
}

// TestAnAllowWhileABlockIsWritten lets somebody allow what is blocked while the
// block's intent is on its way to the disk: it must end once, or never have
// been.
func TestAnAllowWhileABlockIsWritten(t *testing.T) {
	for _, c := range []struct {
		name, blocked, allowed string
		fail                   error
	}{
		{"the same address", "198.51.100.1", "198.51.100.1", nil},
		{"an address in it", "198.51.100.0/24", "198.51.100.1", nil},
		{"the same address, and the disk is full", "198.51.100.1", "198.51.100.1", errors.New("the disk is full")},
		{"an address in it, and the disk is full", "198.51.100.0/24", "198.51.100.1", errors.New("the disk is full")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.stop()
				slow := &gatedLedger{entered: make(chan struct{}), gate: make(chan struct{}), err: c.fail}
				b.wrap = func(l actions.Ledger) actions.Ledger { slow.Ledger = l; return slow }
				b.start()
				defer func() { b.stop() }()
				p := b.plan(block(ana, c.blocked))
				got := make(chan error, 1)
				go func() {
					_, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{Typed: p.Type, BreakGlass: true})
					got <- err
				}()
				<-slow.entered
				b.commit(allow(cy, c.allowed))
				settle()
				close(slow.gate)
				if err := <-got; !errors.Is(err, c.fail) {
					t.Errorf("commit: %v", err)
				}
				settle()
				ended := 1
				if c.fail != nil {
					ended = 0
				}
				board := b.d.Board()
				if board.NActive != 1 || len(board.Recent) != ended || board.Queue != 0 || b.wall.count() != 0 ||
					board.Auto.Used.ActiveBlocks != 0 {
					t.Errorf("%d in force, %d ended, %d under way, %d held, %d blocks counted", board.NActive, len(board.Recent),
						board.Queue, b.wall.count(), board.Auto.Used.ActiveBlocks)
				}
				for _, d := range board.Recent {
					if d.State != actions.Undone || b.get(d.ID).State != actions.Undone {
						t.Errorf("%s is %s, on disk %s", d.Target, d.State, b.get(d.ID).State)
					}
				}
				b.stop()
				b.wrap = nil
				b.start()
				settle()
				if b.wall.count() != 0 || b.d.Board().NActive != 1 {
					t.Errorf("after a restart %d held, %d in force", b.wall.count(), b.d.Board().NActive)
				}
			})
		})
	}
}

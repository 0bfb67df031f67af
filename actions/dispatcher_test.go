package actions_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

func TestBlockLivesUntilItsTTLEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		ds := b.commit(block(ana, "198.51.100.23"))
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Applied || got.TTL != 30*time.Minute || !b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after commit: %+v", got)
		}
		if board := b.d.Board(); board.NActive != 1 || len(board.Active) != 1 || board.Queue != 0 {
			t.Fatalf("board: %+v", board)
		}
		time.Sleep(31 * time.Minute)
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Expired || b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after its TTL: %+v", got)
		}
		if board := b.d.Board(); board.NActive != 0 || len(board.Recent) != 1 {
			t.Fatalf("board: %+v", board)
		}
	})
}

func TestUndoLiftsAndExempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		ds := b.commit(block(ana, "198.51.100.23"))
		settle()
		p, err := b.d.PlanUndo(context.Background(), ds[0].ID, cy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Commit(context.Background(), p.Token, cy, actions.Answer{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Undone || got.EndedBy != "cy" || b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after undo: %+v", got)
		}
		for _, restart := range []bool{false, true} {
			if restart {
				b.stop()
				b.start()
			}
			r := block(actions.Auto, "198.51.100.23")
			r.Seen = []detect.Suspect{{MayAct: true}}
			if p := b.plan(r); p.Token != "" || p.Refusals[0].Rule != "exempt" {
				t.Fatalf("restart %v: auto mode may block what a person unblocked: %v", restart, p.Refusals)
			}
		}
		time.Sleep(time.Hour)
		r := block(actions.Auto, "198.51.100.23")
		r.Seen = []detect.Suspect{{MayAct: true}}
		if p := b.plan(r); p.Token == "" {
			t.Fatalf("after an hour: %v", p.Refusals)
		}
	})
}

func TestRestartKeepsAndLifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		var ids []string
		for i := range 3 {
			r := block(ana, fmt.Sprintf("198.51.100.%d", i))
			r.TTL = time.Duration(i+1) * 10 * time.Minute
			ids = append(ids, b.commit(r)[0].ID)
		}
		settle()
		b.stop()
		b.wall.mu.Lock()
		delete(b.wall.held, "198.51.100.2/32") // somebody flushed it
		b.wall.held["203.0.113.9/32"] = actions.Decision{}
		b.wall.mu.Unlock()
		time.Sleep(15 * time.Minute)
		b.start()
		defer func() { b.stop() }()
		settle()
		want := []actions.State{actions.Expired, actions.Applied, actions.Applied}
		for i, id := range ids {
			if got := b.get(id); got.State != want[i] || b.wall.holds(got.Target.Key()) != want[i].Active() {
				t.Errorf("%s: %s, held %v, want %s", got.Target, got.State, b.wall.holds(got.Target.Key()), want[i])
			}
		}
		if b.wall.holds("203.0.113.9/32") {
			t.Error("an entry that no decision asks for stayed")
		}
	})
}

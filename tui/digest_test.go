package tui

import (
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// TestConsolesShareWhatTheyWorkOut: one digest for one state, another when
// anything of it changed, and no two of them at once.
func TestConsolesShareWhatTheyWorkOut(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	snap, board := &detect.Snapshot{Suspects: []detect.Suspect{{Score: 90}}}, &actions.Board{}
	var s Shared
	first := s.digest(snap, board, false, now)
	for name, c := range map[string]struct {
		snap  *detect.Snapshot
		board *actions.Board
		stale bool
		later time.Duration
		same  bool
	}{
		"the same state":            {snap, board, false, digestFor - 1, true},
		"another snapshot":          {&detect.Snapshot{}, board, false, 0, false},
		"another board":             {snap, &actions.Board{}, false, 0, false},
		"data that became old":      {snap, board, true, 0, false},
		"the clock went on":         {snap, board, false, digestFor, false},
		"the clock was turned back": {snap, board, false, -time.Second, false},
	} {
		s.last = first
		if got := s.digest(c.snap, c.board, c.stale, now.Add(c.later)) == first; got != c.same {
			t.Errorf("%s: shared %v, want %v", name, got, c.same)
		}
	}
	var consoles sync.WaitGroup
	for range 8 {
		consoles.Go(func() {
			for i := range 100 {
				d := s.digest(snap, board, false, now.Add(time.Duration(i)*time.Millisecond))
				if len(d.stands) != 1 {
					t.Error("a digest of another snapshot")
				}
				d.stand.of(snap.Suspects[0].Key, now)
			}
		})
	}
	consoles.Wait()
}

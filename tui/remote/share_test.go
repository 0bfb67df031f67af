package remote

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// busy is a model that takes a millisecond for each message and for each frame.
type busy struct{ frames *int }

func (b busy) Init() tea.Cmd { return nil }
func (b busy) Update(tea.Msg) (tea.Model, tea.Cmd) {
	time.Sleep(time.Millisecond)
	return b, nil
}
func (b busy) View() string {
	time.Sleep(time.Millisecond)
	*b.frames++
	return ""
}

// TestAFloodKeepsToItsShare: two consoles of one person that are flooded take
// half a core together; somebody else's is answered at once all the while.
func TestAFloodKeepsToItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithTimeout(t.Context(), 60*time.Second)
		defer end()
		var mine, yours Share
		start := time.Now()
		clock := func() time.Duration { return time.Since(start) } // here sleeping is work
		var frames [3]int
		flood := func(i int) {
			var m tea.Model = timed{busy{&frames[i]}, ctx, &mine, nil, clock}
			for ctx.Err() == nil {
				m, _ = m.Update(nil)
				_ = m.View()
			}
		}
		var floods sync.WaitGroup
		floods.Go(func() { flood(0) })
		floods.Go(func() { flood(1) })
		var slowest time.Duration
		var m tea.Model = timed{busy{&frames[2]}, ctx, &yours, nil, clock}
		for range 400 { // ten keys a second
			time.Sleep(100 * time.Millisecond)
			began := time.Now()
			m, _ = m.Update(nil)
			_ = m.View()
			slowest = max(slowest, time.Since(began))
		}
		floods.Wait() // they end with ctx
		// Half of 60 s, and the second at the beginning, at 2 ms a frame.
		if n := frames[0] + frames[1]; n < 15_000 || n > 15_600 {
			t.Errorf("%d frames in a minute", n)
		}
		if slowest > 2*time.Millisecond {
			t.Errorf("another person waited %s", slowest)
		}
	})
}

// TestWhoeverLeavesWaitsNoMore: the end of a session ends its waiting.
func TestWhoeverLeavesWaitsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		var s Share
		s.spend(time.Hour)
		time.AfterFunc(time.Second, end)
		began := time.Now()
		s.await(ctx)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it waited %s", took)
		}
		(*Share)(nil).spend(time.Hour)
		(*Share)(nil).await(t.Context())
	})
}

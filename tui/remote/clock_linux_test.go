package remote

import (
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// waiting is a model that gets the processor only after a second, each time.
type waiting struct{ busy }

func (w waiting) Update(tea.Msg) (tea.Model, tea.Cmd) { time.Sleep(time.Second); return w, nil }
func (w waiting) View() string                        { time.Sleep(time.Second); return "" }

// TestWaitingIsNoUse: on a machine that has no time for anybody, a console takes
// nothing of its share while it waits.
func TestWaitingIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Share
		var m tea.Model = timed{waiting{}, t.Context(), &s, nil, threadTime}
		began := time.Now()
		for range 100 {
			m, _ = m.Update(nil)
			_ = m.View()
		}
		if took := time.Since(began); took != 200*time.Second {
			t.Errorf("200 seconds of waiting took %s", took)
		}
	})
}

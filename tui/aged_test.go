package tui

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// TestAnAgedPreviewIsMadeAnew: a dialog left open for too long asks the
// guardrails again by itself, keeps what was typed, and swallows a y that was
// on its way when the figures changed.
func TestAnAgedPreviewIsMadeAnew(t *testing.T) {
	f := newFake()
	f.needs, f.typed = actions.ConfirmTyped, "block 1"
	d := sit(t, f, 80, 24, plain)
	d.keys("j b b l o c k space 1")
	first := d.m.dialog.(*planDialog).got.Token
	f.step(3*time.Minute, nil)
	_, cmd := d.m.Update(tickMsg{})
	batch, ok := cmd().(tea.BatchMsg)
	if !ok || len(batch) != 2 {
		t.Fatalf("the tick asks for %v, want the next tick and a new plan", batch)
	}
	d.send(batch[1]())
	pd := d.m.dialog.(*planDialog)
	if pd.got == nil || pd.got.Token == first || pd.typed != "block 1" {
		t.Fatalf("after three minutes: plan %+v, typed %q; want a new plan and the text", pd.got, pd.typed)
	}
	d.write("y")
	if f.commits != 0 {
		t.Fatal("a y pressed as the figures changed was taken")
	}
}

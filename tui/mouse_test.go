package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// A click selects the row it lands on, on every list, and does nothing else.
func TestClickSelectsTheRowUnderIt(t *testing.T) {
	for _, c := range []struct{ keys, row string }{
		{"1", "198.51.100.77 "}, {"2", "198.51.100.120 "}, {"2 G", "198.51.100.110 "}, {"4", "192.0.2.200 "}, {"5", "ops/scale "}, {"6", "198.51.100.5 "},
	} {
		f := newFake()
		d := sit(t, f, 120, 36, plain)
		d.keys(c.keys)
		y := -1
		for i, l := range strings.Split(d.screen(), "\n") {
			if strings.Contains(l, c.row) {
				y = i
				break
			}
		}
		if y < 0 {
			t.Fatalf("%s: no line shows %q:\n%s", c.keys, c.row, d.screen())
		}
		click := func(y int) {
			d.send(tea.MouseMsg{X: 5, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
		}
		click(y)
		if got := d.row(c.row); !strings.HasPrefix(got, ">") {
			t.Errorf("%s: the click on line %d did not select it: %q", c.keys, y, got)
		}
		for _, y := range []int{0, 1, 35, 400, -3} {
			click(y)
		}
		if got := d.row(c.row); !strings.HasPrefix(got, ">") {
			t.Errorf("%s: a click beside the rows moved the selection", c.keys)
		}
		if f.commits+f.disarms+len(f.received) > 0 || d.m.dialog != nil {
			t.Errorf("%s: a click acted", c.keys)
		}
	}
}

// A dialog is never answered by a click.
func TestClickNeverConfirms(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j b")
	for y := range 24 {
		d.send(tea.MouseMsg{X: 20, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
	}
	if f.commits > 0 || d.m.dialog == nil {
		t.Fatal("a click answered the dialog")
	}
}

package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
)

// desk is a console under test with a clock that only tests move.
type desk struct {
	t    testing.TB
	f    *fake
	m    *Model
	time time.Time
	quit bool
}

func sit(t testing.TB, f *fake, w, h int, change ...func(*Options)) *desk {
	d := &desk{t: t, f: f, time: t0}
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.TrueColor)
	opt := Options{Renderer: r, Now: func() time.Time { return d.time }}
	for _, c := range change {
		c(&opt)
	}
	d.m = New(f, hands{f, ana}, opt)
	d.size(w, h)
	return d
}

func plain(o *Options) { o.NoColor = true }
func ascii(o *Options) { o.ASCII, o.NoColor = true, true }

func (d *desk) size(w, h int) { d.send(tea.WindowSizeMsg{Width: w, Height: h}) }

// send gives the console a message and carries out what it asks for.
func (d *desk) send(msg tea.Msg) {
	_, cmd := d.m.Update(msg)
	if cmd == nil {
		return
	}
	if _, ok := msg.(tickMsg); ok {
		return // the next tick is the test's to give
	}
	switch out := cmd().(type) {
	case tea.QuitMsg:
		d.quit = true
	case nil:
	default:
		d.send(out)
	}
}

// wait lets d pass and a tick come.
func (d *desk) wait(by time.Duration) {
	d.time = d.time.Add(by)
	d.send(tickMsg{})
}

var named = map[string]tea.KeyType{
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"space": tea.KeySpace, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "shift+tab": tea.KeyShiftTab,
	"ctrl+c": tea.KeyCtrlC, "ctrl+u": tea.KeyCtrlU, "ctrl+w": tea.KeyCtrlW, "delete": tea.KeyDelete, "pgup": tea.KeyPgUp,
}

func keyMsg(k string) tea.KeyMsg {
	if t, ok := named[k]; ok {
		msg := tea.KeyMsg{Type: t}
		if t == tea.KeySpace {
			msg.Runes = []rune{' '}
		}
		return msg
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
}

// keys presses keys parted by blanks, slowly.
func (d *desk) keys(list string) {
	for _, k := range strings.Fields(list) {
		d.time = d.time.Add(500 * time.Millisecond)
		d.send(keyMsg(k))
	}
}

// write types text.
func (d *desk) write(text string) {
	for _, r := range text {
		k := string(r)
		if r == ' ' {
			k = "space"
		}
		d.send(keyMsg(k))
	}
}

// command runs one : line.
func (d *desk) command(line string) {
	d.keys(":")
	d.write(line)
	d.keys("enter")
}

// screen is what the console shows, without styles.
func (d *desk) screen() string { return ansi.Strip(d.m.View()) }

func (d *desk) sees(what ...string) {
	d.t.Helper()
	s := d.screen()
	for _, w := range what {
		if !strings.Contains(s, w) {
			d.t.Fatalf("the screen does not show %q:\n%s", w, s)
		}
	}
}

func (d *desk) misses(what ...string) {
	d.t.Helper()
	s := d.screen()
	for _, w := range what {
		if strings.Contains(s, w) {
			d.t.Fatalf("the screen shows %q and should not:\n%s", w, s)
		}
	}
}

// row is the line that shows text.
func (d *desk) row(text string) string {
	d.t.Helper()
	for _, l := range strings.Split(d.screen(), "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	d.t.Fatalf("no line shows %q:\n%s", text, d.screen())
	return ""
}

// fits fails when a line is wider or the frame taller than the terminal, or a
// control character other than our own styles is in it.
func fits(t testing.TB, frame string, w, h int) {
	t.Helper()
	if frame == "" {
		return
	}
	lines := strings.Split(frame, "\n")
	if len(lines) > h {
		t.Fatalf("%d lines on a terminal of %d:\n%s", len(lines), h, frame)
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n > w {
			t.Fatalf("line %d is %d wide on a terminal of %d: %q", i, n, w, l)
		}
		if n := ansi.StringWidthWc(l); n > w {
			t.Fatalf("line %d is %d wide (rune by rune) on a terminal of %d: %q", i, n, w, l)
		}
		for _, r := range ansi.Strip(l) {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("line %d holds the control character %U: %q", i, r, l)
			}
		}
		for rest := l; ; {
			j := strings.IndexByte(rest, 0x1b)
			if j < 0 {
				break
			}
			rest = rest[j+1:]
			if !strings.HasPrefix(rest, "[") || strings.IndexByte(rest, 'm') < 0 || strings.Trim(rest[1:strings.IndexByte(rest, 'm')], "0123456789;") != "" {
				t.Fatalf("line %d holds an escape sequence that is no style: %q", i, l)
			}
		}
	}
}

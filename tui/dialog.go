package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// dialog is a question, or something that must be read. Cancel has the focus
// in each of them and Enter never confirms.
type dialog interface {
	press(m *Model, msg tea.KeyMsg) tea.Cmd
	// lines returns the title and what stands in the box, w columns wide.
	lines(m *Model, w int) (title string, body []styled, danger bool)
}

// open shows d. One that nobody asked for swallows keys until they rest.
func (m *Model) open(d dialog, unasked bool) {
	if old, ok := m.dialog.(*planDialog); ok {
		old.endWait()
	}
	m.dialog, m.dialogTop, m.dialogMore = d, 0, 0
	m.prompt = nil
	if unasked {
		m.quiet.arm(m.opt.Now())
	}
	m.table.held = true
}

func (m *Model) close() {
	if d, ok := m.dialog.(*planDialog); ok {
		d.endWait()
	}
	m.dialog = nil
	m.table.touch(m.opt.Now())
}

// overlay lays the dialog's box over the finished frame.
func (m *Model) overlay(frame string) string {
	bw := min(76, m.w)
	if m.w >= 60 {
		bw = min(76, m.w-4)
	}
	inner := max(bw-4, 1)
	title, body, danger := m.dialog.lines(m, inner)
	p := m.th.box
	if danger {
		p = m.th.danger
	}
	top := min(m.h/8, 5)
	room := max(m.h-top-2, 1)
	if m.h < 8 {
		room = m.h - 1
	}
	body = m.dialogWindow(body, room)
	c := newCanvas(bw, len(body)+2, m.opt.ASCII)
	c.put(p, "┌ ")
	c.cell(p, title, min(measure(title), bw-4), false)
	c.put(p, " ")
	c.rule(p, bw-1)
	c.put(p, "┐")
	c.end()
	for _, l := range body {
		c.put(p, "│ ")
		c.cell(l.pen, l.text, inner, false)
		c.put(p, " │")
		c.end()
	}
	c.put(p, "└")
	c.rule(p, bw-1)
	c.put(p, "┘")
	box := strings.Split(c.String(), "\n")
	lines := strings.Split(frame, "\n")
	for len(lines) < m.h {
		lines = append(lines, "")
	}
	left := (m.w - bw) / 2
	y0 := max(min(top, m.h-len(box)), 0) // its top stays where it is while the text under it changes
	for i, b := range box {
		y := y0 + i
		if y >= m.h {
			break
		}
		lines[y] = splice(lines[y], b, left, bw)
	}
	return strings.Join(lines[:m.h], "\n")
}

// dialogWindow cuts a dialog's text to room lines. The last three hold the
// question and stay; what is above them scrolls, and says that it does.
func (m *Model) dialogWindow(body []styled, room int) []styled {
	m.dialogMore = len(body) - room
	if m.dialogMore <= 0 {
		m.dialogTop = 0
		return body
	}
	tail := min(3, room)
	head := room - tail
	text := body[:len(body)-tail]
	m.dialogTop = max(min(m.dialogTop, len(text)-head), 0)
	out := append([]styled{}, text[m.dialogTop:m.dialogTop+head]...)
	if below := len(text) - head - m.dialogTop; below > 0 && head > 1 {
		out[head-1] = styled{m.th.warn, "↓ " + plural(below+1, "more line") + ": read on with the down arrow"}
	}
	return append(out, body[len(body)-tail:]...)
}

// scrollDialog moves the text of a dialog that does not fit, and reports
// whether there was anything to move.
func (m *Model) scrollDialog(n int) bool {
	if m.dialogMore <= 0 {
		return false
	}
	m.dialogTop += n
	return true
}

// splice puts b, w columns wide, into line at column left.
func splice(line, b string, left, w int) string {
	head := ansi.Truncate(line, left, "")
	pad := left - ansi.StringWidth(head)
	tail := ansi.TruncateLeft(line, left+w, "")
	if rest := ansi.StringWidth(line) - left - w; ansi.StringWidth(tail) > max(rest, 0) {
		tail = ""
	}
	return head + penOff + strings.Repeat(" ", max(pad, 0)) + b + penOff + tail
}

// noteDialog says something that nobody asked for.
type noteDialog struct {
	title string
	words []string
}

func (d *noteDialog) lines(m *Model, w int) (string, []styled, bool) {
	var out []styled
	for _, l := range d.words {
		for _, part := range wrap(l, w) {
			out = append(out, styled{m.th.text, part})
		}
	}
	out = append(out, styled{}, styled{m.th.focus, "[ Close: enter or esc ]"})
	return d.title, out, true
}

func (d *noteDialog) press(m *Model, msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "enter", "esc", "q", " ":
		m.close()
	case "down":
		m.scrollDialog(2)
	case "up":
		m.scrollDialog(-2)
	}
	return nil
}

// askDialog asks for a yes to something that has no plan.
type askDialog struct {
	title string
	words []string
	yes   string // what y does, in a word or two
	do    func(m *Model) tea.Cmd
}

func (d *askDialog) lines(m *Model, w int) (string, []styled, bool) {
	var out []styled
	for _, l := range d.words {
		for _, part := range wrap(l, w) {
			out = append(out, styled{m.th.text, part})
		}
	}
	out = append(out, styled{}, styled{m.th.text, "y " + d.yes}, styled{m.th.focus, "[ Cancel: enter or esc ]"})
	return d.title, out, true
}

func (d *askDialog) press(m *Model, msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "y":
		m.close()
		return d.do(m)
	case "enter", "esc", "n", "q":
		m.close()
	case "down":
		m.scrollDialog(2)
	case "up":
		m.scrollDialog(-2)
	}
	return nil
}

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
	m.dialog = d
	m.prompt = nil
	if unasked {
		m.quiet.arm(m.opt.Now())
	}
	m.table.held = true
}

func (m *Model) close() {
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
	if len(body) > room { // the end holds the keys: what is lost is told from the middle
		tail := min(3, room)
		head := room - tail
		body = append(append([]styled{}, body[:head]...), body[len(body)-tail:]...)
	}
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
	}
	return nil
}

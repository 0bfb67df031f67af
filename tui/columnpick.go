package tui

import (
	"slices"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"
)

// columnDialog chooses the columns of the suspects and their order. What is
// chosen holds at once, so that the table behind shows what comes of it.
type columnDialog struct {
	order  []string // every column, those chosen in their order
	chosen map[string]bool
	cursor int
}

func (m *Model) askColumns() tea.Cmd {
	d := &columnDialog{chosen: map[string]bool{}}
	d.take(m)
	m.open(d, false)
	return nil
}

// take begins with the columns that are shown now.
func (d *columnDialog) take(m *Model) {
	clear(d.chosen)
	d.order = slices.Clone(m.table.cols)
	if len(d.order) == 0 {
		for _, p := range m.table.layout(m.w) {
			d.order = append(d.order, p.name)
		}
	}
	for _, n := range d.order {
		d.chosen[n] = true
	}
	for i := range columns {
		if n := columns[i].name; !d.chosen[n] {
			d.order = append(d.order, n)
		}
	}
}

// apply shows what is chosen; the source always is, for without it no row can be
// told from another.
func (d *columnDialog) apply(m *Model) {
	var out []string
	for _, n := range d.order {
		if d.chosen[n] {
			out = append(out, n)
		}
	}
	if err := m.table.setColumns(out); err != nil {
		m.say("warn", err.Error())
	}
}

func (d *columnDialog) lines(m *Model, w int) (string, []styled, bool) {
	room := max(min(m.h-9, len(d.order)), 3)
	from := max(min(d.cursor-room/2, len(d.order)-room), 0)
	var out []styled
	for i := from; i < min(from+room, len(d.order)); i++ {
		c := &columns[slices.IndexFunc(columns, func(c column) bool { return c.name == d.order[i] })]
		box, p := "[ ] ", m.th.dim
		if d.chosen[c.name] {
			box, p = "[x] ", m.th.text
		}
		if i == d.cursor {
			p = m.th.cursor
		}
		out = append(out, styled{p, cut(box+padRight(c.title, 12)+c.help, w)})
	}
	return "Columns " + strconv.Itoa(from+1) + "-" + strconv.Itoa(min(from+room, len(d.order))) + "/" + strconv.Itoa(len(d.order)),
		append(out, styled{}, styled{m.th.text, cut("space: show or hide   ← →: move   a: what fits by itself", w)}, styled{m.th.focus, "[ Close: enter or esc ]"}), false
}

func (d *columnDialog) press(m *Model, msg tea.KeyMsg) tea.Cmd {
	name := d.order[d.cursor]
	switch msg.String() {
	case "enter", "esc", "q":
		m.close()
	case "down", "j", "tab":
		d.cursor = min(d.cursor+1, len(d.order)-1)
	case "up", "k", "shift+tab":
		d.cursor = max(d.cursor-1, 0)
	case " ":
		if name == "source" && d.chosen[name] {
			m.say("info", "the source stays: without it no row can be told from another")
			return nil
		}
		d.chosen[name] = !d.chosen[name]
		d.apply(m)
	case "left", "right":
		to := max(min(d.cursor+map[string]int{"left": -1, "right": 1}[msg.String()], len(d.order)-1), 0)
		d.order[d.cursor], d.order[to] = d.order[to], d.order[d.cursor]
		d.cursor = to
		d.apply(m)
	case "a":
		_ = m.table.setColumns(nil) // no name can be wrong
		d.take(m)
	}
	return nil
}

package tui

import (
	"strconv"
	"strings"
)

// overviewScreen is what an operator sees first: traffic, what leads it, the
// suspects and why the selected one is one.
type overviewScreen struct {
	full bool // the table has needed the chart's room, and keeps it until no suspect is left
}

func (*overviewScreen) title(*Model) string { return "Overview" }
func (*overviewScreen) load(*Model)         {}
func (*overviewScreen) move(m *Model, n int) {
	m.table.move(n, m.opt.Now())
}
func (*overviewScreen) enter(m *Model) { m.openSelected() }

func (s *overviewScreen) draw(m *Model, c *canvas, h int) {
	whyLines := 0
	switch {
	case h >= 18:
		whyLines = 3
	case h >= 9:
		whyLines = 2
	}
	if len(m.table.rows) == 0 {
		whyLines = 0
	}
	stop := c.rows + h
	n, chart := len(m.table.rows), s.chartHeight(m, c.w, h)
	switch {
	case chart > 0:
		s.drawTraffic(m, c, chart)
		if n > 0 || m.d.top != nil {
			m.drawNext(c)
		}
	case h >= 9:
		s.drawStrip(m, c)
	}
	if h >= 7 {
		m.table.fit(stop - whyLines - c.rows - 1)
		m.heading(c, m.tableTitle())
	}
	rows := max(stop-whyLines-c.rows, 0)
	m.table.fit(rows)
	m.table.draw(c, m.th, m.d.now(), rows, m.emptyTable())
	if whyLines > 0 {
		m.drawWhy(c, whyLines)
	}
	c.blank(stop - c.rows)
}

// chartHeight is how many lines of the h the chart gets, always an odd number,
// so that half the scale lies on a line; 0: there is no room for one. A short
// table leaves it room. One that has grown keeps its own, so that rows don't
// move back and forth.
func (s *overviewScreen) chartHeight(m *Model, w, h int) int {
	const least = 7
	n := len(m.table.rows)
	beside := 1 + 2 + 2 + 3 // titles, what comes next, heads, why
	switch {
	case w < 72 || h < 14:
		return 0
	case n == 0:
		s.full = false
		return min((h-6-1)|1, 15)
	case h >= 26:
		return min(least+(h-26)/8*2, 15)
	case n > h-beside-least:
		s.full = true
	}
	if s.full {
		return 0
	}
	return least
}

// suspectsScreen is the table alone, as large as the terminal allows.
type suspectsScreen struct{}

func (*suspectsScreen) title(*Model) string  { return "Suspects" }
func (*suspectsScreen) load(*Model)          {}
func (*suspectsScreen) move(m *Model, n int) { m.table.move(n, m.opt.Now()) }
func (*suspectsScreen) enter(m *Model)       { m.openSelected() }
func (s *suspectsScreen) draw(m *Model, c *canvas, h int) {
	why := 0
	if h >= 10 && len(m.table.rows) > 0 {
		why = 3
	}
	stop := c.rows + h
	m.table.fit(h - why - 1)
	m.heading(c, m.tableTitle())
	m.table.draw(c, m.th, m.d.now(), max(stop-why-c.rows, 0), m.emptyTable())
	if why > 0 {
		m.drawWhy(c, why)
	}
}

// tableTitle tells which suspects are shown, in which order, and whether the
// order stands still.
func (m *Model) tableTitle() string {
	t := m.table
	s := "Suspects none"
	if t.total > 0 || len(t.rows) > 0 {
		s = "Suspects " + strconv.Itoa(min(t.top+1, len(t.rows))) + "-" + strconv.Itoa(min(t.top+t.page, len(t.rows))) + "/" + strconv.Itoa(len(t.rows))
		if t.total > len(t.rows) {
			s += " of " + number(float64(t.total))
		}
		if m.d.need > 0 && m.w >= 100 {
			s += "  " + needYou(m.d.need)
		}
	}
	if m.w >= 50 {
		s += "  " + strings.ToUpper(t.sort) + map[bool]string{true: "↑", false: "↓"}[t.up]
	}
	if t.filter != nil && t.filter.text != "" {
		s += "  /" + t.filter.text
		if m.scoped() {
			s += " (charts too)"
		}
	}
	if shown, hidden := t.marked(); shown+hidden > 0 {
		s += "  " + strconv.Itoa(shown) + " MARKED"
		if hidden > 0 {
			s += " (" + strconv.Itoa(hidden) + " not in this list are left out)"
		}
	}
	switch {
	case t.pinned:
		s += "  [ORDER HELD: " + m.keyOf("hold") + " releases]"
	case t.held:
		s += "  [ORDER HELD]"
	}
	if t.fresh > 0 {
		s += " +" + strconv.Itoa(t.fresh) + " new below"
	}
	return s
}

// emptyTable says why there is no suspect to see.
func (m *Model) emptyTable() string {
	switch {
	case m.table.filter != nil && m.table.filter.text != "" && m.table.total > 0:
		return "nothing passes the filter /" + m.table.filter.text + m.named("   {escape} clears it")
	case m.d.status.Host.Silent:
		return "no suspect, but the host drops connections (" + m.keyOf("health") + " shows what)"
	case m.d.status.DataAge < 0:
		return "waiting for the first log line (" + m.keyOf("health") + " shows the inputs)"
	case m.d.stale:
		return "no suspect, but the data is " + age(m.d.status.DataAge) + " old (" + m.keyOf("health") + " shows the inputs)"
	}
	if m.d.hostile() {
		return "no single source stands out" + m.named(": {incident} says what helps against all of them")
	}
	return "no source is suspect: nothing to do"
}

// drawWhy tells why the selected source is a suspect, in n lines.
func (m *Model) drawWhy(c *canvas, n int) {
	stop := c.rows + n
	r := m.table.selected()
	if r == nil {
		c.blank(n)
		return
	}
	var b strings.Builder
	b.WriteString(prefixText(r.s.Key) + " why " + strconv.Itoa(int(r.s.Score+0.5)) + " " + attackName(r.s.Attack) + ":")
	for _, e := range r.s.Evidence {
		b.WriteString(" " + e.Text + " (" + signed(e.Points) + ")")
	}
	if d := r.st.decision; len(r.s.Evidence) == 0 && d != nil && len(d.Evidence) > 0 {
		b.WriteString(" at " + clock(d.Created) + " it was " + strings.Join(d.Evidence, ", "))
	}
	words := wrap(b.String(), c.w-4)
	m.heading(c, words[0])
	lines := words[1:]
	lines = append(lines, m.whereabouts(r))
	if len(lines) > n-1 {
		last := lines[len(lines)-1]
		lines = lines[:max(n-2, 0)]
		if k := len(lines); k > 0 {
			lines[k-1] += " …"
		}
		lines = append(lines, last)
	}
	for _, l := range lines {
		if c.rows < stop {
			c.put(m.th.text, " ")
			c.cell(m.th.text, l, min(measure(l), c.w-1), false)
			c.end()
		}
	}
	c.blank(stop - c.rows)
}

// whereabouts tells what a source asks for and whether it was ever usual; what
// may be long, and is the client's own word, stands last.
func (m *Model) whereabouts(r *row) string {
	s := "first " + clock(r.s.First) + "  "
	if r.s.LongKnown {
		s += "KNOWN FOR DAYS  "
	}
	if r.s.Proxied {
		s += "behind a proxy  "
	}
	s += percent(r.s.UsualShare) + " of usual  " + r.s.TopMethod + " " + r.s.TopPath
	if r.s.TopStatus > 0 {
		s += " → " + strconv.Itoa(int(r.s.TopStatus))
	}
	return s + "  ua " + orNone(r.s.TopAgent)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// wrap breaks s at blanks into lines of at most w columns; a longer word is
// broken where the line ends.
func wrap(s string, w int) []string {
	w = max(w, 1)
	var out []string
	line, used := "", 0
	for _, word := range strings.Fields(s) {
		n := measure(word)
		for n > w && w > 1 {
			if used > 0 {
				out = append(out, line)
				line, used = "", 0
			}
			k := prefixWithin(word, w)
			if k == 0 {
				break
			}
			out, word = append(out, word[:k]), word[k:]
			n = measure(word)
		}
		if used > 0 && used+1+n > w {
			out = append(out, line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	return append(out, line)
}

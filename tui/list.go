package tui

// list is a selection in rows that come and go: it follows its row by key.
type list struct {
	key    string
	cursor int
	top    int
	n      int
	line   int // of the frame, where the first row was drawn last
	shown  int // rows drawn last
	id     func(i int) string
}

// sync takes the rows of a new snapshot: n of them, named by id.
func (l *list) sync(n int, id func(i int) string) {
	l.n, l.id = n, id
	if l.cursor >= n || l.key != "" && id(l.cursor) != l.key {
		for i := range n {
			if id(i) == l.key {
				l.cursor = i
				break
			}
		}
	}
	l.cursor = max(min(l.cursor, n-1), 0)
	if n > 0 && l.key != "" {
		l.key = id(l.cursor)
	}
}

// move steps the cursor; from then on the selection follows its row.
func (l *list) move(n int) {
	l.cursor = max(min(l.cursor+n, l.n-1), 0)
	if l.n > 0 {
		l.key = l.id(l.cursor)
	}
}

// window returns the rows to draw on h lines from line on.
func (l *list) window(line, h int) (from, to int) {
	if l.cursor < l.top {
		l.top = l.cursor
	}
	if l.cursor >= l.top+h {
		l.top = l.cursor - h + 1
	}
	l.top = max(min(l.top, l.n-h), 0)
	to = max(min(l.top+h, l.n), l.top)
	l.line, l.shown = line, to-l.top
	return l.top, to
}

// at is the row drawn on line y of the frame, or -1.
func (l *list) at(y int) int {
	if y < l.line || y >= l.line+l.shown {
		return -1
	}
	return l.top + y - l.line
}

// field is one cell of a list's row.
type field struct {
	text  string
	w     int
	right bool
}

// drawFields writes cells until the line is full; the last one takes the rest.
func drawFields(c *canvas, p pen, fs []field) {
	for i, f := range fs {
		w := f.w
		if i == len(fs)-1 {
			w = max(c.w-c.col, 0)
			if n := measure(f.text); n < w {
				w = n
			}
		}
		c.cell(p, f.text, w, f.right)
		if i < len(fs)-1 {
			c.put(p, " ")
		}
	}
}

// listRow writes one row of a list, marked when it is the selected one.
func (m *Model) listRow(c *canvas, p pen, selected bool, fs ...field) {
	if selected {
		p = m.th.cursor
		c.put(p, "> ")
	} else {
		c.put(p, "  ")
	}
	drawFields(c, p, fs)
	if selected {
		c.fill(p)
	}
	c.end()
}

// textView is text that scrolls.
type textView struct {
	top   int
	lines []styled
}

// styled is a line with its pen.
type styled struct {
	pen  pen
	text string
}

func (v *textView) move(n int) { v.top = max(min(v.top+n, len(v.lines)-1), 0) }

// draw writes h lines; the last one says how much is below.
func (v *textView) draw(m *Model, c *canvas, h int) {
	v.top = max(min(v.top, len(v.lines)-h), 0)
	for i := v.top; i < len(v.lines) && i < v.top+h; i++ {
		if i == v.top+h-1 && i < len(v.lines)-1 {
			c.line(m.th.dim, "  ↓ "+plural(len(v.lines)-i, "more line"))
			continue
		}
		c.line(v.lines[i].pen, v.lines[i].text)
	}
	c.blank(h - (min(len(v.lines), v.top+h) - v.top))
}

// writer collects the lines of a textView.
type writer struct {
	th     *theme
	w      int
	indent int // columns for names; 0: 14
	lines  []styled
}

func (t *writer) add(p pen, s string) { t.lines = append(t.lines, styled{p, s}) }
func (t *writer) head(s string) {
	if len(t.lines) > 0 {
		t.add("", "")
	}
	t.add(t.th.title, " "+s)
}

// pair writes a name and what it is, broken over lines where need be.
func (t *writer) pair(name, value string) { t.pairIn(t.th.text, name, value) }

func (t *writer) pairIn(p pen, name, value string) {
	indent := t.indent
	if indent == 0 {
		indent = 14
	}
	for i, l := range wrap(value, t.w-indent-1) {
		if i > 0 {
			name = ""
		}
		t.add(p, " "+padRight(name, indent-2)+" "+l)
	}
}

func padRight(s string, n int) string {
	for measure(s) < n {
		s += " "
	}
	return s
}

// cut shortens s to w columns, with an ellipsis where it is longer.
func cut(s string, w int) string {
	if measure(s) <= w {
		return s
	}
	return s[:prefixWithin(s, w-1)] + "…"
}

// prefixWithin is how many bytes of s take at most w columns.
func prefixWithin(s string, w int) int {
	n := 0
	for i := 0; i < len(s); {
		g, size := decode(s[i:])
		cells := g.cells
		if cells == 0 && i == 0 {
			cells = escapedLen(g.r) // a mark with nothing to stand on is spelled out
		}
		if n += cells; n > w {
			return i
		}
		i += size
	}
	return len(s)
}

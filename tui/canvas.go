package tui

import (
	"bytes"
	"unicode/utf8"
)

// canvas collects the lines of one frame. It is the only way text gets into a
// frame: whatever is put is made harmless and cut at the edge, so no line is
// ever wider and no frame ever taller than the terminal.
type canvas struct {
	w, h  int
	ascii bool
	buf   []byte
	rows  int // finished lines
	col   int // columns used of the current line
	pen   pen
}

func newCanvas(w, h int, ascii bool) *canvas {
	return canvasOn(make([]byte, 0, w*h*2+256), w, h, ascii)
}

// canvasOn is newCanvas with the memory of a frame that is over.
func canvasOn(buf []byte, w, h int, ascii bool) *canvas {
	return &canvas{w: max(w, 0), h: max(h, 0), ascii: ascii, buf: buf[:0]}
}

// left is how many lines there is still room for.
func (c *canvas) left() int { return c.h - c.rows }

// use switches to p if it is not in use already.
func (c *canvas) use(p pen) {
	if c.pen == p {
		return
	}
	if c.pen != "" {
		c.buf = append(c.buf, penOff...)
	}
	c.buf = append(c.buf, p...)
	c.pen = p
}

// put writes s, as far as there is room.
func (c *canvas) put(p pen, s string) { c.within(p, s, c.w) }

// within writes s up to column edge.
func (c *canvas) within(p pen, s string, edge int) {
	edge = min(edge, c.w)
	if s == "" || c.col >= edge || c.rows >= c.h {
		return
	}
	c.use(p)
	after := false // whether a combining mark has something of s to stand on
	for i := 0; i < len(s); {
		if b := s[i]; b >= 0x20 && b < 0x7f {
			if c.col >= edge {
				return
			}
			c.buf = append(c.buf, b)
			c.col++
			i++
			after = true
			continue
		}
		g, size := decode(s[i:])
		i += size
		r := g.r
		if g.cells == 0 && (!after || c.ascii) {
			g = glyph{r: r, cells: escapedLen(r), esc: true}
		}
		if c.col+g.cells > edge {
			for ; c.col < edge; c.col++ {
				c.buf = append(c.buf, ' ')
			}
			return
		}
		switch {
		case g.esc:
			c.buf = appendEscaped(c.buf, r)
		case c.ascii:
			for range g.cells {
				c.buf = append(c.buf, plainGlyph(r))
			}
		default:
			c.buf = utf8.AppendRune(c.buf, r)
		}
		c.col += g.cells
		after = !g.esc && g.cells > 0
	}
}

// cell writes s into exactly n columns, cut with an ellipsis, padded on the
// right, or on the left when right is set.
func (c *canvas) cell(p pen, s string, n int, right bool) {
	n = min(n, c.w-c.col)
	if n <= 0 || c.rows >= c.h {
		return
	}
	end := c.col + n
	size := measure(s)
	if size > n {
		c.within(p, s, end-1)
		c.within(p, "…", end)
		return
	}
	if right {
		c.space(p, end-size)
	}
	c.within(p, s, end)
	c.space(p, end)
}

// space writes blanks up to column to.
func (c *canvas) space(p pen, to int) {
	to = min(to, c.w)
	if c.col >= to || c.rows >= c.h {
		return
	}
	c.use(p)
	for ; c.col < to; c.col++ {
		c.buf = append(c.buf, ' ')
	}
}

// rule fills the line up to column to with a horizontal line.
func (c *canvas) rule(p pen, to int) {
	to = min(to, c.w)
	if c.col >= to || c.rows >= c.h {
		return
	}
	line := "─"
	if c.ascii {
		line = "-"
	}
	c.use(p)
	for ; c.col < to; c.col++ {
		c.buf = append(c.buf, line...)
	}
}

// fill pads the line to its end, so that a row's background covers it all.
func (c *canvas) fill(p pen) { c.space(p, c.w) }

// raw writes text that another canvas made, n columns wide.
func (c *canvas) raw(s string, n int) {
	if c.col+n > c.w || c.rows >= c.h {
		return
	}
	c.use("")
	c.buf = append(c.buf, s...)
	c.col += n
}

// end finishes the line.
func (c *canvas) end() {
	if c.rows >= c.h {
		return
	}
	c.use("")
	c.buf = append(c.buf, '\n')
	c.rows, c.col = c.rows+1, 0
}

// pop takes the last finished line away again.
func (c *canvas) pop() {
	if c.rows == 0 || c.col > 0 {
		return
	}
	c.buf = c.buf[:bytes.LastIndexByte(c.buf[:len(c.buf)-1], '\n')+1]
	c.rows--
}

// line writes one whole line.
func (c *canvas) line(p pen, s string) {
	c.put(p, s)
	c.end()
}

// blank writes n empty lines.
func (c *canvas) blank(n int) {
	for range n {
		c.end()
	}
}

// String returns the frame without its last newline.
func (c *canvas) String() string {
	if c.col > 0 {
		c.end()
	}
	n := len(c.buf)
	if n > 0 && c.buf[n-1] == '\n' {
		n--
	}
	return string(c.buf[:n])
}

// plainGlyph is the ASCII stand-in of the console's own marks; a letter that
// ASCII does not have is a question mark.
func plainGlyph(r rune) byte {
	switch {
	case r == '━':
		return '='
	case r == '─' || r == '┄':
		return '-'
	case r == '│' || r == '┃':
		return '|'
	case r >= 0x2500 && r <= 0x257f:
		return '+'
	case r >= '▁' && r <= '█':
		return "_.,-=+*#"[r-'▁']
	case r == '░' || r == '▒' || r == '▓':
		return ':'
	}
	switch r {
	case 'Δ':
		return 'd'
	case '…':
		return '~'
	case '·', '•', '∙':
		return '.'
	case '↑', '▲':
		return '^'
	case '↓', '▼':
		return 'v'
	case '→', '▶', '›':
		return '>'
	case '←', '◀', '‹':
		return '<'
	case '✓':
		return '+'
	case '✗', '×':
		return 'x'
	}
	return '?'
}

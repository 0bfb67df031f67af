package tui

import (
	"math"
	"strings"
	"time"

	"levee/detect"
)

// axisWidth is how many columns the chart's scale takes.
const axisWidth = 5

// eighths are the heights of a block glyph.
var eighths = []rune(" ▁▂▃▄▅▆▇█")

// draw returns h lines of exactly w columns each.
func (ch *chart) draw(s *detect.Snapshot, th *theme, w, h int, ascii bool) []string {
	if ch.lines != nil && ch.seq == s.Seq && ch.w == w && ch.h == h && ch.forSpan == ch.span && ch.forCur == ch.cursor && ch.theme == th {
		return ch.lines
	}
	ch.seq, ch.w, ch.h, ch.forSpan, ch.forCur, ch.theme = s.Seq, w, h, ch.span, ch.cursor, th
	n, rows := max(w-axisWidth, 0), h-1
	bs := ch.columns(ch.points(s), n, 1)
	p := plot{bs: bs, rows: rows, cursor: -1, low: 1, high: 1}
	p.low, p.high = usualBand(bs)
	if ch.cursor > 0 {
		p.cursor = len(bs) - ch.cursor
	}
	for _, b := range bs {
		p.top = max(p.top, b.rate, b.base*p.high)
	}
	if ch.dots && !ascii {
		p.halves = ch.columns(ch.points(s), n, 2)
		for _, b := range p.halves {
			p.top = max(p.top, b.rate)
		}
	}
	p.top = ceiling(p.top)
	c := newCanvas(w, h, ascii)
	for y := range rows {
		label := ""
		switch y {
		case 0:
			label = number(p.top)
		case rows / 2:
			if rows > 3 {
				label = number(p.top * float64(rows-y) / float64(rows))
			}
		case rows - 1:
			label = "0"
		}
		c.cell(th.dim, label, axisWidth-1, true)
		c.put(th.dim, "│")
		for i := range bs {
			pen, g := p.cell(th, i, rows-1-y)
			c.put(pen, string(g))
		}
		c.fill("")
		c.end()
	}
	ch.axisLine(c, th, bs)
	ch.lines = strings.Split(c.String(), "\n")
	return ch.lines
}

// plot is one drawing of the chart: its columns on a grid of cells.
type plot struct {
	bs        []bucket
	halves    []bucket // two for each column, for braille; nil: block glyphs
	rows      int
	top       float64 // requests/s at the upper edge
	low, high float64 // the usual band, as factors of the baseline
	cursor    int     // column of the cursor; -1: none
}

// cell returns what stands in column i of row y, counted from the bottom.
func (p *plot) cell(th *theme, i, y int) (pen, rune) {
	b := &p.bs[i]
	var g rune
	away := false
	if p.halves != nil {
		g, away = p.dots(i, y, th.band == "")
	} else {
		g, away = p.block(i, y)
	}
	empty := g == ' ' || g == blankDots
	if empty {
		g = ' '
	}
	ink := th.chart
	switch {
	case i == p.cursor && empty:
		return th.key, '┊'
	case i == p.cursor:
		return th.key, g
	case away:
		ink = th.chartRefused
	case b.incident:
		ink = th.chartHot
	}
	switch {
	case p.inBand(b, y) && th.band != "":
		return ink + th.band, g
	case empty && b.base > 0 && int(b.base/p.top*float64(p.rows)) == y:
		return th.chartBase, '┄'
	case empty:
		return "", g
	}
	return ink, g
}

// inBand reports whether row y of b's column is usual: whether the band covers
// half of the row, or the baseline lies in it.
func (p *plot) inBand(b *bucket, y int) bool {
	if b.base <= 0 {
		return false
	}
	unit := p.top / float64(p.rows)
	over := min(b.base*p.high/unit, float64(y+1)) - max(b.base*p.low/unit, float64(y))
	return over >= 0.5 || int(b.base/unit) == y
}

// block is the cell in eighths of its height; away: turned away for the most part.
func (p *plot) block(i, y int) (g rune, away bool) {
	b := &p.bs[i]
	unit := p.top / float64(p.rows*8)
	n := min(max(level(b.rate, unit)-y*8, 0), 8)
	served := int(math.Round((b.rate - b.refused) / unit))
	if n > 0 && b.refused > 0 && served < y*8+4 {
		if n == 8 {
			return '▒', true
		}
		return eighths[n], true
	}
	return eighths[n], false
}

// level is how many units high n is; what there is at all shows.
func level(n, unit float64) int {
	k := int(math.Round(n / unit))
	if n > 0 && k == 0 {
		k = 1
	}
	return k
}

// axisLine writes the time axis; where a hostile incident was open it is heavy.
func (ch *chart) axisLine(c *canvas, th *theme, bs []bucket) {
	c.space("", axisWidth-1)
	c.put(th.dim, "└")
	step := labelStep(bs)
	for i := 0; i < len(bs); {
		label := ""
		if t, ok := mark(bs, i, step); ok {
			label = t.Format("15:04")
		}
		at := len(bs) - ch.cursor // where the cursor stands; a label makes room for its mark
		if i == at {
			c.put(th.key, "▲")
			i++
			continue
		}
		if label != "" && i+len(label) < len(bs) && (at < i || at >= i+len(label)) {
			c.put(th.dim, label)
			i += len(label)
			continue
		}
		if bs[i].incident {
			c.put(th.chartHot, "━")
		} else {
			c.put(th.dim, "─")
		}
		i++
	}
	c.end()
}

// labelSteps are what the time axis counts in: whole minutes and what divides
// hours and days evenly.
var labelSteps = []int64{60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400}

// labelStep is the least step whose labels keep apart, in seconds.
func labelStep(bs []bucket) int64 {
	if len(bs) < 2 {
		return 60
	}
	width := bs[1].from - bs[0].from
	for _, s := range labelSteps {
		if s >= 12*width {
			return s
		}
	}
	return labelSteps[len(labelSteps)-1]
}

// mark returns the multiple of step that lies in column i, if one does.
func mark(bs []bucket, i int, step int64) (time.Time, bool) {
	if len(bs) < 2 || bs[i].from <= 0 {
		return time.Time{}, false
	}
	at := (bs[i].from + step - 1) / step * step
	return time.Unix(at, 0).UTC(), at < bs[i].from+bs[1].from-bs[0].from
}

// spark writes one line of w columns: the last requests/s as blocks.
func (ch *chart) spark(c *canvas, th *theme, s *detect.Snapshot, w int) {
	line := chart{span: ch.span, past: ch.past} // in eighths: dots have but four steps
	bs := line.columns(ch.points(s), max(min(w, c.w-c.col), 0), 1)
	top := 0.0
	for _, b := range bs {
		top = max(top, b.rate, 2*b.base) // usual traffic stands half as high as the line
	}
	top = max(top, 1)
	for i, b := range bs {
		p := th.chart
		if b.incident {
			p = th.chartHot
		}
		if ch.cursor > 0 && i == len(bs)-ch.cursor {
			p = th.cursor
		}
		k := int(math.Ceil(b.rate / top * 8))
		c.put(p, string(eighths[min(max(k, 0), 8)]))
	}
}

// bar writes a share of 0 to 1 as w columns.
func bar(c *canvas, p pen, share float64, w int) {
	n := int(math.Round(share * float64(w)))
	if share > 0 && n == 0 {
		n = 1
	}
	end := c.col + w
	c.put(p, strings.Repeat("▇", min(max(n, 0), w)))
	c.space("", end)
}

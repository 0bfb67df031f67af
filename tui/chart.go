package tui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// chart draws the traffic of the last minutes and keeps the drawing until the
// data, its size or what is asked of it changes.
type chart struct {
	span   time.Duration  // how far back it reaches
	cursor int            // columns back from the newest one; 0: no cursor
	part   bool           // a part of the traffic, of which is not known what was turned away
	past   []detect.Point // what a Historian knows of span; nil: the snapshot's seconds are all there is

	seq     uint64
	w, h    int
	forSpan time.Duration
	forCur  int
	theme   *theme
	lines   []string
}

// chartSpans are the zoom levels.
var chartSpans = []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour}

// perSecond is how far back a snapshot's own seconds reach; what is older comes
// from a Historian.
const perSecond = 15 * time.Minute

// zoom steps to the next wider (1) or closer (-1) span.
func (ch *chart) zoom(step int) {
	i := 0
	for j, s := range chartSpans {
		if s <= ch.span {
			i = j
		}
	}
	ch.span = chartSpans[max(min(i+step, len(chartSpans)-1), 0)]
	ch.cursor = 0
}

// points is what the chart shows of s: its seconds, or the coarser past where
// they don't reach back far enough and a past is known.
func (ch *chart) points(s *detect.Snapshot) []detect.Point {
	if ch.span > perSecond && len(ch.past) > 0 {
		return ch.past
	}
	return s.History
}

// known is how much of the span the data covers, for the title of a chart that
// is younger than what it is asked for; "" when it covers all.
func (ch *chart) known(s *detect.Snapshot) string {
	pts := ch.points(s)
	if len(pts) == 0 {
		return ""
	}
	have := time.Duration(pts[len(pts)-1].Time-pts[0].Time) * time.Second
	if have > ch.span*9/10 {
		return ""
	}
	return " (" + span(have) + " known)"
}

// bucket is one column of the chart: averages over its seconds, so that the
// height of a column is a rate at every zoom.
type bucket struct {
	rate, refused, base, errors float64
	p95                         float32
	incident                    bool
	n                           int
	from                        int64 // Unix seconds
}

// buckets sorts the history into n columns that end with the newest whole second.
// Their edges lie on multiples of their width in event time, so that columns
// move by whole steps and a calm screen stays still.
func buckets(hist []detect.Point, n int, span time.Duration) []bucket {
	out := make([]bucket, n)
	if len(hist) > 1 {
		hist = hist[:len(hist)-1] // the newest second is still filling and would look like a drop
	}
	if len(hist) == 0 || n == 0 {
		return out
	}
	width := max(int64(math.Ceil(span.Seconds()/float64(n))), spacing(hist))
	newest := hist[len(hist)-1].Time
	first := newest/width - int64(n) + 1
	for i := range out {
		out[i].from = (first + int64(i)) * width
		out[i].p95 = -1
	}
	for i := len(hist) - 1; i >= 0; i-- {
		p := &hist[i]
		k := p.Time/width - first
		if k < 0 {
			break
		}
		if k >= int64(n) {
			continue
		}
		b := &out[k]
		b.n++
		b.rate += float64(p.Requests)
		b.refused += float64(p.Refused)
		b.errors += float64(p.Errors)
		b.base += float64(p.Baseline)
		b.p95 = max(b.p95, p.P95)
		b.incident = b.incident || p.Incident
	}
	for i := range out {
		if b := &out[i]; b.n > 0 {
			f := float64(b.n)
			b.rate, b.refused, b.errors, b.base = b.rate/f, b.refused/f, b.errors/f, b.base/f
		}
	}
	return out
}

// spacing is how many seconds one point of the history stands for: a column
// narrower than that would often be empty.
func spacing(hist []detect.Point) int64 {
	least := int64(60)
	for i := max(len(hist)-8, 1); i < len(hist); i++ {
		least = min(least, hist[i].Time-hist[i-1].Time)
	}
	if len(hist) < 2 {
		return 1
	}
	return max(least, 1)
}

// ceiling rounds up to a figure that reads well and rarely changes.
func ceiling(n float64) float64 {
	if n <= 10 {
		return 10
	}
	mag := math.Pow(10, math.Floor(math.Log10(n)))
	for _, f := range []float64{1, 1.5, 2, 3, 5, 7.5, 10} {
		if n <= f*mag {
			return f * mag
		}
	}
	return n
}

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
	n, rows := w-axisWidth, h-1
	bs := buckets(ch.points(s), max(n, 0), ch.span)
	top := 0.0
	for _, b := range bs {
		top = max(top, b.rate, b.base)
	}
	top = ceiling(top)
	c := newCanvas(w, h, ascii)
	for y := range rows {
		label := ""
		switch y {
		case 0:
			label = number(top)
		case rows / 2:
			if rows > 3 {
				label = number(top * float64(rows-y) / float64(rows))
			}
		case rows - 1:
			label = "0"
		}
		c.cell(th.dim, label, axisWidth-1, true)
		c.put(th.dim, "│")
		ch.row(c, th, bs, top, rows, rows-1-y)
		c.fill("")
		c.end()
	}
	ch.axisLine(c, th, bs)
	ch.lines = strings.Split(c.String(), "\n")
	return ch.lines
}

// row writes one line of columns; y counts from the bottom.
func (ch *chart) row(c *canvas, th *theme, bs []bucket, top float64, rows, y int) {
	unit := top / float64(rows*8)
	for i, b := range bs {
		level := int(math.Round(b.rate / unit))
		if b.rate > 0 && level == 0 {
			level = 1
		}
		served := int(math.Round((b.rate - b.refused) / unit))
		base := int(b.base / unit / 8)
		cell := min(max(level-y*8, 0), 8)
		p, g := th.chart, eighths[cell]
		switch {
		case ch.cursor > 0 && i == len(bs)-ch.cursor && cell == 0:
			p, g = th.key, '┊'
		case ch.cursor > 0 && i == len(bs)-ch.cursor:
			p = th.key
		case cell > 0 && served < y*8+4 && b.refused > 0:
			p = th.chartRefused
			if cell == 8 {
				g = '▒'
			}
		case cell > 0 && b.incident:
			p = th.chartHot
		case cell == 0 && b.base > 0 && base == y:
			p, g = th.chartBase, '┄'
		}
		c.put(p, string(g))
	}
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
	bs := buckets(ch.points(s), max(min(w, c.w-c.col), 0), ch.span)
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

// moment describes the column under the chart's cursor.
func (ch *chart) moment(s *detect.Snapshot, w int) string {
	bs := buckets(ch.points(s), max(w-axisWidth, 0), ch.span)
	i := len(bs) - ch.cursor
	if ch.cursor <= 0 || len(bs) == 0 {
		return ""
	}
	if i < 0 || bs[i].n == 0 {
		return "nothing is known of that moment"
	}
	b := bs[i]
	out := ch.when(bs, i)
	out += "  " + rate(b.rate) + " req/s"
	if b.base > 0 {
		out += ", usual " + rate(b.base)
	}
	if b.rate > 0 {
		out += ", errors " + percent(b.errors/b.rate)
		if !ch.part {
			out += ", turned away " + percent(b.refused/b.rate)
		}
	}
	if b.p95 >= 0 {
		out += ", p95 " + latency(time.Duration(float64(b.p95)*float64(time.Second)))
	}
	return out
}

// when writes the moment of column i: to the second where a column is shorter
// than a minute, else from minute to minute, with the day where the chart
// spans one.
func (ch *chart) when(bs []bucket, i int) string {
	from := time.Unix(bs[i].from, 0).UTC()
	width := time.Duration(0)
	if len(bs) > 1 {
		width = time.Duration(bs[1].from-bs[0].from) * time.Second
	}
	if width < time.Minute {
		return clock(from) + "Z"
	}
	day := ""
	if ch.span >= 24*time.Hour {
		day = from.Format("Jan _2 ")
	}
	return day + from.Format("15:04") + "-" + from.Add(width).Format("15:04") + "Z"
}

// zoomName is the span as its key's help names it.
func (ch *chart) zoomName() string {
	if ch.span >= time.Hour {
		return strconv.Itoa(int(ch.span/time.Hour)) + "h"
	}
	return span(ch.span)
}

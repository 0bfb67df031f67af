package tui

import (
	"math"
	"slices"
	"strconv"
	"time"

	"levee/detect"
)

// chart draws the traffic of the last minutes and keeps the drawing until the
// data, its size or what is asked of it changes.
type chart struct {
	span   time.Duration  // how far back it reaches
	cursor int            // columns back from the newest one; 0: no cursor
	part   bool           // a part of the traffic, of which is not known what was turned away
	dots   bool           // drawn in braille, two columns and four rows of dots in a cell
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

// columnSeconds is how many seconds one column of n stands for.
func (ch *chart) columnSeconds(hist []detect.Point, n int) int64 {
	if ch.dots { // a cell holds two columns of dots, none of them narrower than a point
		return 2 * max(int64(math.Ceil(ch.span.Seconds()/float64(2*max(n, 1)))), spacing(hist))
	}
	return max(int64(math.Ceil(ch.span.Seconds()/float64(max(n, 1)))), spacing(hist))
}

// columns sorts the history into the n columns of the chart, each of which parts
// averages of parts of a column are asked for: 1, or 2 for the dots of braille.
func (ch *chart) columns(hist []detect.Point, n, parts int) []bucket {
	if n <= 0 {
		return nil
	}
	width := ch.columnSeconds(hist, n)
	first := int64(0)
	if len(hist) > 1 {
		first = hist[len(hist)-2].Time/width - int64(n) + 1
	} else if len(hist) == 1 {
		first = hist[0].Time/width - int64(n) + 1
	}
	return buckets(hist, n*parts, width/int64(parts), first*int64(parts))
}

// buckets sorts the history into n columns of width seconds, the first of which
// begins at first*width. Edges lie on multiples of the width in event time, so
// that columns move by whole steps and a calm screen stays still. The newest
// second is left out: it is still filling and would look like a drop.
func buckets(hist []detect.Point, n int, width, first int64) []bucket {
	out := make([]bucket, n)
	if len(hist) > 1 {
		hist = hist[:len(hist)-1]
	}
	if len(hist) == 0 || n == 0 {
		return out
	}
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

// usualBand is the range around the baseline in which quiet columns lie, as
// factors of it: the median deviation of the logarithm of rate over baseline,
// three times (19 of 20 of normal scatter; Hampel, "The influence curve", JASA
// 1974), at least 10 % and at most double or half. Too few quiet columns: 25 %.
func usualBand(bs []bucket) (low, high float64) {
	var dev []float64
	for i := range bs {
		if b := &bs[i]; b.n > 0 && b.base > 0 && b.rate > 0 && !b.incident {
			dev = append(dev, math.Abs(math.Log(b.rate/b.base)))
		}
	}
	f := 1.25
	if len(dev) >= 8 {
		slices.Sort(dev)
		f = min(max(math.Exp(3*dev[len(dev)/2]), 1.1), 2)
	}
	return 1 / f, f
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

// moment describes the column under the chart's cursor.
func (ch *chart) moment(s *detect.Snapshot, w int) string {
	bs := ch.columns(ch.points(s), max(w-axisWidth, 0), 1)
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

package tui

import (
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// drawStrip is the traffic in one line.
func (s *overviewScreen) drawStrip(m *Model, c *canvas) {
	t := m.d.snap.Total
	tail := " " + rate(t.Rate) + "/s  p95 " + latency(t.P95) + " "
	if c.w >= 70 {
		for i := 2; i <= 5; i++ {
			if t.Status[i] >= 0.005 {
				tail += " " + strconv.Itoa(i) + "xx" + strconv.Itoa(int(t.Status[i]*100+0.5))
			}
		}
	}
	c.put(m.th.dim, " req/s ")
	w := c.w - measure(tail) - c.col
	if m.chart.cursor > 0 {
		w = min(w, c.w/3)
		tail = " " + m.chart.moment(m.d.snap, w+axisWidth)
	}
	m.chart.spark(c, m.th, m.d.snap, w)
	c.put(m.th.text, tail)
	c.end()
}

// drawTraffic is the chart with what leads the traffic beside it.
func (s *overviewScreen) drawTraffic(m *Model, c *canvas, h int) {
	side := c.w * 56 / 100
	if c.w < 100 {
		side = 24
	}
	w := c.w - side
	d := m.d
	title := "Traffic " + m.chart.zoomName() + m.chart.known(d.snap)
	if at := m.chart.moment(d.snap, w); at != "" {
		title += "  " + at
	} else {
		title += "  ▇ served ▒ turned away ┄ usual"
	}
	rest := side - statusWidth
	if m.chart.cursor > 0 {
		m.heading(c, title) // the moment takes the whole line
	} else {
		s.headings(m, c, title, w, rest)
	}
	half := pathsWidth(rest)
	lines := m.chart.draw(d.snap, m.th, w, h, m.opt.ASCII)
	facts := trafficFacts(d.snap)
	for y := range h {
		c.raw(lines[y], w)
		c.put(m.th.text, " ")
		if y < 4 {
			k := y + 2
			c.put(m.th.dim, strconv.Itoa(k)+"xx ")
			p := [...]pen{m.th.good, m.th.text, m.th.warn, m.th.bad}[y]
			bar(c, p, d.snap.Total.Status[k], 10)
			c.cell(m.th.text, percent(d.snap.Total.Status[k]), 6, true)
		} else if y-4 < len(facts) {
			c.put(m.th.text, facts[y-4])
		}
		c.space("", w+statusWidth)
		if rest > 0 {
			s.drawShare(m, c, d.snap.Paths, y, w+statusWidth+half)
			s.drawShare(m, c, d.snap.Networks, y, c.w)
		}
		c.end()
	}
}

// statusWidth is how many columns the status mix takes.
const statusWidth = 24

// pathsWidth is the top paths' part of rest columns: networks need a little more.
func pathsWidth(rest int) int { return rest * 46 / 100 }

// headings titles the chart, w columns wide, and what stands beside it.
func (s *overviewScreen) headings(m *Model, c *canvas, title string, w, rest int) {
	c.put(m.th.rule, "─ ")
	c.cell(m.th.title, title, min(measure(title), w-4), false)
	c.put(m.th.rule, " ")
	c.rule(m.th.rule, w)
	c.put(m.th.rule, "─ ")
	c.put(m.th.title, "Status")
	c.put(m.th.rule, " ")
	c.rule(m.th.rule, w+statusWidth)
	half := pathsWidth(rest)
	if rest > 0 {
		for i, t := range [...]string{"Top paths", networksTitle(m.d.snap)} {
			c.put(m.th.rule, "─ ")
			c.put(m.th.title, t)
			c.put(m.th.rule, " ")
			c.rule(m.th.rule, [...]int{w + statusWidth + half, c.w}[i])
		}
		c.rule(m.th.rule, c.w)
	}
	c.end()
}

// drawShare writes line y of a top list up to column edge.
func (s *overviewScreen) drawShare(m *Model, c *canvas, list []detect.Share, y, edge int) {
	if y < len(list) {
		c.put(m.th.text, " ")
		name := list[y].Name
		if strings.HasSuffix(name, "/24") || strings.HasSuffix(name, "/48") {
			name = middle(name, edge-c.col-6)
		}
		c.cell(m.th.text, name, edge-c.col-6, false)
		c.cell(m.th.text, percent(list[y].Share), 5, true)
		c.put(m.th.text, " ")
	}
	c.space("", edge)
}

func networksTitle(s *detect.Snapshot) string {
	for _, n := range s.Networks {
		if strings.HasPrefix(n.Name, "AS") {
			return "Top ASN"
		}
	}
	return "Top networks"
}

// latencies draws the p95 of the history in w columns.
func latencies(s *detect.Snapshot, w int) string {
	bs := buckets(s.History, w, 15*time.Minute)
	top := float32(0)
	for _, b := range bs {
		top = max(top, b.p95)
	}
	out := make([]rune, len(bs))
	for i, b := range bs {
		out[i] = ' '
		if b.p95 > 0 {
			out[i] = eighths[min(max(int(b.p95/top*8+.5), 1), 8)]
		}
	}
	return string(out)
}

func trafficFacts(s *detect.Snapshot) []string {
	p95 := "p95 n/a: not in the log"
	if s.Total.P95 >= 0 {
		p95 = "p95 " + latencies(s, 11) + " " + latency(s.Total.P95)
	}
	return []string{
		p95,
		"sources " + number(float64(s.Total.Sources)) + "  new " + rate(s.Total.NewSources) + "/s",
		"err " + percent(s.Total.ErrorShare) + "  usual " + rate(s.Total.Baseline) + "/s",
	}
}

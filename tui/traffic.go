package tui

import (
	"strconv"
	"strings"

	"levee/detect"
)

// drawStrip is the traffic in one line.
func (s *overviewScreen) drawStrip(m *Model, c *canvas) {
	sn := m.shown()
	t := sn.Total
	tail := " " + rate(t.Rate) + "/s  p95 " + latency(t.P95) + " "
	if m.scoped() {
		tail = " " + rate(t.Rate) + "/s  err " + percent(t.ErrorShare) + " "
	}
	if c.w >= 70 {
		for i := 2; i <= 5; i++ {
			if t.Status[i] >= 0.005 {
				tail += " " + strconv.Itoa(i) + "xx" + strconv.Itoa(int(t.Status[i]*100+0.5))
			}
		}
	}
	if m.scoped() {
		c.put(m.th.key, " scoped ")
	} else {
		c.put(m.th.dim, " req/s ")
	}
	w := c.w - measure(tail) - c.col
	if m.chart.cursor > 0 {
		w = min(w, c.w/3)
		tail = " " + m.chart.moment(sn, w+axisWidth)
	}
	m.chart.spark(c, m.th, sn, w)
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
	sn := m.shown()
	title := "Traffic " + m.chart.zoomName() + m.chart.known(sn)
	if m.scoped() {
		title = "Traffic " + m.chart.zoomName() + m.scope.title()
	}
	if at := m.chart.moment(sn, w); at != "" {
		title += "  " + at
	}
	rest := side - statusWidth
	if m.chart.cursor > 0 || m.scoped() {
		m.heading(c, title) // it takes the whole line
	} else {
		s.headings(m, c, title, w, rest)
	}
	half := pathsWidth(rest)
	lines := m.chart.draw(sn, m.th, w, h, m.opt.ASCII)
	beside := m.trafficBeside()
	for y := range h {
		c.raw(lines[y], w)
		c.put(m.th.text, " ")
		if y < len(beside) {
			beside[y].draw(m, c)
		}
		c.space("", w+statusWidth)
		if rest > 0 {
			s.drawShare(m, c, sn.Paths, y, w+statusWidth+half)
			s.drawShare(m, c, sn.Networks, y, c.w)
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
	m.legend(c, w)
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

// legend tells what the chart's marks mean, where there is room up to column edge.
func (m *Model) legend(c *canvas, edge int) {
	served, away := "█", "▒"
	if m.chart.dots && !m.opt.ASCII {
		served, away = "⣿", "⢕"
	}
	usual, up := m.th.chartBase, "┄"
	if m.th.band != "" {
		usual, up = m.th.band, " "
	}
	if c.col+measure("█ served  ▒ turned away  ┄ usual  ") > edge {
		return
	}
	c.put(m.th.rule, " ")
	for _, k := range [...]struct {
		p          pen
		mark, name string
	}{{m.th.chart, served, " served  "}, {m.th.chartRefused, away, " turned away  "}, {usual, up, " usual "}} {
		c.put(k.p, k.mark)
		c.put(m.th.dim, k.name)
	}
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
	line := chart{span: perSecond}
	bs := line.columns(s.History, w, 1)
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

// fact is one line beside the chart: a share as a bar, or words.
type fact struct {
	name  string // of a bar
	pen   pen
	share float64
	words string
}

func (f *fact) draw(m *Model, c *canvas) {
	if f.name == "" {
		c.put(m.th.text, f.words)
		return
	}
	c.put(m.th.dim, f.name+" ")
	bar(c, f.pen, f.share, 10)
	c.cell(m.th.text, percent(f.share), 6, true)
}

// trafficBeside is what stands beside the chart: the mix of statuses, then
// latency, sources and errors. Of a part of the traffic only errors are known.
func (m *Model) trafficBeside() []fact {
	t := m.shown().Total
	if m.scoped() {
		of := "n/a"
		if all := m.d.snap.Total.Rate; all > 0 {
			of = percent(min(t.Rate/all, 1))
		}
		return []fact{
			{name: "ok ", pen: m.th.good, share: 1 - t.ErrorShare}, {name: "err", pen: m.th.bad, share: t.ErrorShare}, {},
			{words: rate(t.Rate) + "/s, " + of + " of all"}, {words: plural(m.scope.n, "suspect")},
		}
	}
	var out []fact
	for i, p := range [...]pen{m.th.good, m.th.text, m.th.warn, m.th.bad} {
		out = append(out, fact{name: strconv.Itoa(i+2) + "xx", pen: p, share: t.Status[i+2]})
	}
	p95 := "p95 n/a: not in the log"
	if t.P95 >= 0 {
		p95 = "p95 " + latencies(m.d.snap, 11) + " " + latency(t.P95)
	}
	errors, away := m.d.failures()
	beside := "  usual " + rate(t.Baseline) + "/s"
	if away >= 0.01 {
		beside = "  turned away " + percent(away)
		if measure("err "+percent(errors)+beside) >= statusWidth {
			beside = "  away " + percent(away) // cut, a share would read as another
		}
	}
	return append(out, fact{words: p95},
		fact{words: "sources " + number(float64(t.Sources)) + "  new " + rate(t.NewSources) + "/s"},
		fact{words: "err " + percent(errors) + beside})
}

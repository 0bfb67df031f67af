package tui

import (
	"net/netip"
	"strings"
	"time"

	"levee/detect"
)

// fleetScreen sets the traffic of all hosts, as Elasticsearch counted it,
// beside what this levee sees: an attack that is thin here may be thick there.
type fleetScreen struct {
	list  list
	fleet Fleet
	known bool // whether the station asks a cluster at all
}

func (s *fleetScreen) title(*Model) string { return "Fleet" }

func (s *fleetScreen) load(m *Model) {
	f, ok := m.feed.(Fleeter)
	s.known = ok
	if ok {
		s.fleet = f.Fleet()
		s.known = s.fleet.Configured
	}
	all := s.fleet.Sources
	s.list.sync(len(all), func(i int) string { return all[i].Name })
}

func (s *fleetScreen) move(_ *Model, n int) { s.list.move(n) }

func (s *fleetScreen) enter(m *Model) {
	if len(s.fleet.Sources) == 0 {
		return
	}
	if p, ok := fleetSource(s.fleet.Sources[s.list.cursor].Name); ok {
		m.openSource(p)
	}
}

// fleetSource is an address of the fleet as this levee names its source: an
// IPv6 client is its /64.
func fleetSource(name string) (netip.Prefix, bool) {
	p, err := parsePrefix(name)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.IsSingleIP() && p.Addr().Is6() && !p.Addr().Is4In6() {
		return netip.PrefixFrom(p.Addr(), 64).Masked(), true
	}
	return p, true
}

func (s *fleetScreen) draw(m *Model, c *canvas, h int) {
	stop := c.rows + h
	f := &s.fleet
	switch {
	case !s.known:
		m.heading(c, m.crumbs(""))
		for _, l := range wrap("Elasticsearch is not configured, so only this levee's own traffic can be shown (1): give elasticsearch.urls in levee.yaml, then levee elastic setup.", c.w-2) {
			c.line(m.th.warn, " "+l)
		}
		c.blank(stop - c.rows)
		return
	case f.At.IsZero():
		m.heading(c, m.crumbs("waiting for Elasticsearch's first answer"))
		s.problem(m, c, stop)
		c.blank(stop - c.rows)
		return
	}
	old := m.d.now().Sub(f.At)
	what := "the " + span(f.Window) + " before " + clock(f.At) + "Z"
	if part := sampledText(f.Sampled); part != "" {
		what += "; status and lists " + part
	}
	m.heading(c, m.crumbs(what))
	s.problem(m, c, stop)
	t := m.d.snap.Total
	here := "no data yet"
	if a := m.d.status.DataAge; a >= 0 {
		here = age(a) + " old"
	}
	s.pair(m, c, "", "FLEET "+age(max(old, 0))+" old", "HERE "+here)
	s.pair(m, c, "req/s", rate(f.Rate), rate(t.Rate))
	before, usual := "n/a", "n/a"
	if f.Before > 0 {
		before = rate(f.Before) + " an hour before"
	}
	if t.Baseline > 0 {
		usual = rate(t.Baseline)
	}
	s.pair(m, c, "usual", before, usual)
	if h >= 16 {
		s.pair(m, c, "sources", number(float64(f.Distinct)), number(float64(t.Sources))+" in a minute")
		s.pair(m, c, "status", statusText(f.Status), statusText(t.Status))
	}
	if h >= 20 {
		s.pair(m, c, "paths", shareText(f.Paths), shareText(m.d.snap.Paths))
		s.pair(m, c, "agents", shareText(f.Agents), shareText(m.d.snap.Agents))
		var here []detect.Share
		for _, sv := range m.d.snap.Services {
			if t.Rate > 0 {
				here = append(here, detect.Share{Name: sv.Name, Share: sv.Rate / t.Rate})
			}
		}
		s.pair(m, c, "hosts", shareText(f.Hosts), shareText(here))
	}
	s.sources(m, c, stop)
	c.blank(stop - c.rows)
}

// sources lists the fleet's busiest sources with what this levee makes of them.
func (s *fleetScreen) sources(m *Model, c *canvas, stop int) {
	if c.rows >= stop-1 {
		return
	}
	title := "Busiest sources of the fleet"
	if part := sampledText(s.fleet.Sampled); part != "" {
		title += ", " + part
	}
	m.heading(c, title+"  enter opens one")
	if len(s.fleet.Sources) == 0 {
		c.line(m.th.dim, " none in this window")
		return
	}
	if stop-c.rows > 3 {
		c.put(m.th.dim, "  ")
		drawFields(c, m.th.dim, fleetFields(c.w, "SOURCE", "FLEET", "SHARE", "HERE", "SCORE", "STATE HERE"))
		c.end()
	}
	from, to := s.list.window(c.rows, max(stop-c.rows, 1))
	for i := from; i < to; i++ {
		x := &s.fleet.Sources[i]
		here, score, p := "-", "", m.th.text
		word := "not seen, or not suspect"
		if k, ok := fleetSource(x.Name); ok {
			st := m.d.stand.of(k, m.d.now())
			if v := m.d.suspect(k); v != nil {
				st = m.d.standing(v)
				here, score, word = rate(v.Rate), number(v.Score), st.word()
				p = st.pen(m.th, v.Score)
			} else if st.kind != standNone {
				word, p = st.word(), st.pen(m.th, 0)
			}
		}
		perSecond := "n/a"
		if w := s.fleet.Window.Seconds(); w > 0 {
			perSecond = rate(float64(x.Count) / w)
		}
		m.listRow(c, p, i == s.list.cursor, fleetFields(c.w, x.Name, perSecond, percent(x.Share), here, score, word)...)
	}
}

func fleetFields(w int, source, fleet, share, here, score, state string) []field {
	fs := []field{{source, 24, false}, {fleet, 6, true}, {here, 6, true}}
	if w >= 72 {
		fs = []field{{source, 24, false}, {fleet, 6, true}, {share, 6, true}, {here, 6, true}, {score, 5, true}}
	}
	return append(fs, field{state, 0, false})
}

// problem says why the figures are old or too low.
func (s *fleetScreen) problem(m *Model, c *canvas, stop int) {
	text := s.fleet.Problem
	if s.fleet.Partial {
		text = strings.TrimPrefix(text+"; some of the cluster did not answer: the figures are too low", "; ")
	}
	if old := m.d.now().Sub(s.fleet.At); text == "" && !s.fleet.At.IsZero() && old > 2*time.Minute {
		text = "no answer for " + age(old) + ": what you see may be over"
	}
	if text == "" {
		return
	}
	for _, l := range wrap(text, c.w-2) {
		if c.rows < stop {
			c.line(m.th.warn, " "+l)
		}
	}
}

// pair writes a line with the fleet on the left and this levee on the right.
func (s *fleetScreen) pair(m *Model, c *canvas, name, fleet, here string) {
	half := (c.w - 10) / 2
	p := m.th.text
	if name == "" {
		p = m.th.title
	}
	c.put(m.th.dim, " ")
	c.cell(m.th.dim, name, 8, false)
	c.cell(p, fleet, half-1, false)
	c.put(m.th.rule, "│")
	c.cell(p, " "+here, c.w-c.col, false)
	c.end()
}

// sampledText says that figures are estimates from a share of the requests; ""
// when they are of every one.
func sampledText(share float64) string {
	if share <= 0 || share >= 1 {
		return ""
	}
	return "sampled, 1 in " + number(1/share)
}

// statusText writes the mix of statuses, what rounds to nothing left out.
func statusText(share [6]float64) string {
	var out []string
	for i, s := range share {
		if i > 0 && s >= .005 {
			out = append(out, string(rune('0'+i))+"xx "+percent(s))
		}
	}
	return orNone(strings.Join(out, "  "))
}

// shareText writes the first rows of a top list on one line.
func shareText(list []detect.Share) string {
	var out []string
	for _, s := range list[:min(len(list), 4)] {
		out = append(out, s.Name+" "+percent(s.Share))
	}
	return orNone(strings.Join(out, "  "))
}

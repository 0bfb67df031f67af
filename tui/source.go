package tui

import (
	"net/netip"
	"strconv"
	"strings"

	"levee/actions"
	"levee/detect"
)

// sourceScreen tells all that is known of one address or prefix.
type sourceScreen struct {
	at   netip.Prefix
	view detect.SourceView
	past Past           // of the last days, from Elasticsearch
	up   []netip.Prefix // where backspace goes: from an address to its prefix and back
	text textView
	full bool // requests with all that the log says of them
	list int  // the line on which the requests begin
}

func (s *sourceScreen) title(*Model) string { return prefixText(s.at) }

func (s *sourceScreen) load(m *Model) {
	if s.at.IsValid() {
		s.view = m.feed.Source(s.at)
		s.past = Past{}
		if f, ok := m.feed.(Rememberer); ok {
			s.past = f.Past(s.at)
		}
	}
}

func (s *sourceScreen) move(_ *Model, n int) { s.text.move(n) }

// enter shows the requests in full, or on a line each again.
func (s *sourceScreen) enter(*Model) {
	s.full = !s.full
	s.text.top = s.list
}

// openSource shows p.
func (m *Model) openSource(p netip.Prefix) {
	s := m.screens[scrSource].(*sourceScreen)
	s.at, s.up, s.text.top, s.full = p, nil, 0, false
	m.goTo(scrSource)
	s.load(m)
}

// openSelected shows the source under the cursor.
func (m *Model) openSelected() {
	if r := m.table.selected(); r != nil {
		m.table.touch(m.opt.Now())
		m.openSource(r.s.Key)
	}
}

// widen goes up to the prefix a source lies in: /24 or /48, no wider, because
// nothing wider may be acted upon.
func (s *sourceScreen) widen(m *Model) {
	bits := 24
	if s.at.Addr().Is6() {
		bits = 48
	}
	if s.at.Bits() <= bits {
		m.say("info", "this is as wide as levee goes: /24 or /48")
		return
	}
	s.up = append(s.up, s.at)
	s.at = netip.PrefixFrom(s.at.Addr(), bits).Masked()
	s.text.top = 0
	s.load(m)
}

// narrow goes back down.
func (s *sourceScreen) narrow(m *Model) bool {
	n := len(s.up)
	if n == 0 {
		return false
	}
	s.at, s.up = s.up[n-1], s.up[:n-1]
	s.text.top = 0
	s.load(m)
	return true
}

// neighbour opens the n-th neighbour.
func (s *sourceScreen) neighbour(m *Model, n int) {
	if n >= len(s.view.Neighbours) {
		m.say("info", "no other address of its prefix is active")
		return
	}
	a := s.view.Neighbours[n]
	bits := 32
	if a.Is6() {
		bits = 64
	}
	s.up = append(s.up, s.at)
	s.at = netip.PrefixFrom(a, bits).Masked()
	s.text.top = 0
	s.load(m)
}

func (s *sourceScreen) draw(m *Model, c *canvas, h int) {
	v := &s.view
	m.heading(c, m.crumbs(s.network()))
	t := writer{th: m.th, w: c.w}
	s.verdict(m, &t)
	if v.Known || v.Hits > 0 {
		t.pair("seen", clock(v.First)+"Z to "+clock(v.Last)+"Z, "+number(float64(v.Hits))+" requests, "+rate(v.Rate)+"/s now ("+signed(v.Delta)+" in a minute)")
		t.pair("asks", v.TopMethod+" "+v.TopPath+" → "+strconv.Itoa(int(v.TopStatus))+", "+plural(v.Paths, "path")+", "+plural(v.Agents, "user agent")+
			", errors "+percent(v.ErrorShare))
		t.pair("ua", orNone(v.TopAgent))
		usual := percent(v.UsualShare) + " of usual traffic"
		if v.UsualClients > 0 {
			usual += ", " + plural(v.UsualClients, "usual client") + " in it"
		}
		if v.LongKnown {
			usual += ", KNOWN FOR DAYS: check before you block"
		}
		if v.Proxied {
			usual += ", seen only through a trusted proxy: a packet filter can't reach it"
		}
		t.pair("usual", usual)
	} else {
		t.add(m.th.dim, " nothing is known of it: no request lately, or its state was dropped for room")
	}
	s.customer(m, &t)
	if len(v.History) > 0 {
		t.pair("last 60 s", s.history(c.w-32))
	}
	s.done(m, &t)
	t.head("Why " + strconv.Itoa(int(v.Score+0.5)))
	t.indent = 20
	for _, e := range v.Evidence {
		t.pair(padRight(signed(e.Points), 4)+strings.ReplaceAll(e.Signal, "_", " "), e.Text)
	}
	t.indent = 0
	if len(v.Evidence) == 0 {
		t.add(m.th.dim, " nothing speaks against it")
	}
	s.shares(m, &t)
	s.days(m, &t)
	s.requests(m, &t)
	s.text.lines = t.lines
	s.text.draw(m, c, h-1)
}

func (s *sourceScreen) network() string {
	v := &s.view
	var out []string
	if v.ASN > 0 {
		out = append(out, "AS"+strconv.FormatUint(uint64(v.ASN), 10)+" "+v.ASName)
	}
	if v.Country != "" {
		out = append(out, v.Country)
	}
	return strings.Join(append(out, v.Service), "  ")
}

// verdict says how it stands and what the detector makes of it.
func (s *sourceScreen) verdict(m *Model, t *writer) {
	st := m.d.standing(&s.view.Suspect)
	word := st.word()
	if st.kind == standNone && s.view.Score == 0 {
		word = "no verdict"
	}
	line := " " + strings.ToUpper(word)
	if d := st.decision; d != nil {
		line += " by " + d.Actor.Name + " at " + clock(d.Created) + "Z"
		if d.State.Active() {
			line += ", ends in " + countdownOr(m.d.now(), d.Expires)
		}
		if d.Target.Prefix.IsValid() && d.Target.Prefix != s.at {
			line += " (with " + prefixText(d.Target.Prefix) + ")"
		}
	}
	if s.view.Score > 0 {
		line += ", score " + strconv.Itoa(int(s.view.Score+0.5)) + " " + attackName(s.view.Attack)
		if s.view.Measure != "" {
			line += ", levee recommends: " + strings.ReplaceAll(string(s.view.Measure), "_", " ")
		}
	}
	for _, l := range wrap(line, t.w-2) {
		t.add(st.pen(m.th, s.view.Score), " "+l)
	}
}

// history draws the requests of the last minute, the newest w seconds of it.
func (s *sourceScreen) history(w int) string {
	hist := s.view.History[max(len(s.view.History)-max(w, 1), 0):]
	top := uint16(1)
	for _, n := range hist {
		top = max(top, n)
	}
	var b strings.Builder
	for _, n := range hist {
		b.WriteRune(eighths[(int(n)*8+int(top)-1)/int(top)])
	}
	return "|" + strings.ReplaceAll(b.String(), " ", "·") + "| peak " + strconv.Itoa(int(top)) + "/s"
}

// done lists what was decided about it, newest first.
func (s *sourceScreen) done(m *Model, t *writer) {
	n := 0
	for _, ds := range [][]actions.Decision{m.d.board.Active, m.d.board.Recent} {
		for i := range ds {
			d := &ds[i]
			if !d.Target.Prefix.IsValid() || !d.Target.Prefix.Overlaps(s.at) {
				continue
			}
			if n == 0 {
				t.head("Decisions")
			}
			if n++; n > 8 {
				return
			}
			line := clock(d.Created) + "Z " + verbName(d.Verb) + " " + targetText(d.Target) + " " + stateName(d) + " by " + d.Actor.Name
			if d.EndedBy != "" {
				line += ", ended by " + d.EndedBy
			}
			t.add(m.th.text, " "+line+": "+orNone(inWords(d.Reason)))
		}
	}
}

// shares lists its statuses, paths and neighbours.
func (s *sourceScreen) shares(m *Model, t *writer) {
	v := &s.view
	text := func(list []detect.Share, n int) string {
		var out []string
		for _, sh := range list[:min(len(list), n)] {
			out = append(out, sh.Name+" "+percent(sh.Share))
		}
		return strings.Join(out, ", ")
	}
	t.head("Traffic")
	t.pair("statuses", orNone(text(v.Statuses, 8)))
	t.pair("paths", orNone(text(v.PathShares, 8)))
	var near []string
	for _, a := range v.Neighbours {
		near = append(near, a.String())
	}
	name := "its /24"
	if s.at.Addr().Is6() {
		name = "its /48"
	}
	if len(near) == 0 {
		t.pair(name, "no other address is active")
	} else {
		t.pair(name, plural(len(near), "active neighbour")+": "+strings.Join(near, " ")+m.named("  ({neighbour} opens the first, {prefix} the prefix)"))
	}
}

// requests lists its last ones, each on a line or with all that is known of it.
func (s *sourceScreen) requests(m *Model, t *writer) {
	recent := s.view.Recent
	how := " (enter shows them in full)"
	if s.full {
		how = " in full"
	}
	if len(recent) == 0 {
		how = ""
	}
	s.list = len(t.lines) + 1 // behind an empty line
	t.head(plural(len(recent), "recent request") + strings.Replace(how, "enter", m.keyOf("detail"), 1))
	for i := range recent {
		r, p := &recent[i], m.th.text
		if r.Status >= 400 {
			p = m.th.med
		}
		if !s.full {
			t.add(p, cut(" "+sampleText(r), t.w))
			continue
		}
		answer := strconv.Itoa(int(r.Status))
		if r.Bytes >= 0 {
			answer += ", " + size(r.Bytes)
		}
		if r.Duration >= 0 {
			answer += " in " + latency(r.Duration)
		}
		t.pairIn(p, clock(r.Time)+"Z", r.Method+" "+r.Target+" → "+answer)
		t.pair("", "host "+orNone(r.Host)+"  referer "+orNone(r.Referer))
		t.pair("", "ua "+orNone(r.Agent))
	}
}

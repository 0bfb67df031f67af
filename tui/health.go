package tui

import (
	"cmp"
	"strconv"
	"time"
)

// healthScreen shows whether levee itself is well: inputs, enforcers, memory,
// what was shed, how far it lags.
type healthScreen struct{ view textView }

func (s *healthScreen) title(*Model) string  { return "Health" }
func (s *healthScreen) load(*Model)          {}
func (s *healthScreen) move(_ *Model, n int) { s.view.move(n) }
func (s *healthScreen) enter(*Model)         {}

func (s *healthScreen) draw(m *Model, c *canvas, h int) {
	m.heading(c, m.crumbs(""))
	t := writer{th: m.th, w: c.w}
	st, sn := m.d.status, m.d.snap
	t.head("Inputs")
	if len(st.Inputs) == 0 {
		t.add(m.th.warn, " no input is open: nothing can be detected")
	}
	for _, in := range st.Inputs {
		p := m.th.text
		switch in.State {
		case "error":
			p = m.th.bad
		case "waiting":
			p = m.th.warn
		}
		line := inputText(&in, m.d.now())
		if !in.MayAct {
			line += ", auto mode may not act on it alone"
		}
		t.pairIn(p, in.State, in.Name)
		t.pairIn(p, "", line)
		if in.Note != "" {
			t.pairIn(p, "", in.Note)
		}
	}
	t.head("Enforcers")
	if len(m.d.board.Enforcers) == 0 {
		t.add(m.th.warn, " none is configured: a block would stay on paper")
	}
	for _, e := range m.d.board.Enforcers {
		if e.OK {
			t.pairIn(m.th.good, e.Name, "ok "+clock(e.At)+"Z "+e.Note)
		} else {
			t.pairIn(m.th.bad, e.Name, "DOWN "+clock(e.At)+"Z "+e.Note)
		}
	}
	t.head("This host")
	if st.Ledger != "" {
		t.pairIn(m.th.bad, "ledger", "NOTHING CAN BE DECIDED: "+st.Ledger)
	}
	for _, sign := range st.Host.Signs {
		t.pairIn(m.th.bad, "drops", sign)
	}
	switch {
	case st.Host.Silent:
		t.pairIn(m.th.bad, "log", "silent meanwhile: silence is not calm")
	case len(st.Host.Signs) == 0:
		t.pair("drops", "none at the listeners, the SYN backlog or connection tracking")
	}
	t.head("Links")
	t.pair("Elastic", linkText(st.Elastic))
	t.pair("Jenkins", linkText(st.Jenkins))
	t.head("Detector")
	data := "no data yet"
	if st.DataAge >= 0 {
		data = age(st.DataAge) + " old"
	}
	if m.d.stale {
		t.pairIn(m.th.bad, "data", data+": STALE. Automation starts nothing new, acts on many sources are off")
	} else {
		t.pair("data", data)
	}
	t.pair("queue", strconv.Itoa(st.QueueLen)+" read, not judged yet")
	if st.Shed > 0 {
		t.pairIn(m.th.warn, "shed", number(float64(st.Shed))+" lines dropped because the queue was full: counts are too low")
	} else {
		t.pair("shed", "0 lines")
	}
	t.pair("memory", size(sn.Memory.Bytes)+" of "+size(sn.Memory.Limit)+", "+number(float64(sn.Memory.Shed))+" sources dropped for room")
	t.pair("sources", number(float64(sn.Sources))+" in full, about "+number(float64(sn.Total.Sources))+" active in the last minute")
	t.pair("requests", number(float64(sn.Total.Requests))+" judged")
	if sn.Learning {
		t.pairIn(m.th.warn, "baseline", "still learning: floors apply")
	}
	s.view.lines = t.lines
	s.view.draw(m, c, h-1)
}

// inputText says what an input read, and how far it is behind.
func inputText(in *Input, now time.Time) string {
	line := "no line read yet"
	if in.Lines > 0 {
		line = cmp.Or(in.Format, "format not recognised yet") + ", " + number(float64(in.Lines)) + " lines, " + number(float64(in.Malformed)) + " malformed"
	}
	if !in.Newest.IsZero() {
		line += ", newest " + age(max(now.Sub(in.Newest), 0)) + " old"
	}
	if in.Behind > 0 {
		line += ", " + size(in.Behind) + " not read yet"
	}
	return line
}

func linkText(l Link) string {
	switch {
	case !l.Configured:
		return "not configured"
	case l.OK:
		return "ok " + l.Note
	}
	return "DOWN " + l.Note
}

// peopleScreen tells who is here.
type peopleScreen struct{ view textView }

func (s *peopleScreen) title(*Model) string  { return "Sessions" }
func (s *peopleScreen) load(*Model)          {}
func (s *peopleScreen) move(_ *Model, n int) { s.view.move(n) }
func (s *peopleScreen) enter(*Model)         {}

func (s *peopleScreen) draw(m *Model, c *canvas, h int) {
	m.heading(c, m.crumbs(plural(max(len(m.d.status.People), 1), "person")+" on "+m.d.status.Name))
	t := writer{th: m.th, w: c.w}
	for _, p := range m.d.status.People {
		text, pn := string(p.Role), m.th.text
		if p.You {
			text, pn = text+" (you)", m.th.good
		}
		t.pairIn(pn, p.Name, text)
		if p.Via != "" {
			from := ""
			if p.Addr.IsValid() {
				from = " from " + p.Addr.String()
			}
			t.pair("", "by "+p.Via+from+" since "+clock(p.Since)+"Z")
		}
		if p.Looks != "" && !p.You {
			t.pair("", "looks at "+p.Looks)
		}
		if p.Last != "" {
			t.pair("", "last "+clock(p.At)+"Z: "+p.Last)
		}
	}
	if len(m.d.status.People) == 0 {
		t.pairIn(m.th.good, orNone(m.d.me.Name), string(m.d.me.Role)+" (you)")
	}
	s.view.lines = t.lines
	s.view.draw(m, c, h-1)
}

// messagesScreen keeps what the message line said.
type messagesScreen struct{ up int }

func (s *messagesScreen) title(*Model) string  { return "Messages" }
func (s *messagesScreen) load(*Model)          {}
func (s *messagesScreen) move(m *Model, n int) { s.up = max(min(s.up+n, len(m.notices)-1), 0) }
func (s *messagesScreen) enter(*Model)         {}

func (s *messagesScreen) draw(m *Model, c *canvas, h int) {
	stop := c.rows + h
	m.heading(c, m.crumbs("latest first"))
	for i := len(m.notices) - 1 - s.up; i >= 0 && c.rows < stop; i-- {
		n := m.notices[i]
		p, mark := m.levelPen(n.Level)
		for j, l := range wrap(n.Text, c.w-13) {
			if c.rows >= stop {
				break
			}
			lead := " " + mark + " " + clock(n.Time) + "  "
			if j > 0 {
				lead = "             "
			}
			c.line(p, lead+l)
		}
	}
	if len(m.notices) == 0 {
		c.line(m.th.dim, " no message yet")
	}
	c.blank(stop - c.rows)
}

package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// incidentScreen is the decision card: what goes on, how sure that is, what
// stopping it would cost, and what to do.
type incidentScreen struct {
	id   string
	view textView
}

func (s *incidentScreen) title(*Model) string  { return "Incident" }
func (s *incidentScreen) move(_ *Model, n int) { s.view.move(n) }

// load stays with its incident while there is one, else takes the gravest.
func (s *incidentScreen) load(m *Model) {
	if s.incident(m) == nil {
		s.id = ""
		if m.d.top != nil {
			s.id = m.d.top.ID
		} else if len(m.d.snap.Incidents) > 0 {
			s.id = m.d.snap.Incidents[0].ID
		}
	}
}

func (s *incidentScreen) incident(m *Model) *detect.Incident {
	for i := range m.d.snap.Incidents {
		if in := &m.d.snap.Incidents[i]; in.ID == s.id {
			return in
		}
	}
	return nil
}

// next shows the next incident.
func (s *incidentScreen) next(m *Model) {
	ins := m.d.snap.Incidents
	for i := range ins {
		if ins[i].ID == s.id {
			s.id = ins[(i+1)%len(ins)].ID
			s.view.top = 0
			return
		}
	}
}

// enter lists the incident's sources.
func (s *incidentScreen) enter(m *Model) {
	if in := s.incident(m); in != nil {
		if f, err := parseFilter(`incident:"` + in.ID + `"`); err == nil {
			m.setFilter(f)
			m.goTo(scrSuspects)
		}
	}
}

func (s *incidentScreen) draw(m *Model, c *canvas, h int) {
	in := s.incident(m)
	if in == nil {
		m.heading(c, "Incident")
		c.line(m.th.good, " no incident is open, and none closed in the last hour")
		c.blank(h - 2)
		return
	}
	nth := ""
	if n := len(m.d.snap.Incidents); n > 1 {
		nth = "  " + plural(n, "incident") + m.named(", {next} shows the next")
	}
	m.heading(c, "Incident "+in.ID+nth)
	t := writer{th: m.th, w: c.w}
	s.verdict(m, &t, in)
	s.owner(m, &t, in)
	switch {
	case !in.Closed.IsZero():
		s.over(m, &t, in)
	case in.Attack.Hostile():
		t.pair("stopping it", "removes "+percent(in.Excess)+" of the excess, touches "+collateral(in)+" of usual traffic")
	default:
		t.pairIn(m.th.warn, "blocking", "would hit "+percent(in.Collateral)+" of usual visitors")
	}
	short := h < 18 // the advice comes first where little can be seen
	if short && in.Closed.IsZero() {
		s.advice(m, &t, in)
		t.add("", "")
	}
	t.pair("signature", signatureText(in.Signature))
	t.pair("traffic", rate(in.Rate)+" req/s now, usual "+rate(in.Baseline)+", peak "+rate(in.Peak)+"; errors "+percent(in.ErrorShare))
	if after := in.Rate - max(in.Rate-in.Baseline, 0)*in.Excess; in.Closed.IsZero() && in.Attack.Hostile() {
		t.pair("would be", "about "+rate(after)+" req/s once the signature is stopped")
	}
	t.pair("sources", s.sources(m, in))
	if !short && in.Closed.IsZero() {
		s.advice(m, &t, in)
	}
	t.head("Why")
	t.indent = 20
	for _, e := range in.Evidence {
		t.pair(padRight(signed(e.Points), 4)+strings.ReplaceAll(e.Signal, "_", " "), e.Text)
	}
	t.indent = 0
	s.notes(m, &t, in)
	if len(in.Samples) > 0 {
		t.head("Requests it is made of")
		for i := range in.Samples {
			t.add(m.th.dim, " "+sampleText(&in.Samples[i]))
		}
	}
	s.view.lines = t.lines
	s.view.draw(m, c, h-1)
}

// collateral is the share of usual traffic that a signature touches, and how sure
// that is where few samples say so.
func collateral(in *detect.Incident) string {
	s := percent(in.Collateral)
	if most := in.CollateralMost(); most >= 0.01 && percent(most) != s {
		s += fmt.Sprintf(" (by %d samples, %s at most)", in.UsualOf, percent(most))
	}
	return s
}

// sources counts who takes part and, of an attack, who is dealt with.
func (s *incidentScreen) sources(m *Model, in *detect.Incident) string {
	if !in.Closed.IsZero() {
		return number(float64(in.Sources)) + " matched it, " + worthBlock(in.Enrolled, "was", "were")
	}
	out := numbered(in.Sources, "matches it", "match it")
	if !in.Attack.Hostile() {
		return out
	}
	if in.Enrolled == 0 {
		return out + ", none of them is worth a block of its own"
	}
	return out + ", " + worthBlock(in.Enrolled, "is", "are") + ", " + numbered(m.d.parts[in.ID].done, "of those listed is handled", "of those listed are handled") + withoutEffect(m.d.parts[in.ID].broken)
}

// withoutEffect tells of n blocks that stand and don't help, "" of none.
func withoutEffect(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + number(float64(n)) + " without effect"
}

func worthBlock(n int, one, many string) string {
	return numbered(n, one+" worth a block", many+" worth a block")
}

// numbered puts n in front of what is said of one, or of many.
func numbered(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return number(float64(n)) + " " + many
}

// over says what is left of an incident that has ended.
func (s *incidentScreen) over(m *Model, t *writer, in *detect.Incident) {
	n, last := 0, time.Time{}
	for i := range m.d.board.Active {
		if d := &m.d.board.Active[i]; d.Verb == actions.Block && d.Incident == in.ID {
			n++
			if d.Expires.After(last) {
				last = d.Expires
			}
		}
	}
	text := "nothing to do: no block of it stands"
	if n > 0 {
		text = "nothing to do: " + plural(n, "block") + " of it still stand, the last until " + clock(last) + "Z (" + m.keyOf("blocks") + " lists them)"
		if n == 1 {
			text = "nothing to do: 1 block of it still stands, until " + clock(last) + "Z (" + m.keyOf("blocks") + " lists it)"
		}
	}
	t.pairIn(m.th.good, "over", text)
}

// verdict says what it is in the first line.
func (s *incidentScreen) verdict(m *Model, t *writer, in *detect.Incident) {
	what := strings.ToUpper(attackName(in.Attack))
	if len(in.Traits) > 0 {
		var traits []string
		for _, a := range in.Traits {
			traits = append(traits, attackName(a))
		}
		what += " (also " + strings.Join(traits, ", ") + ")"
	}
	p := m.th.bad
	if !in.Attack.Hostile() {
		p = m.th.crowd
		what += ": not an attack"
		if in.Attack == detect.FlashCrowd {
			what += ". It needs servers, not blocks"
		}
	}
	when := "open since " + clock(in.Opened) + "Z (" + span(m.d.snap.Now.Sub(in.Opened)) + ")"
	if !in.Closed.IsZero() {
		p = m.th.dim
		when = "closed at " + clock(in.Closed) + "Z after " + span(in.Closed.Sub(in.Opened))
	}
	for _, l := range wrap(what, t.w-2) {
		t.add(p, " "+l)
	}
	t.pair("service", orNone(in.Service)+", "+when)
}

// advice names what to do in order, with the key that does it.
func (s *incidentScreen) advice(m *Model, t *writer, in *detect.Incident) {
	keys := map[detect.Measure]string{
		detect.ScaleUp: "{scale}  add servers", detect.Throttle: "{throttle}  throttle the signature where requests arrive", detect.Harden: "{harden}  harden the service",
		detect.BlockSource: "{block}  block its source", detect.BlockSources: "{block}  block its sources one by one", detect.BlockPrefix: "{block}  block its prefix",
		detect.Observe: "-  only watch it",
	}
	t.head("What to do")
	handled, left, broken := m.d.parts[in.ID].done, m.d.parts[in.ID].left, m.d.parts[in.ID].broken
	for i, me := range in.Measures {
		text, p := m.named(keys[me]), t.th.warn
		if text == "" {
			text = strings.ReplaceAll(string(me), "_", " ")
		}
		if strings.HasPrefix(string(me), "block") && handled+broken > 0 {
			text += " (" + strconv.Itoa(handled) + " handled" + withoutEffect(broken) + ", " + strconv.Itoa(left) + " left)"
			if left == 0 && broken > 0 {
				text, p = m.named(numbered(broken, "block has", "blocks have")+" no effect, nothing is left to block: {health} shows the enforcers"), t.th.bad
			} else if left == 0 {
				text, p = "done: all "+strconv.Itoa(handled)+" of its sources that are listed are handled", t.th.good
				if handled == 1 {
					text = "done: its one source that is listed is handled"
				}
			}
		}
		t.add(p, " "+strconv.Itoa(i+1)+". "+text)
	}
	if len(in.Measures) == 0 {
		t.add(t.th.dim, " nothing is recommended yet")
	}
	t.add(t.th.dim, m.named(" {detail} lists its sources, {copy} copies a hand-over text"))
}

// handover is what one shift tells the next about in.
func (s *incidentScreen) handover(m *Model) string {
	in := s.incident(m)
	if in == nil {
		return ""
	}
	var b strings.Builder
	line := func(words ...string) { b.WriteString(clean(strings.Join(words, "")) + "\n") }
	line("Incident ", in.ID, ": ", attackName(in.Attack), " on ", orNone(in.Service))
	line("Opened ", in.Opened.UTC().Format(time.RFC3339), ", now ", m.d.snap.Now.UTC().Format(time.RFC3339))
	if c, kept := m.caseOf(in.ID); kept {
		line("Owner: ", orNone(c.Owner), sinceText(c.Since))
		for _, n := range c.Notes {
			line("Note ", n.At.UTC().Format(time.RFC3339), " ", n.By, ": ", n.Text)
		}
	}
	line("Traffic ", rate(in.Rate), " req/s, usual ", rate(in.Baseline), ", peak ", rate(in.Peak))
	line("Signature: ", signatureText(in.Signature), " (", percent(in.Excess), " of the excess, ", percent(in.Collateral), " of usual traffic)")
	for _, e := range in.Evidence {
		line("- ", e.Text)
	}
	line("Done so far:")
	n := 0
	for i := range m.d.board.Active {
		if d := &m.d.board.Active[i]; d.Incident == in.ID {
			if n++; n <= 20 {
				line("- ", verbName(d.Verb), " ", targetText(d.Target), " by ", d.Actor.Name, ", ", stateName(d), ", ends in ", countdownOr(m.d.now(), d.Expires))
			}
		}
	}
	line(plural(n, "decision"), " in force; automation: ", firstOf(m.automation()))
	return b.String()
}

func firstOf(s string, _ pen) string { return s }

// sampleText writes one request on one line.
func sampleText(s *detect.Sample) string {
	out := clock(s.Time) + " " + s.Source.String() + " " + s.Method + " " + s.Target + " " + strconv.Itoa(int(s.Status))
	if s.Duration >= 0 {
		out += " " + latency(s.Duration)
	}
	return out + " ua:" + orNone(s.Agent)
}

package tui

import (
	"strconv"
	"strings"

	"levee/actions"
	"levee/detect"
)

// drawNext tells in two lines what the overview is about and what is to be done
// next, so that nobody must read the table to learn that nothing is.
func (m *Model) drawNext(c *canvas) {
	what, next, p := m.whatNext()
	c.put(m.th.text, " ")
	c.line(m.th.text, fitting(c.w-2, what...))
	c.put(m.th.key, " next: ")
	c.line(p, fitting(c.w-8, next...))
}

// fitting joins the parts that fit into w columns, the first of them always.
func fitting(w int, parts ...string) string {
	out := ""
	for i, s := range parts {
		switch {
		case s == "":
		case i == 0 || out == "":
			out += s
		case measure(out)+2+measure(s) <= w:
			out += "; " + s
		}
	}
	return out
}

// whatNext is the situation and the next step, each with what matters most first.
func (m *Model) whatNext() (what, next []string, p pen) {
	in := m.d.top
	switch {
	case in == nil:
		what = m.lastIncident()
	case in.Attack.Hostile():
		handled := strconv.Itoa(m.d.parts[in.ID].done) + " of them handled"
		if in.Enrolled == 0 {
			handled = ""
		} else {
			handled += withoutEffect(m.d.parts[in.ID].broken)
		}
		what = []string{"stopping it removes " + percent(in.Excess) + " of the excess, touches " + percent(in.Collateral) + " of usual traffic",
			plural(in.Enrolled, "source") + " worth a block", handled}
	default:
		what = []string{"no attack: blocking would hit " + percent(in.Collateral) + " of usual visitors", number(float64(in.Sources)) + " sources take part"}
	}
	if in != nil {
		if owner, kept := m.caseOf(in.ID); kept && owner.Owner != "" {
			what = append(what, "owner "+owner.Owner)
		}
	}
	next, p = m.nextStep(in)
	return what, next, p
}

// lastIncident tells that none is open, and which one was the last.
func (m *Model) lastIncident() []string {
	var last *detect.Incident
	for i := range m.d.snap.Incidents {
		if in := &m.d.snap.Incidents[i]; last == nil || in.Closed.After(last.Closed) {
			last = in
		}
	}
	if last == nil {
		return []string{"no incident is open"}
	}
	return []string{"no incident is open", "the last, " + attackName(last.Attack) + ", ended at " + clock(last.Closed) + "Z"}
}

// nextStep is what a person does now, if anything.
func (m *Model) nextStep(in *detect.Incident) ([]string, pen) {
	a, th := m.d.board.Auto, m.th
	acts := a.Armed && a.On && !m.d.board.DryRun && (a.Level == actions.LevelBlock || a.Level == actions.LevelThrottle)
	crowd := in != nil && !in.Attack.Hostile()
	switch {
	case m.d.status.Host.Silent && (m.d.stale || in == nil):
		return []string{"a flood may never reach the log", m.named("{health} shows what this host drops"), "look at the SYN backlog, conntrack and the line"}, th.bad
	case m.d.stale:
		return []string{m.named("{health} shows why no log line comes"), "acts on many sources are off until one does"}, th.bad
	case crowd && in.Attack == detect.FlashCrowd:
		return []string{m.named("{scale} adds servers"), "block nobody"}, th.warn
	case crowd:
		return []string{m.named("watch it ({incident})"), "block nobody"}, th.text
	case m.d.need == 0 && in == nil:
		return []string{"nothing needs you"}, th.good
	case m.d.broken > m.d.need:
		return []string{numbered(m.d.broken, "block has", "blocks have") + " no effect", m.named("{health} shows the enforcers"),
			"is what they write included where requests arrive, and reloaded?", m.named("{open-only} shows the sources")}, th.bad
	case m.d.need == 0 && m.unstopped(in):
		return []string{m.named("{incident} says what helps"), "no single source is worth a block"}, th.warn
	case m.d.need == 0:
		return []string{"nothing needs you: every suspect is handled", m.named("{blocks} lists what is in force and when it ends")}, th.good
	case !m.d.acts:
		return []string{"an operator must decide", m.named("{open-only} shows the ") + plural(m.d.need, "suspect") + " left"}, th.warn
	case !acts && in != nil:
		return []string{m.named("{incident}, then {block} blocks its sources at once"), m.named("{open-only} shows the ") + strconv.Itoa(m.d.need) + " that need you",
			"nothing is done by itself"}, th.warn
	case !acts:
		return []string{m.named("{block} blocks the selected source"), m.named("{open-only} shows the ") + strconv.Itoa(m.d.need) + " that need you"}, th.warn
	}
	return []string{"auto mode deals with those it may block", m.named("{open-only} shows the ") + strconv.Itoa(m.d.need) + " not handled yet", m.named("{auto-mode} says why")}, th.warn
}

// named puts the key of an action where {its name} stands, as keys are
// configured in this console. It is for the console's own words only.
func (m *Model) named(words string) string {
	for from := 0; ; {
		i := strings.IndexByte(words[from:], '{')
		if i < 0 {
			return words
		}
		i += from
		j := strings.IndexByte(words[i:], '}')
		if j < 0 {
			return words
		}
		key := m.keyOf(words[i+1 : i+j])
		words = words[:i] + key + words[i+j+1:]
		from = i + len(key)
	}
}

package tui

import (
	"strconv"
	"strings"
	"time"

	"levee/actions"
)

// blocksScreen lists what is in force, with its TTL counting down.
type blocksScreen struct {
	list   list
	of     *actions.Board
	needle string              // text that a row must hold
	shown  []*actions.Decision // in force, messages left out
}

func (s *blocksScreen) title(*Model) string { return "Blocks" }

func (s *blocksScreen) load(m *Model) {
	if s.of != m.d.board {
		s.find(m, s.needle)
	}
}

// find shows the decisions that hold text.
func (s *blocksScreen) find(m *Model, text string) {
	s.of, s.needle, s.shown = m.d.board, text, nil
	for i := range s.of.Active {
		if d := &s.of.Active[i]; d.Verb != actions.Notify && holdsText(d, text) {
			s.shown = append(s.shown, d)
		}
	}
	shown := s.shown
	s.list.sync(len(shown), func(i int) string { return shown[i].ID })
}

func (s *blocksScreen) move(_ *Model, n int) { s.list.move(n) }

// selected is the decision under the cursor, or nil.
func (s *blocksScreen) selected(*Model) *actions.Decision {
	if len(s.shown) == 0 {
		return nil
	}
	return s.shown[s.list.cursor]
}

func (s *blocksScreen) enter(m *Model) {
	if d := s.selected(m); d != nil && d.Target.Prefix.IsValid() {
		m.openSource(d.Target.Prefix)
	}
}

func (s *blocksScreen) draw(m *Model, c *canvas, h int) {
	stop := c.rows + h
	b := m.d.board
	inForce := number(float64(len(s.shown))) + " in force, "
	if b.NActive > len(b.Active) {
		inForce = "the latest " + number(float64(len(b.Active))) + " of " + number(float64(b.NActive)) + " in force (:why finds any), "
	}
	m.heading(c, m.crumbs(inForce+strconv.Itoa(b.Queue)+" on their way"+needleText(s.needle)))
	if len(s.shown) == 0 && s.needle != "" {
		c.line(m.th.dim, " nothing in force holds "+s.needle+m.named("   {escape} shows all"))
		c.blank(stop - c.rows)
		return
	}
	if len(s.shown) == 0 {
		c.line(m.th.dim, m.named(" nothing is blocked or allowed now. {block} on a suspect ({overview}) blocks it; {audit} shows what ended"))
		c.blank(stop - c.rows)
		return
	}
	detail := 0
	switch {
	case h >= 20:
		detail = 6
	case h >= 12:
		detail = 4
	}
	if h > 4 {
		c.put(m.th.dim, "  ")
		drawFields(c, m.th.dim, blockFields(c.w, "TARGET", "ACT", "STATE", "TTL", "BY", "EFFECT", "WHY"))
		c.end()
	}
	from, to := s.list.window(c.rows, max(stop-detail-c.rows, 1))
	for i := from; i < to; i++ {
		d := s.shown[i]
		st := standing{kind: m.d.stand.kind(d), decision: d}
		m.listRow(c, st.pen(m.th, 0), i == s.list.cursor, blockFields(c.w, targetText(d.Target), verbName(d.Verb), stateName(d), countdownOr(m.d.now(), d.Expires),
			d.Actor.Name, effectText(d.Effect), inWords(d.Reason))...)
	}
	c.blank(stop - detail - c.rows)
	if detail > 0 {
		s.drawDetail(m, c, stop)
	}
}

func (s *blocksScreen) drawDetail(m *Model, c *canvas, stop int) {
	d := s.selected(m)
	m.heading(c, targetText(d.Target)+"  "+verbName(d.Verb)+" by "+d.Actor.Name+" via "+d.Actor.Via+" at "+clock(d.Created)+"Z")
	why := orNone(inWords(d.Reason))
	if len(d.Evidence) > 0 {
		why += ": " + strings.Join(d.Evidence, "; ")
	}
	lines := wrap(why, c.w-9)
	if n := max(stop-c.rows-2, 1); len(lines) > n {
		lines = lines[:n]
		lines[n-1] += " …"
	}
	for i, l := range lines {
		c.line(m.th.text, " "+[...]string{"why   ", "      "}[min(i, 1)]+l)
	}
	var out []string
	for _, r := range d.Receipts {
		out = append(out, receiptText(r))
	}
	if len(out) == 0 {
		out = append(out, "no enforcer has answered yet")
	}
	c.line(m.th.text, " done  "+strings.Join(out, "; "))
	c.line(m.th.dim, m.named(" {unblock} lifts it, {undo} undoes it, {detail} opens the source"))
	c.blank(stop - c.rows)
}

// holdsText reports whether a decision's row holds text, whatever its case.
func holdsText(d *actions.Decision, text string) bool {
	if text == "" {
		return true
	}
	row := strings.Join([]string{targetText(d.Target), string(d.Verb), string(d.State), d.Actor.Name, d.EndedBy, d.Reason}, " ")
	return strings.Contains(strings.ToLower(row), strings.ToLower(text))
}

func needleText(s string) string {
	if s == "" {
		return ""
	}
	return "  /" + s
}

func blockFields(w int, target, act, state, ttl, by, effect, why string) []field {
	fs := []field{{target, 19, false}}
	if w >= 70 {
		fs = append(fs, field{act, 9, false})
	}
	fs = append(fs, field{state, 8, false}, field{ttl, 6, true}, field{by, 7, false})
	if w >= 90 {
		fs = append(fs, field{effect, 19, false})
	}
	if w >= 40 {
		fs = append(fs, field{why, 0, false})
	}
	if w >= 110 {
		fs[0].w = 26
	}
	return fs
}

func receiptText(r actions.Receipt) string {
	word := "ok"
	switch {
	case r.Unknown:
		word = "UNKNOWN"
	case !r.OK:
		word = "FAILED"
	}
	s := r.Enforcer + " " + word
	if r.Note != "" {
		s += " (" + r.Note + ")"
	}
	return s
}

func verbName(v actions.Verb) string { return strings.ReplaceAll(string(v), "_", " ") }

// stateName writes a state; one whose outcome is not confirmed stands out.
func stateName(d *actions.Decision) string {
	switch d.State {
	case actions.Unknown:
		return "UNKNOWN"
	case actions.Failed:
		return "FAILED"
	case actions.Intent:
		return "sending"
	case actions.Applied, actions.Verified:
		switch {
		case d.DryRun:
			return "dry run"
		case d.Verb == actions.Allow:
			return "allowed"
		}
	}
	return string(d.State)
}

func effectText(e *actions.Effect) string {
	if e == nil {
		return "not measured yet"
	}
	return "-" + rate(e.Measured) + " of -" + rate(e.Predicted) + "/s"
}

func countdownOr(now, until time.Time) string {
	if until.IsZero() {
		return "none"
	}
	return countdown(now, until)
}

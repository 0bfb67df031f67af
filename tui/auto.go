package tui

import (
	"maps"
	"slices"
	"strconv"
)

// autoScreen shows what auto mode may do, what it would do next, and why it
// does not do more.
type autoScreen struct{ view textView }

func (s *autoScreen) title(*Model) string  { return "Auto mode" }
func (s *autoScreen) load(*Model)          {}
func (s *autoScreen) move(_ *Model, n int) { s.view.move(n) }
func (s *autoScreen) enter(*Model)         {}

func (s *autoScreen) draw(m *Model, c *canvas, h int) {
	m.heading(c, m.crumbs(m.named("{auto} turns it on or off, ! stops all automation at once")))
	a := m.d.board.Auto
	t := writer{th: m.th, w: c.w}
	word, _ := m.automation()
	switch {
	case !a.Armed:
		t.add(m.th.bad, " "+word+sinceText(a.Since)+m.named(": nothing is done by itself. {auto} arms it again"))
	case m.d.board.DryRun:
		t.add(m.th.warn, " DRY RUN: decisions are written down, nothing is enforced (actions.dry_run)")
	case !a.On:
		t.add(m.th.warn, " SUGGEST: it names what it would do and leaves it to you. "+m.keyOf("auto")+" lets it act")
	default:
		t.add(m.th.good, " ARMED"+sinceText(a.Since)+": it acts up to level "+string(a.Level)+", inside this budget")
	}
	t.indent = 24
	t.head("Level")
	t.pair("default", string(a.Level)+"   (observe < suggest < throttle < block)")
	for _, k := range slices.Sorted(maps.Keys(a.Services)) {
		t.pair(k, string(a.Services[k]))
	}
	t.head("Budget")
	b, u := a.Budget, a.Used
	t.pair("blocks/min", strconv.Itoa(u.BlocksLastMinute)+" of "+strconv.Itoa(b.BlocksPerMinute))
	t.pair("active", strconv.Itoa(u.ActiveBlocks)+" of "+strconv.Itoa(b.ActiveBlocks))
	t.pair("usual share", percent(u.UsualShare)+" of usual traffic touched, "+percent(b.UsualShare)+" allowed")
	t.pair("scale-ups/h", strconv.Itoa(u.ScaleUpsLastHour)+" of "+strconv.Itoa(b.ScaleUpsPerHour))
	t.fleet(m.d.status.Peers)
	t.indent = 4
	t.head("Next")
	for _, n := range a.Next {
		t.pair("·", inWords(n))
	}
	if len(a.Next) == 0 {
		t.add(m.th.dim, " nothing to do")
	}
	t.head("Why not")
	for _, n := range a.Why {
		t.pair("·", inWords(n))
	}
	if len(a.Why) == 0 {
		t.add(m.th.dim, " nothing holds it back")
	}
	s.view.lines = t.lines
	s.view.draw(m, c, h-1)
}

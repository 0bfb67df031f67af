package tui

import (
	"slices"

	"levee/actions"
)

// auditScreen lists the decisions of the last day, ended ones too: who did
// what to whom, why, and how it ended.
type auditScreen struct {
	list   list
	of     *actions.Board
	needle string // text that a row must hold
	all    []*actions.Decision
}

func (s *auditScreen) title(*Model) string { return "Audit" }

func (s *auditScreen) load(m *Model) {
	if s.of != m.d.board {
		s.find(m, s.needle)
	}
}

// find shows the decisions that hold text.
func (s *auditScreen) find(m *Model, text string) {
	s.of, s.needle, s.all = m.d.board, text, nil
	for _, ds := range [][]actions.Decision{s.of.Active, s.of.Recent} {
		for i := range ds {
			if holdsText(&ds[i], text) {
				s.all = append(s.all, &ds[i])
			}
		}
	}
	slices.SortStableFunc(s.all, func(a, b *actions.Decision) int { return b.Changed.Compare(a.Changed) })
	s.all = s.all[:min(len(s.all), 1000)]
	all := s.all
	s.list.sync(len(all), func(i int) string { return all[i].ID })
}

func (s *auditScreen) move(_ *Model, n int) { s.list.move(n) }

func (s *auditScreen) enter(m *Model) {
	if len(s.all) > 0 {
		if p := s.all[s.list.cursor].Target.Prefix; p.IsValid() {
			m.openSource(p)
		}
	}
}

func (s *auditScreen) draw(m *Model, c *canvas, h int) {
	stop := c.rows + h
	m.heading(c, m.crumbs("decisions of the last day, latest change first"+needleText(s.needle)))
	if len(s.all) == 0 {
		c.line(m.th.dim, " "+map[bool]string{true: "nobody, and no automation, has done anything yet", false: "no decision holds " + s.needle + m.named("   {escape} shows all")}[s.needle == ""])
		c.blank(stop - c.rows)
		return
	}
	if h > 4 {
		c.put(m.th.dim, "  ")
		drawFields(c, m.th.dim, auditFields(c.w, "CHANGED", "BY", "ACT", "TARGET", "STATE", "ENDED BY", "WHY"))
		c.end()
	}
	from, to := s.list.window(c.rows, max(stop-c.rows, 1))
	for i := from; i < to; i++ {
		d := s.all[i]
		st := standing{kind: m.d.stand.kind(d), decision: d}
		p := st.pen(m.th, 0)
		if !d.State.Active() && d.State != actions.Failed {
			p = m.th.dim
		}
		m.listRow(c, p, i == s.list.cursor, auditFields(c.w, clock(d.Changed), d.Actor.Name, verbName(d.Verb), targetText(d.Target),
			stateName(d), d.EndedBy, inWords(d.Reason))...)
	}
	c.blank(stop - c.rows)
}

func auditFields(w int, at, by, act, target, state, ended, why string) []field {
	fs := []field{{at, 8, false}, {by, 7, false}}
	if w >= 50 {
		fs = append(fs, field{act, 8, false})
	}
	fs = append(fs, field{target, 19, false}, field{state, 8, false})
	if w >= 90 {
		fs = append(fs, field{ended, 9, false})
	}
	if w >= 60 {
		fs = append(fs, field{why, 0, false})
	}
	return fs
}

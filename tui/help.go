package tui

import (
	"strings"
)

// helpScreen is made from the bindings, so that it can't be wrong.
type helpScreen struct {
	from screenID
	view textView
}

func (s *helpScreen) title(*Model) string  { return "Help" }
func (s *helpScreen) load(*Model)          {}
func (s *helpScreen) move(_ *Model, n int) { s.view.move(n) }
func (s *helpScreen) enter(*Model)         {}

func (s *helpScreen) draw(m *Model, c *canvas, h int) {
	m.heading(c, m.named("Help  {help} or {escape} closes, {down} {up} scroll"))
	t := writer{th: m.th, w: c.w}
	at := m.at
	m.at = s.from // what a key can do is told for the screen the help was called from
	defer func() { m.at = at }()
	for _, group := range [...]string{"Act", "Choose", "Move", "Screens", "Chart", "Other"} {
		t.head(group)
		for i := range m.keys {
			b := &m.keys[i]
			if b.group != group {
				continue
			}
			p := m.th.text
			text := m.named(b.help)
			switch {
			case !b.shown(s.from):
				p = m.th.dim
				text += " (on " + m.screenNames(b.on) + ")"
			case b.why != nil:
				if why := b.why(m); why != "" {
					p = m.th.dim
					text += " (not now: " + why + ")"
				}
			}
			keys := make([]string, len(b.keys))
			for j, k := range b.keys {
				keys[j] = keyName(k)
			}
			t.pairIn(p, strings.Join(keys[:min(len(keys), 2)], " "), text)
		}
	}
	t.head("Columns")
	for i := range columns {
		t.pair(columns[i].title, columns[i].help+" (:columns "+columns[i].name+")")
	}
	t.head("Marks in front of a row")
	t.pair("> *", "selected, marked")
	t.pair("! ~ =", "blocked, on its way (a job runs), allowed")
	t.pair("?", "UNKNOWN: it can't be told whether the act took effect; FAILED; or NO EFFECT: it is blocked, and served all the same")
	t.pair("applied", "the enforcers took it; verified: their own lists or the traffic show it")
	t.pair("C H M L", "score 90-100 critical, 80-89 high, 60-79 medium, below low")
	t.head("Filter")
	t.pair("fields", fieldNames)
	t.pair("terms", `path:/login  asn:9009,16276  ip:203.0.113.0/24  score>80  err>=50  band>=H  ttl<5m  ua~^curl  !state:blocked  path:"/a b"  or free text`)
	t.head("Commands")
	for _, cm := range commandList {
		t.pair(":"+cm.name, cm.args+" "+cm.help)
	}
	t.pair(":ACTION", "every key's action by its name, such as :zoom-in or :mark-range")
	t.head("Danger")
	for _, l := range [...]string{
		"Enter never confirms and Cancel has the focus: only y does it.",
		"A dialog keeps the targets it was opened for, whatever moves behind it.",
		"Every block ends by itself (TTL); {undo} lifts your latest one at once.",
		"! stops automation without a question, in a dialog too; only in a text line ({filter} or {command}) it is a letter: esc first.",
	} {
		t.pair("·", m.named(l))
	}
	s.view.lines = t.lines
	s.view.draw(m, c, h-1)
}

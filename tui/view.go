package tui

import (
	"slices"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// screenID is a screen; the first ten have a digit that opens them.
type screenID int

const (
	scrOverview screenID = iota
	scrSuspects
	scrIncident
	scrBlocks
	scrJobs
	scrAudit
	scrAuto
	scrHealth
	scrPeople
	scrFleet
	scrSource
	scrMessages
	scrHelp
	screenCount
)

// screen is one page of the console. Screens are plain structs: the model
// calls them, they never call the operator.
type screen interface {
	title(m *Model) string
	load(m *Model)                   // new data came, or the screen was opened
	draw(m *Model, c *canvas, h int) // exactly h lines
	move(m *Model, n int)            // the cursor, or the text if there is no cursor
	enter(m *Model)                  // what the Enter key opens
}

func newScreens() [screenCount]screen {
	return [screenCount]screen{
		scrOverview: &overviewScreen{}, scrSuspects: &suspectsScreen{}, scrIncident: &incidentScreen{}, scrBlocks: &blocksScreen{},
		scrJobs: &jobsScreen{}, scrAudit: &auditScreen{}, scrAuto: &autoScreen{}, scrHealth: &healthScreen{}, scrPeople: &peopleScreen{},
		scrFleet:  &fleetScreen{},
		scrSource: &sourceScreen{}, scrMessages: &messagesScreen{}, scrHelp: &helpScreen{},
	}
}

// View draws one frame: status bar, banner, the screen, the message line and
// the keys; a dialog lies on top.
func (m *Model) View() string {
	if m.w <= 0 || m.h <= 0 {
		return ""
	}
	c := canvasOn(m.paper, m.w, m.h, m.opt.ASCII)
	defer func() { m.paper = c.buf }()
	m.drawHead(c)
	foot := 0
	if m.h >= 6 {
		foot++ // keys
	}
	if m.h >= 9 {
		foot++ // messages
	}
	m.screens[m.at].draw(m, c, max(c.left()-foot, 0))
	if m.h >= 9 {
		m.drawMessage(c)
	}
	if m.h >= 6 {
		m.drawKeys(c)
	}
	if m.dialog == nil {
		return c.String()
	}
	return m.overlay(c.String())
}

// heading writes a rule with a title in it, as every part of a screen begins.
func (m *Model) heading(c *canvas, text string) {
	c.put(m.th.rule, "─ ")
	c.cell(m.th.title, text, min(measure(text), c.w-c.col-1), false)
	c.put(m.th.rule, " ")
	c.rule(m.th.rule, c.w)
	c.end()
}

// crumbs writes the way to this screen.
func (m *Model) crumbs(extra string) string {
	s := m.screens[m.at].title(m)
	if n := len(m.trail); n > 0 && m.at == scrSource {
		s = m.screens[m.trail[n-1]].title(m) + " › " + s
	}
	if extra != "" {
		s += "  " + extra
	}
	return s
}

// drawMessage writes what this session or the station has to say, or the
// prompt while one is open.
func (m *Model) drawMessage(c *canvas) {
	if m.prompt != nil {
		m.prompt.draw(m, c)
		return
	}
	n := len(m.notices)
	if n == 0 {
		c.line(m.th.dim, " ")
		return
	}
	last := m.latest()
	if m.drawLong(c, &m.notices[last]) {
		return
	}
	for i := last; i >= 0 && i >= last-1; i-- {
		room := c.w - c.col - 9
		if i < last && room < 40 {
			break // half a message helps nobody
		}
		p, mark := m.levelPen(m.notices[i].Level)
		s := mark + " " + clock(m.notices[i].Time) + " " + m.notices[i].Text
		if i < last {
			p = m.th.dim
		}
		c.put(p, "  "[:1+min(last-i, 1)])
		c.cell(p, s, min(measure(s), room), false)
	}
	if all := m.keyOf("messages") + ":all"; c.w-c.col > measure(all)+1 {
		c.space("", c.w-measure(all)-1)
		c.put(m.th.dim, all)
	}
	c.end()
}

// newFor is how long a message is new.
const newFor = 12 * time.Second

// answeredFor is how long the answer to what was done here stands, whatever auto
// mode succeeds with meanwhile: under attack that is something every second.
const answeredFor = 5 * time.Second

// answer is this session's own newest message while only auto mode's successes
// came after it, or -1.
func (m *Model) answer() int {
	for i := len(m.notices) - 1; i >= 0; i-- {
		switch n := &m.notices[i]; {
		case n.Seq == 0 && m.d.now().Sub(n.Time) <= answeredFor:
			return i
		case n.Seq == 0, n.Level != "ok", !strings.HasSuffix(n.Text, "(auto)"):
			return -1
		}
	}
	return -1
}

// matters reports whether n is read before what went well: what went wrong, and
// what a colleague says.
func matters(n *actions.Notice) bool {
	return n.Level == "warn" || n.Level == "error" || n.Level == "say"
}

// latest is the message that stands on the line. What went well for somebody
// pushes neither a warning aside that is new nor what a colleague just said; what
// this session itself has to say does.
func (m *Model) latest() int {
	if i := m.answer(); i >= 0 {
		return i
	}
	n := len(m.notices) - 1
	spoken := -1
	for i := n; i >= 0 && m.notices[i].Seq > 0 && m.d.now().Sub(m.notices[i].Time) <= newFor; i-- {
		switch m.notices[i].Level {
		case "warn", "error":
			return i
		case "say":
			spoken = max(spoken, i)
		}
	}
	if spoken >= 0 {
		return spoken
	}
	return n
}

// drawLong writes a message that does not fit on its line, while it is new, on
// two: it covers the last line above, so that no row moves.
func (m *Model) drawLong(c *canvas, n *actions.Notice) bool {
	if !matters(n) || m.d.now().Sub(n.Time) > newFor || c.h < 15 {
		return false
	}
	p, mark := m.levelPen(n.Level)
	lines := wrap(mark+" "+clock(n.Time)+" "+n.Text, c.w-10)
	if len(lines) < 2 {
		return false
	}
	c.pop()
	c.line(p, " "+lines[0])
	c.put(p, "            ")
	rest := strings.Join(lines[1:], " ")
	c.cell(p, rest, min(measure(rest), c.w-c.col-7), false)
	all := m.keyOf("messages") + ":all"
	c.space("", c.w-measure(all)-1)
	c.put(m.th.dim, all)
	c.end()
	return true
}

func (m *Model) levelPen(level string) (pen, string) {
	switch level {
	case "ok":
		return m.th.good, "✓"
	case "warn":
		return m.th.warn, "!"
	case "error":
		return m.th.bad, "✗"
	}
	return m.th.text, "·"
}

// drawKeys writes the keys that matter here, as many as fit; help is always there.
func (m *Model) drawKeys(c *canvas) {
	stop, help := "! STOP AUTO  ", m.named("{help} help")
	if c.w < 50 {
		stop, help = "! STOP  ", m.keyOf("help")
	}
	if !m.d.board.Auto.Armed || !m.d.acts {
		stop = ""
	}
	approve := ""
	if len(m.d.waits) > 0 {
		approve = m.keyOf("approve") + " APPROVE?  "
	}
	var list []*binding
	switch {
	case m.prompt != nil:
		c.line(m.th.dim, m.prompt.hint())
		return
	case m.dialog != nil:
		hint := " a dialog is open: its keys stand in it   ! stops all automation"
		if measure(hint) > c.w {
			hint = " keys: in the dialog   ! stops automation"
		}
		c.line(m.th.dim, hint)
		return
	}
	for i := range m.keys {
		if b := &m.keys[i]; b.short != "" && b.shown(m.at) {
			list = append(list, b)
		}
	}
	if in := m.incident(); in != nil && in.Closed.IsZero() && (m.at == scrIncident || !in.Attack.Hostile()) {
		recommendedFirst(list, in)
	}
	gap := 2
	if c.w < 110 {
		gap = 1
	}
	edge := c.w - measure(approve) - measure(stop) - measure(help) - 1
	c.put("", " ")
	for _, b := range list {
		if b.on != nil && b.shown(scrOverview) && len(m.table.rows) == 0 && (m.at == scrOverview || m.at == scrSuspects) {
			continue // there is no row that it could be used on
		}
		k := keyName(b.keys[0])
		if c.col+measure(k)+1+measure(b.short)+gap > edge {
			continue
		}
		p, key := m.th.text, m.th.key
		if b.why != nil && b.why(m) != "" {
			if c.w < 80 || m.at == scrIncident {
				continue // room is short, or it would read as advice: only what can be used now
			}
			p, key = m.th.dim, m.th.dim
		}
		c.put(key, k)
		c.put(p, " "+b.short+"  "[:gap])
	}
	c.space("", edge)
	c.put(m.th.warn, approve)
	c.put(m.th.danger, stop)
	c.put(m.th.key, help)
	c.end()
}

// recommendedFirst moves the keys of what is recommended against in to the
// front of the key line, the first recommendation first.
func recommendedFirst(list []*binding, in *detect.Incident) {
	front := 0
	for _, me := range in.Measures {
		name, _, _ := strings.Cut(string(me), "_") // block_sources, scale_up
		if i := slices.IndexFunc(list[front:], func(b *binding) bool { return b.name == name }); i >= 0 {
			b := list[front+i]
			copy(list[front+1:front+i+1], list[front:front+i])
			list[front] = b
			front++
		}
	}
}

// keyName writes a key as the cap does.
func keyName(k string) string {
	switch k {
	case " ":
		return "space"
	}
	return strings.ReplaceAll(k, "shift+tab", "S-tab")
}

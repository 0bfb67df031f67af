package tui

import (
	"slices"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"
)

// What keys do to the view. Nothing here starts an act.

func (m *Model) resort() {
	m.table.release(m.opt.Now()) // an order asked for comes at once
	m.table.load(m.d, m.opt.Now(), false)
}

func (m *Model) nextSort() {
	i := slices.Index(sortKeys, m.table.sort)
	m.table.sort, m.table.up = sortKeys[(i+1)%len(sortKeys)], false
	m.resort()
}

func (m *Model) toggleHold() {
	m.table.pinned = !m.table.pinned
	m.table.release(m.opt.Now())
	m.table.load(m.d, m.opt.Now(), false)
}

func (m *Model) follow() {
	m.table.follow = true
	m.table.release(m.opt.Now())
	m.table.pinned = false
	m.table.load(m.d, m.opt.Now(), false)
	m.say("info", "the cursor follows the worst source until you move it")
}

func (m *Model) setFilter(f *filter) {
	m.table.filter = f
	m.table.release(m.opt.Now())
	m.table.pinned = false
	m.table.load(m.d, m.opt.Now(), false)
	if m.scope.of != nil {
		m.rescope()
	}
}

// needsYou is the filter behind f.
const needsYou = "!state:blocked,job,sending,allow,limited,dry"

func (m *Model) onlyOpen() {
	if m.table.filter != nil && m.table.filter.text == needsYou {
		m.setFilter(nil)
		return
	}
	f, err := parseFilter(needsYou)
	if err != nil {
		m.say("warn", err.Error())
		return
	}
	m.setFilter(f)
}

func (m *Model) askFilter() {
	if s, ok := m.screens[m.at].(finder); ok {
		m.askNeedle(s)
		return
	}
	old := m.table.filter
	if m.at != scrOverview && m.at != scrSuspects {
		m.goTo(scrSuspects)
	}
	p := &prompt{lead: "/"}
	if old != nil {
		p.set(old.text)
	}
	p.changed = func(m *Model, text string) error {
		f, err := parseFilter(text)
		if err == nil {
			m.setFilter(f)
		}
		return err
	}
	p.accept = func(m *Model, _ string) tea.Cmd { return nil }
	p.cancel = func(m *Model) { m.setFilter(old) }
	m.prompt = p
}

// finder is a list that can be narrowed by text.
type finder interface {
	find(m *Model, text string)
	sought() string
}

func (s *blocksScreen) sought() string { return s.needle }
func (s *auditScreen) sought() string  { return s.needle }

// askNeedle narrows a list of decisions while the text is typed.
func (m *Model) askNeedle(s finder) {
	old := s.sought()
	p := &prompt{lead: "/", plain: true}
	p.set(old)
	p.changed = func(m *Model, text string) error {
		s.find(m, text)
		return nil
	}
	p.accept = func(*Model, string) tea.Cmd { return nil }
	p.cancel = func(m *Model) { s.find(m, old) }
	m.prompt = p
}

// sameNetwork filters by the network of the selected source.
func (m *Model) sameNetwork() {
	rows := m.chosen()
	if len(rows) == 0 {
		return
	}
	s := rows[0].s
	text := "asn:" + strconv.FormatUint(uint64(s.ASN), 10)
	if s.ASN == 0 {
		text = "ip:" + networkOf(s.Key).String()
	}
	f, err := parseFilter(text)
	if err != nil {
		m.say("warn", err.Error())
		return
	}
	m.setFilter(f)
	m.goTo(scrSuspects)
}

// cycle opens the next of the numbered screens.
func (m *Model) cycle(step int) {
	const numbered = int(scrFleet) + 1
	at := int(m.at)
	if at >= numbered {
		at = 0
		step = 0
	}
	m.goTo(screenID((at + step + numbered) % numbered))
}

func (m *Model) toggleHelp() {
	if m.at == scrHelp {
		m.goBack()
		return
	}
	m.screens[scrHelp].(*helpScreen).from = m.at
	m.goTo(scrHelp)
}

// stepBack leaves a source's prefix for its address before it leaves the screen.
func (m *Model) stepBack() {
	if m.at == scrSource && m.screens[scrSource].(*sourceScreen).narrow(m) {
		return
	}
	m.goBack()
}

// escape leaves a detail; on a list it takes away marks, then the filter.
func (m *Model) escape() {
	if s, ok := m.screens[m.at].(finder); ok && s.sought() != "" {
		s.find(m, "")
		return
	}
	switch {
	case m.at != scrOverview && m.at != scrSuspects:
		m.stepBack()
	case len(m.table.marks) > 0:
		clear(m.table.marks)
	case m.chart.cursor > 0:
		m.chart.cursor = 0
	case m.table.filter != nil && m.table.filter.text != "":
		m.setFilter(nil)
	case m.table.pinned:
		m.toggleHold()
	case m.at == scrSuspects:
		m.goBack()
	}
}

// mouse: the wheel moves, a click selects the row under it. Nothing else: no
// click acts, confirms or closes.
func (m *Model) mouse(msg tea.MouseMsg) {
	if m.dialog != nil || m.prompt != nil {
		return
	}
	switch {
	case msg.Button == tea.MouseButtonWheelUp:
		m.screens[m.at].move(m, -1)
	case msg.Button == tea.MouseButtonWheelDown:
		m.screens[m.at].move(m, 1)
	case msg.Button == tea.MouseButtonLeft && msg.Action == tea.MouseActionPress:
		m.click(msg.Y)
	}
}

// click selects the row drawn on line y.
func (m *Model) click(y int) {
	var l *list
	switch s := m.screens[m.at].(type) {
	case *overviewScreen, *suspectsScreen:
		t := m.table
		if i := t.top + y - t.line; t.line >= 0 && y >= t.line && y < t.line+t.page && i < len(t.rows) {
			t.move(i-t.cursor, m.opt.Now())
		}
		return
	case *blocksScreen:
		l = &s.list
	case *auditScreen:
		l = &s.list
	case *jobsScreen:
		l = &s.list
	case *fleetScreen:
		l = &s.list
	default:
		return
	}
	if i := l.at(y); i >= 0 {
		l.move(i - l.cursor)
	}
}

// zoom changes the chart's span and fetches what it needs at once.
func (m *Model) zoom(step int) {
	m.chart.zoom(step)
	m.chart.lines = nil
	m.recall()
}

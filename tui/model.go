package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// How often a session loads the latest snapshot and draws it: a calm screen
// needs no more than one frame a second; under attack each snapshot is drawn,
// of which there are four a second. Nothing ticks in between: Bubble Tea draws
// after each message, and compares a frame that is like the one before with it
// thirty times a second.
const (
	lively = 250 * time.Millisecond
	calmly = time.Second
)

// tickMsg says that it is time to load the next snapshot.
type tickMsg struct{}

// Model is one session's console.
type Model struct {
	feed  Feed
	op    Operator
	looks string // what the others were told that this person looks at
	opt   Options
	ctx   context.Context
	th    *theme
	keys  []binding
	w, h  int
	d     *data

	at      screenID
	trail   []screenID // where - goes back to
	screens [screenCount]screen
	table   *table
	chart   chart
	scope   scope

	dialog                dialog
	dialogTop, dialogMore int // first line shown of a dialog that does not fit, and how many lines are out of sight
	prompt                *prompt
	quiet                 quiet
	notices               []actions.Notice // oldest first, at most 500
	told                  told
	seen                  uint64   // newest notice loaded
	history               []string // command lines, oldest first
	calls                 int      // numbers the calls of the operator, so that late answers are told apart
	paper                 []byte   // memory that the next frame is drawn in
}

// New returns a console for one session. op may be nil: then nothing can be
// done, only looked at. An Options field that can't be taken is told on the
// message line, and its default is used.
func New(feed Feed, op Operator, opt Options) *Model {
	opt = opt.withDefaults()
	m := &Model{feed: feed, op: op, opt: opt, ctx: context.Background(), d: emptyData(), table: newTable()}
	m.chart.span = 5 * time.Minute
	var err error
	if m.th, err = newTheme(opt.Theme, opt.Renderer, opt.NoColor); err != nil {
		m.say("warn", err.Error())
		m.th, _ = newTheme("", opt.Renderer, opt.NoColor) // the default theme always exists
	}
	if m.chart.dots, err = chartDots(opt.Chart); err != nil {
		m.say("warn", err.Error())
		m.chart.dots = true
	}
	if m.keys, err = newBindings(opt.Keys); err != nil {
		m.say("warn", err.Error())
	}
	if err := m.table.setColumns(opt.Columns); err != nil {
		m.say("warn", err.Error())
	}
	if opt.Filter != "" {
		if f, err := parseFilter(opt.Filter); err != nil {
			m.say("warn", "filter: "+err.Error())
		} else {
			m.table.filter = f
		}
	}
	m.screens = newScreens()
	m.load()
	return m
}

// Init starts the session's tick.
func (m *Model) Init() tea.Cmd {
	if m.opt.Mouse {
		return tea.Batch(m.tick(), tea.EnableMouseCellMotion)
	}
	return m.tick()
}

// pace is how long the present frame stands when no key is pressed.
func (m *Model) pace() time.Duration {
	if m.d.hostile() || m.dialog != nil || m.recent() {
		return lively
	}
	return calmly
}

func (m *Model) tick() tea.Cmd {
	return tea.Tick(m.pace(), func(time.Time) tea.Msg { return tickMsg{} })
}

// Update takes one message. It does no I/O.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tickMsg:
		m.load()
		return m, tea.Batch(m.tick(), m.renew())
	case tea.WindowSizeMsg:
		m.w, m.h = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.press(msg)
	case tea.MouseMsg:
		m.mouse(msg)
	case planMsg:
		return m, m.planned(msg)
	case commitMsg:
		m.committed(msg)
	case codeMsg:
		return m, m.coded(msg)
	case approvedMsg:
		m.approved(msg)
	case ranMsg:
		m.ran(msg)
	case reloadedMsg:
		m.reloaded(msg)
	case saidMsg:
		m.say(msg.level, msg.text)
	}
	return m, nil
}

// load takes the station's latest state and lets the screens follow it.
func (m *Model) load() {
	before := m.d
	m.d = load(m.feed, m.d, m.opt.Shared, m.opt.StaleAfter)
	if m.op != nil { // asked anew: a role may change while somebody sits here
		m.d.me = m.op.Actor()
		m.d.acts = m.d.me.Role == actions.Operator || m.d.me.Role == actions.Admin
	}
	if m.d.acts {
		m.d.waits = m.waiting()
	}
	news := m.feed.Notices(m.seen)
	for _, n := range news {
		m.seen = max(m.seen, n.Seq)
		if !m.told.repeats(&n, m.d.me.Name) {
			m.wayBack(&n)
			m.remember(n)
		}
	}
	m.scope.load(m)
	m.recall()
	m.table.load(m.d, m.opt.Now(), m.dialog != nil)
	m.screens[m.at].load(m)
	m.watchOthers(before)
	if l, ok := m.op.(interface{ Looks(at string) }); ok {
		if at := m.screens[m.at].title(m); at != m.looks {
			m.looks = at
			l.Looks(at)
		}
	}
}

// recall fetches what the chart needs beyond the snapshot's seconds.
func (m *Model) recall() {
	m.chart.past = nil
	if h, ok := m.feed.(Historian); ok && m.chart.span > perSecond && !m.scoped() {
		m.chart.past = h.History(m.chart.span)
	}
}

// watchOthers tells of what someone else did that this session must know.
func (m *Model) watchOthers(before *data) {
	was, is := before.board.Auto, m.d.board.Auto
	if !was.Armed || is.Armed || is.DisarmedBy == "" || is.DisarmedBy == m.d.me.Name || m.dialog != nil {
		return
	}
	m.open(&noteDialog{
		title: "Automation was stopped",
		words: []string{is.DisarmedBy + " stopped all automation" + sinceText(is.Since) + ".", m.named("Blocks that stand stay until their TTL ends. Nothing new is done by itself until someone arms it again with {auto}.")},
	}, true)
}

// remember keeps a message for the message screen.
func (m *Model) remember(n actions.Notice) {
	n.Text = briefly(inWords(n.Text))
	m.notices = append(m.notices, n)
	if len(m.notices) > 500 {
		m.notices = append(m.notices[:0], m.notices[len(m.notices)-400:]...)
	}
}

// say puts this session's own words on the message line.
func (m *Model) say(level, text string) {
	at := m.d.now()
	if at.IsZero() {
		at = m.opt.Now()
	}
	m.remember(actions.Notice{Time: at, Level: level, Text: text})
}

// recent reports whether a key was pressed just now, so that the screen
// follows closely.
func (m *Model) recent() bool { return m.opt.Now().Sub(m.quiet.last) < 3*time.Second }

// goTo opens a screen and remembers where it came from.
func (m *Model) goTo(id screenID) {
	if id == m.at {
		return
	}
	m.trail = append(m.trail, m.at)
	if len(m.trail) > 20 {
		m.trail = m.trail[1:]
	}
	m.at = id
	m.screens[id].load(m)
}

// goBack returns to the screen before; on the first one it does nothing.
func (m *Model) goBack() {
	if n := len(m.trail); n > 0 {
		m.at, m.trail = m.trail[n-1], m.trail[:n-1]
		m.screens[m.at].load(m)
		return
	}
	if m.at != scrOverview {
		m.at = scrOverview
	}
}

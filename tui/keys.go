package tui

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// binding is one thing a key does. Help, the key line and what a key that can't
// be used says are all made from these.
type binding struct {
	name  string   // for Options.Keys
	keys  []string // as Bubble Tea names them
	short string   // on the key line; "" keeps it off
	help  string   // on the help screen
	group string
	on    []screenID            // nil: everywhere
	why   func(m *Model) string // why it can't be used now; nil or "": it can
	do    func(m *Model) tea.Cmd
}

func (b *binding) shown(at screenID) bool { return b.on == nil || slices.Contains(b.on, at) }

var (
	inTable  = []screenID{scrOverview, scrSuspects}
	onRows   = []screenID{scrOverview, scrSuspects, scrIncident, scrBlocks, scrAudit, scrFleet, scrSource}
	onSource = []screenID{scrOverview, scrSuspects, scrSource}
	onBlock  = []screenID{scrOverview, scrSuspects, scrSource, scrIncident}
	onUndo   = []screenID{scrOverview, scrSuspects, scrSource, scrIncident, scrBlocks, scrAudit}
)

// mayAct says why this session can't act at all.
func mayAct(m *Model) string {
	switch {
	case m.op == nil:
		return "this console only shows: connect to a levee with an account that may act"
	case !m.d.acts:
		return "your role is " + string(m.d.me.Role) + ": it may look, not act. Ask an operator"
	}
	return ""
}

// newBindings returns the keys; over replaces those of single actions.
func newBindings(over map[string]string) ([]binding, error) {
	bs := defaultBindings()
	names := make([]string, 0, len(over))
	for n := range over {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		i := slices.IndexFunc(bs, func(b binding) bool { return b.name == n })
		if i < 0 {
			return defaultBindings(), fmt.Errorf("keys: there is no action %q; the help screen names them", n)
		}
		bs[i].keys = strings.Fields(strings.ReplaceAll(over[n], "space", "\x00"))
		for j, k := range bs[i].keys {
			bs[i].keys[j] = strings.ReplaceAll(k, "\x00", " ")
		}
		if n == "stop" && !slices.Contains(bs[i].keys, "!") {
			return defaultBindings(), fmt.Errorf("keys: stop stays on !: whoever comes to help must find it there")
		}
		if len(bs[i].keys) == 0 {
			return defaultBindings(), fmt.Errorf("keys: %s has no key: give at least one", n)
		}
	}
	for i := range bs {
		for j := range bs[:i] {
			for _, k := range bs[i].keys {
				if slices.Contains(bs[j].keys, k) && overlap(bs[i].on, bs[j].on) {
					return defaultBindings(), fmt.Errorf("keys: %q is given to both %s and %s; give one of them another", k, bs[j].name, bs[i].name)
				}
			}
		}
	}
	return bs, nil
}

func overlap(a, b []screenID) bool {
	if a == nil || b == nil {
		return true
	}
	return slices.ContainsFunc(a, func(s screenID) bool { return slices.Contains(b, s) })
}

// press takes one key.
func (m *Model) press(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 && !msg.Paste && m.prompt == nil && m.dialog == nil {
		if parts := m.parts(msg); len(parts) > 0 {
			var out []tea.Cmd
			for _, k := range parts {
				out = append(out, m.press(k))
			}
			return tea.Batch(out...)
		}
	}
	key := msg.String()
	now := m.opt.Now()
	ignored := m.quiet.swallow(now)
	switch {
	case key == "ctrl+c":
		return tea.Quit
	case len(key) > 1 && m.redraws(key): // in a prompt and a dialog too
		return tea.ClearScreen
	case msg.Paste && m.prompt == nil:
		m.say("warn", m.named("a paste is not taken for keys; {command} or {filter} take text"))
		return nil
	case m.prompt != nil:
		return m.prompt.press(m, msg)
	case key != "" && strings.Trim(key, "!") == "": // hammered on over a slow line, it comes as one key
		return m.panicKey()
	case m.dialog != nil && ignored:
		return nil
	case m.dialog != nil:
		return m.dialog.press(m, msg)
	}
	for i := range m.keys {
		b := &m.keys[i]
		if !slices.Contains(b.keys, key) || !b.shown(m.at) {
			continue
		}
		return m.use(b, keyName(key)+" ("+b.name+")")
	}
	for i := range m.keys {
		if b := &m.keys[i]; slices.Contains(b.keys, key) {
			m.say("info", keyName(key)+" ("+b.name+") does nothing on this screen; it works on "+m.screenNames(b.on))
			return nil
		}
	}
	if key == "ctrl+z" {
		m.say("info", m.named("ctrl+z does not suspend the console; {quit} leaves it"))
		return nil
	}
	m.say("info", "no action on "+fmt.Sprintf("%q", key)+m.named("; {help} lists the keys"))
	return nil
}

// use does what b is for, or says why it can't be used now; called is how the
// operator asked for it.
func (m *Model) use(b *binding, called string) tea.Cmd {
	if b.why != nil {
		if why := b.why(m); why != "" {
			m.say("warn", called+" can't be used: "+why)
			return nil
		}
	}
	return b.do(m)
}

// parts takes keys apart that a slow line delivered as one: the beginning of a
// text line with its text, and a key that moves, held down. Anything else stays
// whole and does nothing: it may be a paste, and a paste must not act.
func (m *Model) parts(msg tea.KeyMsg) []tea.KeyMsg {
	one := func(rs ...rune) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: rs} }
	first := string(msg.Runes[0])
	for i := range m.keys {
		b := &m.keys[i]
		if !slices.Contains(b.keys, first) || !b.shown(m.at) {
			continue
		}
		if b.name == "command" || b.name == "filter" {
			return []tea.KeyMsg{one(msg.Runes[0]), one(msg.Runes[1:]...)}
		}
		if b.name != "down" && b.name != "up" || strings.Trim(string(msg.Runes), first) != "" {
			return nil
		}
		var out []tea.KeyMsg
		for _, r := range msg.Runes {
			out = append(out, one(r))
		}
		return out
	}
	return nil
}

func (m *Model) screenNames(ids []screenID) string {
	var out []string
	for _, id := range ids {
		if id == scrSource {
			out = append(out, m.named("a source ({detail})"))
			continue
		}
		out = append(out, m.screens[id].title(m)+" ("+m.keyOf(screenActions[id])+")")
	}
	return strings.Join(out, ", ")
}

// panicKey stops all automation at once, without a question.
func (m *Model) panicKey() tea.Cmd {
	if m.op == nil {
		m.say("warn", mayAct(m))
		return nil
	}
	if !m.d.board.Auto.Armed {
		m.say("info", m.named("automation is already stopped; {auto} arms it again"))
		return nil
	}
	m.say("warn", "stopping all automation…")
	return m.run(m.named("all automation is stopped; what stands stays until its TTL ends. {auto} arms it again"), m.op.Disarm)
}

// quiet makes keys that were typed for something else go nowhere: after a
// dialog appeared unasked, until the keyboard has rested for 425 ms.
type quiet struct {
	last  time.Time // the last key
	armed bool
	since time.Time // when it was armed, if no key came yet
}

// quietFor is longer than the pause between two keys of a fast typist and
// shorter than the time to read a title.
const quietFor = 425 * time.Millisecond

// arm begins to swallow.
func (q *quiet) arm(now time.Time) { q.armed, q.since = true, now }

// swallow notes a key and reports whether it is to be ignored.
func (q *quiet) swallow(now time.Time) bool {
	from := q.last
	if q.since.After(from) {
		from = q.since
	}
	q.last = now
	if q.armed && now.Sub(from) < quietFor {
		return true
	}
	q.armed = false
	return false
}

func newestAct(m *Model) *actions.Decision { return latestOf(m.d.board, m.d.me.Name) }

// keyOf is the key of an action as a message names it.
func (m *Model) keyOf(name string) string {
	for i := range m.keys {
		if m.keys[i].name == name {
			return keyName(m.keys[i].keys[0])
		}
	}
	return ":" + name
}

// redraws reports whether key draws the screen anew.
func (m *Model) redraws(key string) bool {
	return slices.ContainsFunc(m.keys, func(b binding) bool { return b.name == "redraw" && slices.Contains(b.keys, key) })
}

package tui

import (
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// do wraps a change of the view, which starts nothing.
func do(f func(m *Model)) func(m *Model) tea.Cmd {
	return func(m *Model) tea.Cmd {
		f(m)
		return nil
	}
}

func move(n int) func(m *Model) tea.Cmd {
	return do(func(m *Model) { m.screens[m.at].move(m, n) })
}

func page(sign int) func(m *Model) tea.Cmd {
	return do(func(m *Model) { m.screens[m.at].move(m, sign*max(m.h-12, 3)) })
}

// screenActions name the numbered screens for Options.Keys.
var screenActions = [...]string{"overview", "suspects", "incident", "blocks", "jobs", "audit", "auto-mode", "health", "sessions", "fleet"}

// defaultBindings is every key of the console.
func defaultBindings() []binding {
	bs := []binding{
		{name: "detail", keys: []string{"enter"}, short: "detail", on: onRows, group: "Move", help: "open what is selected; on a source, its requests in full; never confirms anything", do: do(func(m *Model) { m.screens[m.at].enter(m) })},
		{name: "block", keys: []string{"b"}, short: "block", group: "Act", help: "block the marked or selected sources; on an incident, its sources. Shows the impact and asks", on: onBlock, why: whyNotBlock, do: (*Model).askBlock},
		{name: "preview", keys: []string{"B"}, group: "Act", help: "show what a block would do, without the possibility to confirm", on: onBlock, why: whyNotBlock, do: (*Model).askPreview},
		{name: "unblock", keys: []string{"x"}, short: "unblock", group: "Act", help: "lift the block of the selected source or row", on: onUndo, why: whyNotUnblock, do: (*Model).askUnblock},
		{name: "undo", keys: []string{"u"}, short: "undo", group: "Act", help: "undo your latest act that is still in force (on Blocks: the selected one)", why: whyNotUndo, do: (*Model).askUndo},
		{name: "filter", keys: []string{"/"}, short: "filter", group: "Choose", help: "filter the suspects: path:/login asn:9009 score>80 !state:blocked ua~^curl", do: do((*Model).askFilter)},
		{name: "screens", keys: []string{"0-9"}, short: "screens", group: "", help: "", do: do(func(*Model) {})},
		{name: "allow", keys: []string{"w"}, short: "allow", group: "Act", help: "allow the source: no block touches it", on: onSource, why: mayAct, do: (*Model).askAllow},
		{name: "mark", keys: []string{" "}, short: "mark", group: "Choose", help: "mark the selected source, for one act on many", on: inTable, do: do(func(m *Model) { m.table.mark(m.opt.Now()) })},
		{name: "mark-range", keys: []string{"v"}, group: "Choose", help: "mark from the last mark to here", on: inTable, do: do(func(m *Model) { m.table.markRange(m.opt.Now()) })},
		{name: "sort", keys: []string{"o"}, short: "sort", group: "Choose", help: "sort by the next column", on: inTable, do: do((*Model).nextSort)},
		{name: "sort-reverse", keys: []string{"O"}, group: "Choose", help: "turn the order round", on: inTable, do: do(func(m *Model) { m.table.up = !m.table.up; m.resort() })},
		{name: "hold", keys: []string{"z"}, short: "hold", group: "Choose", help: "hold the order of the rows until {hold} again (a few seconds are held by themselves after each move)", on: inTable, do: do((*Model).toggleHold)},
		{name: "choose-columns", keys: []string{"V"}, group: "Choose", help: "choose the columns and their order", on: inTable, do: (*Model).askColumns},
		{name: "open-only", keys: []string{"f"}, short: "needs you", group: "Choose", help: "show only the suspects that nobody has dealt with; {open-only} again shows all", on: inTable, do: do((*Model).onlyOpen)},
		{name: "follow", keys: []string{"F"}, group: "Choose", help: "let the cursor stay on the worst source again", on: inTable, do: do((*Model).follow)},
		{name: "scale", keys: []string{"s"}, short: "scale", group: "Act", help: "ask Jenkins for more servers", why: mayAct, do: (*Model).askScale},
		{name: "throttle", keys: []string{"t"}, short: "throttle", group: "Act", help: "throttle the incident's signature where requests arrive", on: []screenID{scrIncident}, why: whyNoIncident, do: (*Model).askThrottle},
		{name: "harden", keys: []string{"h"}, short: "harden", group: "Act", help: "harden the incident's service", on: []screenID{scrIncident}, why: whyNoIncident, do: (*Model).askHarden},
		{name: "auto", keys: []string{"A"}, short: "auto", group: "Act", help: "turn auto mode on (asks) or off (at once); arm automation again after !", why: mayAct, do: (*Model).toggleAuto},
		{name: "stop", keys: []string{"!"}, group: "Act", help: "stop all automation at once, here and in the fleet; asks nothing. {auto} arms it again", do: (*Model).panicKey},
		{name: "own", keys: []string{"o"}, short: "own", group: "Act", help: "make the incident yours; from somebody else it asks first", on: []screenID{scrIncident}, why: whyNoCase, do: (*Model).takeIncident},
		{name: "note", keys: []string{"N"}, short: "note", group: "Act", help: "write a note about the incident; it is in the hand-over text", on: []screenID{scrIncident}, why: whyNoCase, do: (*Model).askNote},
		{name: "approve", keys: []string{"P"}, group: "Act", help: "be the second person for what another operator asks for; shows it and asks", why: whyNotApprove, do: (*Model).askApprove},
		{name: "next", keys: []string{"n"}, short: "next", group: "Move", help: "the next incident", on: []screenID{scrIncident}, do: do(func(m *Model) { m.screens[scrIncident].(*incidentScreen).next(m) })},
		{name: "prefix", keys: []string{"p"}, short: "prefix", group: "Move", help: "from an address up to its /24 or /48", on: []screenID{scrSource}, do: do(func(m *Model) { m.screens[scrSource].(*sourceScreen).widen(m) })},
		{name: "neighbour", keys: []string{"n"}, short: "neighbour", group: "Move", help: "open the first active neighbour", on: []screenID{scrSource}, do: do(func(m *Model) { m.screens[scrSource].(*sourceScreen).neighbour(m, 0) })},
		{name: "network", keys: []string{"a"}, short: "network", group: "Move", help: "list the suspects of the same network (ASN)", on: []screenID{scrSource, scrSuspects, scrOverview}, do: do((*Model).sameNetwork)},
		{name: "copy", keys: []string{"c"}, short: "copy", group: "Other", help: "copy the source's address (or the incident's hand-over text) to your clipboard", do: (*Model).copySelected},
		{name: "copy-csv", keys: []string{"C"}, group: "Other", help: "copy the rows of this screen as CSV; :export FILE writes a file", do: func(m *Model) tea.Cmd { return m.copySheet("csv") }},
		{name: "copy-json", keys: []string{"J"}, group: "Other", help: "copy them as JSON, one object a line", do: func(m *Model) tea.Cmd { return m.copySheet("json") }},
		{name: "command", keys: []string{":"}, short: "cmd", group: "Other", help: "type a command: :block 192.0.2.1 30m, :sort rps, :theme light … (tab completes)", do: do((*Model).askCommand)},
		{name: "back", keys: []string{"-", "backspace"}, group: "Move", help: "back to the screen before", do: do((*Model).stepBack)},
		{name: "escape", keys: []string{"esc"}, group: "Move", help: "leave a detail; clear marks, then the filter", do: do((*Model).escape)},
		{name: "down", keys: []string{"j", "down"}, group: "Move", help: "down; the order holds still for a while", do: move(1)},
		{name: "up", keys: []string{"k", "up"}, group: "Move", help: "up", do: move(-1)},
		{name: "page-down", keys: []string{"pgdown", "ctrl+d", "ctrl+f"}, group: "Move", help: "a page down", do: page(1)},
		{name: "page-up", keys: []string{"pgup", "ctrl+u", "ctrl+b"}, group: "Move", help: "a page up", do: page(-1)},
		{name: "top", keys: []string{"g", "home"}, group: "Move", help: "to the first row", do: move(-1 << 30)},
		{name: "bottom", keys: []string{"G", "end"}, group: "Move", help: "to the last row", do: move(1 << 30)},
		{name: "next-screen", keys: []string{"tab"}, group: "Move", help: "the next screen", do: do(func(m *Model) { m.cycle(1) })},
		{name: "previous-screen", keys: []string{"shift+tab"}, group: "Move", help: "the screen before in the row", do: do(func(m *Model) { m.cycle(-1) })},
		{name: "zoom-in", keys: []string{"+", "="}, group: "Chart", help: "a shorter span: 24 hours, 1 hour, 5 minutes", on: []screenID{scrOverview}, do: do(func(m *Model) { m.zoom(-1) })},
		{name: "zoom-out", keys: []string{"_"}, group: "Chart", help: "a longer span", on: []screenID{scrOverview}, do: do(func(m *Model) { m.zoom(1) })},
		{name: "chart-left", keys: []string{"left"}, group: "Chart", help: "what was at that moment: move the chart's cursor", on: []screenID{scrOverview}, do: do(func(m *Model) { m.chart.cursor = min(m.chart.cursor+1, max(m.w, 1)) })},
		{name: "chart-right", keys: []string{"right"}, group: "Chart", help: "move it back towards now", on: []screenID{scrOverview}, do: do(func(m *Model) { m.chart.cursor = max(m.chart.cursor-1, 0) })},
		{name: "scope", keys: []string{"S"}, group: "Chart", help: "charts and tops count only the suspects that pass the filter; {scope} again: all traffic", on: inTable, do: do((*Model).toggleScope)},
		{name: "messages", keys: []string{"M"}, group: "Screens", help: "messages, latest first", do: do(func(m *Model) { m.goTo(scrMessages) })},
		{name: "help", keys: []string{"?"}, group: "Screens", help: "this help", do: do((*Model).toggleHelp)},
		{name: "redraw", keys: []string{"ctrl+l"}, group: "Other", help: "draw the whole screen anew, where something else wrote over it", do: redraw},
		{name: "quit", keys: []string{"q"}, group: "Other", help: "leave a detail; on the numbered screens leave the console (ctrl+c does anywhere)", do: (*Model).askQuit},
	}
	open := func(id screenID) func(m *Model) {
		return func(m *Model) {
			if in, ok := m.screens[id].(*incidentScreen); ok && m.d.top != nil && m.at != id {
				in.id = m.d.top.ID // the one the banner tells of
			}
			m.goTo(id)
		}
	}
	helps := [...]string{"traffic and the worst suspects", "all suspects", "the incident: what, why, what to do", "what is in force, with TTL", "Jenkins jobs",
		"what was decided, and by whom", "what auto mode does next and why not more", "inputs, enforcers, memory, lag", "who is here", "the whole fleet from Elasticsearch, beside this levee"}
	for i, n := range screenActions {
		bs = append(bs, binding{name: n, keys: []string{strconv.Itoa((i + 1) % 10)}, group: "Screens", help: helps[i],
			do: do(open(screenID(i)))})
	}
	return bs
}

func redraw(*Model) tea.Cmd { return tea.ClearScreen }

func whyNotBlock(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	if m.at == scrIncident {
		if why := whyNoIncident(m); why != "" {
			return why
		}
		if in := m.incident(); in.Enrolled == 0 {
			return m.named("no single source of it is worth a block; {throttle} throttles what they share")
		} else if m.d.parts[in.ID].left == 0 {
			return m.named("all of its listed sources are dealt with: {blocks} shows them")
		}
		return ""
	}
	n := len(m.chosen())
	if n == 0 {
		return "no source is selected"
	}
	if n > 1 && m.d.stale {
		return "the data is " + age(m.d.status.DataAge) + m.named(" old: many at once is off until it is fresh ({health} shows the inputs). Single sources can be blocked")
	}
	return ""
}

func whyNoIncident(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	in := m.incident()
	switch {
	case in == nil:
		return "no incident is open"
	case !in.Closed.IsZero():
		return "this incident is over"
	case !in.Attack.Hostile():
		return "a " + attackName(in.Attack) + m.named(" is no attack: blocking would hit real visitors. {scale} adds servers")
	case m.d.stale:
		return "the data is " + age(m.d.status.DataAge) + " old: acts on many sources are off until it is fresh"
	}
	return ""
}

func whyNotUnblock(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	if len(m.lifted()) == 0 {
		return "nothing that is in force is selected"
	}
	return ""
}

func whyNotUndo(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	if m.undoable() == nil {
		return m.named("you have no act in force; {blocks} lists all blocks, {unblock} lifts one")
	}
	return ""
}

// undoable is the decision that u would undo.
func (m *Model) undoable() *actions.Decision {
	if m.at == scrBlocks {
		return m.screens[scrBlocks].(*blocksScreen).selected(m)
	}
	return newestAct(m)
}

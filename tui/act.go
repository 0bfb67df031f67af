package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
	"levee/detect"
)

// callFor bounds one call of the operator; after it the outcome is unknown.
const callFor = 60 * time.Second

// Answers of the operator. The number tells which call they answer.
type (
	planMsg struct {
		call int
		plan actions.Plan
		err  error
	}
	commitMsg struct {
		call int
		what string
		undo bool      // it takes an act back
		sent time.Time // by the station's clock
		done []actions.Decision
		err  error
	}
	ranMsg struct {
		ok   string
		sent time.Time // by the station's clock
		err  error
	}
	saidMsg struct{ level, text string }
)

// run calls f outside Update and says ok or what went wrong.
func (m *Model) run(ok string, f func(context.Context) error) tea.Cmd {
	ctx, sent := m.ctx, m.d.now()
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		return ranMsg{ok, sent, f(ctx)}
	}
}

func (m *Model) ran(msg ranMsg) {
	if msg.err != nil {
		m.say("error", msg.err.Error())
		return
	}
	m.hush(msg.sent)
	m.say("ok", msg.ok)
	m.load()
}

// chosen are the sources an act is meant for, on any screen.
func (m *Model) chosen() []row {
	if m.at == scrSource {
		s := m.screens[scrSource].(*sourceScreen)
		if !s.at.IsValid() {
			return nil
		}
		return []row{{s: &s.view.Suspect, st: m.d.stand.of(s.at, m.d.now())}}
	}
	if m.at == scrOverview || m.at == scrSuspects {
		return m.table.targets()
	}
	return nil
}

// chosenTargets are their prefixes.
func (m *Model) chosenTargets() []actions.Target {
	var out []actions.Target
	if m.at == scrSource {
		return append(out, actions.Target{Prefix: m.screens[scrSource].(*sourceScreen).at})
	}
	for _, r := range m.chosen() {
		out = append(out, actions.Target{Prefix: r.s.Key})
	}
	return out
}

// blockRequest asks for a block of what is chosen, with the reasons the
// detector gives.
func (m *Model) blockRequest() actions.Request {
	r := actions.Request{Verb: actions.Block, TTL: 30 * time.Minute, Actor: m.d.me}
	if m.at == scrIncident {
		in := m.screens[scrIncident].(*incidentScreen).incident(m)
		r.Attack, r.Incident, r.Reason = in.Attack, in.ID, attackName(in.Attack)+" on "+orNone(in.Service)
		for i := range m.d.snap.Suspects {
			s := &m.d.snap.Suspects[i]
			if k := m.d.stand.of(s.Key, m.d.now()).kind; s.Incident == in.ID && k != standBlocked && k != standJob && k != standAllow {
				r.Targets = append(r.Targets, actions.Target{Prefix: s.Key})
			}
		}
		return withEvidence(r, in.Evidence)
	}
	rows := m.chosen()
	r.Targets = m.chosenTargets()
	s := rows[0].s
	r.Attack, r.Incident, r.Score, r.Reason = s.Attack, s.Incident, s.Score, attackName(s.Attack)
	if len(rows) > 1 {
		r.Reason = "chosen together by " + m.d.me.Name
	}
	return withEvidence(r, s.Evidence)
}

func withEvidence(r actions.Request, ev []detect.Evidence) actions.Request {
	for _, e := range ev {
		r.Evidence = append(r.Evidence, e.Text)
	}
	return r
}

func (m *Model) askBlock() tea.Cmd {
	r := m.blockRequest()
	if len(r.Targets) == 0 {
		m.say("info", m.named("none of its sources is in the list and not yet blocked: {throttle} throttles the signature"))
		return nil
	}
	return m.ask("Block", r)
}

func (m *Model) askPreview() tea.Cmd {
	r := m.blockRequest()
	if len(r.Targets) == 0 {
		m.say("info", "there is nothing to preview")
		return nil
	}
	cmd := m.ask("Preview of a block of", r)
	m.dialog.(*planDialog).preview = true
	return cmd
}

func (m *Model) askAllow() tea.Cmd {
	t := m.chosenTargets()
	if len(t) == 0 {
		m.say("warn", "no source is selected")
		return nil
	}
	return m.ask("Allow", actions.Request{Verb: actions.Allow, Targets: t, TTL: 6 * time.Hour, Actor: m.d.me, Reason: "allowed from the console"})
}

// lifted are the targets of what is in force on the chosen sources: a source
// blocked with its prefix is lifted with its prefix, and the dialog says so.
func (m *Model) lifted() []actions.Target {
	var out []actions.Target
	add := func(d *actions.Decision) {
		if d == nil || !d.State.Active() || !d.Target.Prefix.IsValid() && d.Target.Signature == nil {
			return
		}
		if !slices.ContainsFunc(out, func(t actions.Target) bool { return t.Prefix == d.Target.Prefix && t.Signature == d.Target.Signature }) {
			out = append(out, d.Target)
		}
	}
	switch m.at {
	case scrBlocks:
		add(m.screens[scrBlocks].(*blocksScreen).selected(m))
	case scrAudit:
		if s := m.screens[scrAudit].(*auditScreen); len(s.all) > 0 {
			add(s.all[s.list.cursor])
		}
	case scrSource:
		add(m.d.stand.of(m.screens[scrSource].(*sourceScreen).at, m.d.now()).decision)
	default:
		for _, r := range m.chosen() {
			add(r.st.decision)
		}
	}
	return out
}

func (m *Model) askUnblock() tea.Cmd {
	cmd := m.ask("Lift", actions.Request{Verb: actions.Unblock, Targets: m.lifted(), Actor: m.d.me, Reason: "lifted from the console"})
	d := m.dialog.(*planDialog)
	d.undoes = m.inForce(d.req.Targets[0])
	return cmd
}

// inForce is what was done to t and still stands.
func (m *Model) inForce(t actions.Target) actions.Verb {
	for i := range m.d.board.Active {
		if d := &m.d.board.Active[i]; d.Target.Key() == t.Key() && d.Verb != actions.Notify {
			return d.Verb
		}
	}
	return actions.Block // the board lists the latest thousand; what is not among them is a block
}

// askUndo undoes one decision, or all that one keystroke brought about: a block
// of 30 sources was one act and is undone as one.
func (m *Model) askUndo() tea.Cmd {
	d := m.undoable()
	op, id := m.op, d.ID
	pd := &planDialog{
		what: "Undo " + verbName(d.Verb) + " of", yes: "undo it now",
		req:  actions.Request{Verb: actions.Unblock, Actor: m.d.me, Reason: "undone from the console"},
		plan: op.Plan, undoes: d.Verb,
	}
	if m.at != scrBlocks {
		pd.req.Targets = m.together(d)
	}
	b, request := m.d.board, d.Request
	many, can := op.(Undoer)
	switch n := len(pd.req.Targets); {
	case can && n > 0 && (n > 1 || b.NActive > len(b.Active)):
		pd.whole = true
		pd.plan = func(ctx context.Context, _ actions.Request) (actions.Plan, error) {
			return many.UndoMany(ctx, actions.UndoFilter{Request: request})
		}
	case n < 2:
		pd.req.Targets, pd.req.Undoes = []actions.Target{d.Target}, id
		pd.plan = func(ctx context.Context, _ actions.Request) (actions.Plan, error) { return op.Undo(ctx, id) }
	}
	m.open(pd, false)
	return pd.replan(m)
}

// cmdUnblock lifts the targets named, or, with --incident, --by and --since,
// whatever was done about an incident, by somebody, or lately.
func (m *Model) cmdUnblock(args []string) (tea.Cmd, error) {
	if len(args) == 0 || !strings.HasPrefix(args[0], "--") {
		return m.actOn("Lift", actions.Unblock, 0, args)
	}
	op, can := m.op.(Undoer)
	if why := mayAct(m); why != "" || !can {
		return nil, errors.New(cmp.Or(why, "many can't be lifted at once from here"))
	}
	const usage = "write TARGET…, or --incident ID, --by NAME and --since 10m"
	if len(args)%2 != 0 {
		return nil, errors.New(usage)
	}
	var f actions.UndoFilter
	for i := 0; i < len(args); i += 2 {
		switch name, value := args[i], args[i+1]; name {
		case "--incident":
			f.Incident = m.d.snap.IncidentID(value)
		case "--by":
			f.By = value
		case "--since":
			ago, err := time.ParseDuration(value)
			if err != nil || ago <= 0 {
				return nil, fmt.Errorf("%q is no time: write for instance --since 10m", value)
			}
			f.Since = m.d.now().Add(-ago)
		default:
			return nil, fmt.Errorf("%q is not known here: %s", name, usage)
		}
	}
	pd := &planDialog{what: "Lift", yes: "lift them all now", undoes: actions.Block, whole: true,
		req:  actions.Request{Verb: actions.Unblock, Actor: m.d.me},
		plan: func(ctx context.Context, _ actions.Request) (actions.Plan, error) { return op.UndoMany(ctx, f) }}
	m.open(pd, false)
	return pd.replan(m), nil
}

// together lists the targets in force of the act that d came from, if an
// unblock lifts such acts.
func (m *Model) together(d *actions.Decision) []actions.Target {
	if d.Verb != actions.Block && d.Verb != actions.Throttle && d.Verb != actions.Harden || d.Request == "" {
		return nil
	}
	var out []actions.Target
	for i := range m.d.board.Active {
		if x := &m.d.board.Active[i]; x.Request == d.Request && x.Verb == d.Verb {
			out = append(out, x.Target)
		}
	}
	return out
}

// incident is what the incident's acts are about: the one on its screen, else
// the banner's. Nil when there is none.
func (m *Model) incident() *detect.Incident {
	if m.at == scrIncident {
		return m.screens[scrIncident].(*incidentScreen).incident(m)
	}
	return m.d.top
}

// service is what s is about.
func (m *Model) service() string {
	if in := m.incident(); in != nil {
		return in.Service
	}
	if len(m.d.snap.Services) > 0 && m.d.snap.Services[0].Name != "_other" {
		return m.d.snap.Services[0].Name
	}
	return ""
}

func (m *Model) askScale() tea.Cmd { return m.askService("Scale up", actions.ScaleUp, m.service()) }

func (m *Model) askService(what string, v actions.Verb, service string) tea.Cmd {
	r := actions.Request{Verb: v, Targets: []actions.Target{{Service: service}}, Actor: m.d.me, Reason: "asked for from the console"}
	if in := m.incident(); in != nil {
		r.Attack, r.Incident = in.Attack, in.ID
	}
	return m.ask(what, r)
}

func (m *Model) askHarden() tea.Cmd { return m.askService("Harden", actions.Harden, m.service()) }

func (m *Model) askThrottle() tea.Cmd {
	in := m.incident()
	sig := in.Signature
	r := actions.Request{Verb: actions.Throttle, TTL: 30 * time.Minute, Actor: m.d.me, Attack: in.Attack, Incident: in.ID,
		Targets: []actions.Target{{Signature: &sig, Service: in.Service}}, Reason: attackName(in.Attack) + " on " + orNone(in.Service)}
	return m.ask("Throttle", withEvidence(r, in.Evidence))
}

// toggleAuto turns automation down at once and up only after a yes.
func (m *Model) toggleAuto() tea.Cmd {
	a, op := m.d.board.Auto, m.op
	switch {
	case !a.Armed:
		then, done := "Armed, it acts up to level "+string(a.Level)+m.named(" inside its budget ({auto-mode} shows what it would do next)."), "automation is armed again"
		if !a.On {
			then, done = m.named("Auto mode was off before: armed, it only suggests until {auto} turns it on."), "automation is armed; auto mode is off and only suggests"
		}
		m.open(&askDialog{title: "Arm automation again?", yes: "arm", words: []string{
			"It was stopped by " + orNone(a.DisarmedBy) + sinceText(a.Since) + ".", then,
		}, do: func(m *Model) tea.Cmd { return m.run(done, op.Arm) }}, false)
		return nil
	case a.On:
		return m.run("auto mode is off: it only suggests", func(ctx context.Context) error { return op.SetAuto(ctx, false) })
	}
	m.open(&askDialog{title: "Turn auto mode on?", yes: "turn on", words: []string{
		"It will act by itself up to level " + string(a.Level) + ", at most " + strconv.Itoa(a.Budget.BlocksPerMinute) +
			" blocks a minute and " + percent(a.Budget.UsualShare) + " of usual traffic. It never touches the allow list.",
		"! stops it at once, at any time.",
	}, do: func(m *Model) tea.Cmd {
		return m.run("auto mode is on", func(ctx context.Context) error { return op.SetAuto(ctx, true) })
	}}, false)
	return nil
}

// askQuit leaves a detail where q is pressed in one, as pagers do; elsewhere it
// leaves the console.
func (m *Model) askQuit() tea.Cmd {
	if m.at == scrSource || m.at == scrMessages || m.at == scrHelp {
		m.goBack()
		return nil
	}
	return m.leave()
}

// leave ends the console, after a question where something ends with it.
func (m *Model) leave() tea.Cmd {
	if m.opt.QuitEnds == "" {
		return tea.Quit
	}
	m.open(&askDialog{title: "Leave the console?", yes: "leave", words: []string{m.opt.QuitEnds},
		do: func(*Model) tea.Cmd { return tea.Quit }}, false)
	return nil
}

package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
	"levee/detect"
)

// planDialog previews one act and asks for it. Its targets are those it was
// opened for: nothing that happens behind it changes them.
type planDialog struct {
	what    string // "Block"
	yes     string // what y does, if not the same
	req     actions.Request
	plan    func(context.Context, actions.Request) (actions.Plan, error)
	preview bool         // show only
	undoes  actions.Verb // what is taken back; "": nothing is
	whole   bool         // the first plan names the targets: all that came of one request, or that a filter chose

	seen    *detect.Snapshot // when the plan was asked for: its targets are shown as they were then
	got     *actions.Plan
	err     error
	call    int // the call whose answer is awaited
	asked   time.Time
	sending bool
	typed   string
	top     int // first target shown

	again         bool   // the plan asked for replaces one that became too old
	kept, keptFor string // what had been typed into that, and what was wanted

	waiting  bool   // for a second person
	code     string // which approves it
	seconded bool   // a second person approved
	stop     func() // ends the wait; nil: nobody was asked
}

// ttls are what the arrow keys choose from.
var ttls = []time.Duration{5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour}

// ask opens a dialog for r and starts its plan.
func (m *Model) ask(what string, r actions.Request) tea.Cmd {
	d := &planDialog{what: what, req: r, plan: m.op.Plan}
	if r.Verb == actions.Block {
		m.loudestFirst(r.Targets)
	}
	m.open(d, false)
	return d.replan(m)
}

// loudestFirst sorts targets by their requests/s: what is shown first is what a
// block removes most of.
func (m *Model) loudestFirst(ts []actions.Target) {
	if len(ts) < 2 {
		return
	}
	rates := make(map[netip.Prefix]float64, len(m.d.snap.Suspects))
	for i := range m.d.snap.Suspects {
		rates[m.d.snap.Suspects[i].Key] = m.d.snap.Suspects[i].Rate
	}
	slices.SortStableFunc(ts, func(a, b actions.Target) int { return cmp.Compare(rates[b.Prefix], rates[a.Prefix]) })
}

// replan asks the guardrails; until they answer, y does nothing.
func (d *planDialog) replan(m *Model) tea.Cmd {
	m.calls++
	d.call, d.got, d.err, d.typed, d.asked, d.seen = m.calls, nil, nil, "", m.opt.Now(), m.d.snap
	d.endWait() // it was for the plan before
	d.seconded = false
	ctx, call, req, plan := m.ctx, d.call, d.req, d.plan
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		p, err := plan(ctx, req)
		return planMsg{call, p, err}
	}
}

// renew plans again what a preview has become too old for, in place. What was
// typed stays as long as the same is to be typed.
func (m *Model) renew() tea.Cmd {
	d, ok := m.dialog.(*planDialog)
	if !ok || d.got == nil || d.err != nil || d.sending || d.waiting || d.got.Token == "" ||
		d.got.Expires.IsZero() || m.d.now().Before(d.got.Expires) {
		return nil
	}
	typed, want := d.typed, d.wanted()
	cmd := d.replan(m)
	d.again, d.kept, d.keptFor = true, typed, want
	return cmd
}

// planned takes the guardrails' answer.
func (m *Model) planned(msg planMsg) tea.Cmd {
	d, ok := m.dialog.(*planDialog)
	if !ok || d.call != msg.call {
		return nil // the dialog was closed meanwhile
	}
	if m.opt.Now().Sub(d.asked) > 300*time.Millisecond {
		m.quiet.arm(m.opt.Now()) // what comes this late is read before it is answered
	}
	if msg.err != nil {
		d.err = msg.err
		return nil
	}
	p := msg.plan
	d.got = &p
	if d.whole {
		d.whole, d.req, d.plan = false, p.Request, m.op.Plan // from here on these and no others
	}
	if d.again {
		m.quiet.arm(m.opt.Now()) // a y on its way was meant for the figures before
		m.say("info", "the preview was too old and was made anew: look at it again")
		if d.wanted() == d.keptFor {
			d.typed = d.kept
		}
	}
	d.again, d.kept, d.keptFor = false, "", ""
	return nil
}

// ready reports whether y would commit.
func (d *planDialog) ready(now time.Time) bool {
	return d.got != nil && d.err == nil && !d.sending && !d.preview && len(d.got.Request.Targets) > 0 &&
		(d.got.Expires.IsZero() || now.Before(d.got.Expires))
}

// wanted is what must be typed before y, or "".
func (d *planDialog) wanted() string {
	if d.got == nil {
		return ""
	}
	switch d.got.Needs {
	case actions.ConfirmTyped:
		return d.got.Type
	case actions.ConfirmTwo:
		if d.seconded {
			return ""
		}
		return breakGlass
	}
	return ""
}

// endWait stops waiting for a second person.
func (d *planDialog) endWait() {
	if d.stop != nil {
		d.stop()
	}
	d.stop, d.waiting, d.code = nil, false, ""
}

// breakGlass is typed to go on without a second person.
const breakGlass = "break-glass"

func (d *planDialog) press(m *Model, msg tea.KeyMsg) tea.Cmd {
	key := msg.String()
	want := d.wanted()
	switch {
	case key == "esc" || key == "enter" && d.typed == "":
		if d.sending {
			m.say("info", "already sent; the answer comes on the message line")
		}
		m.close()
		return nil
	case key == "a" && d.typed == "" && want == breakGlass && !d.preview && m.op != nil:
		if _, ok := m.op.(Pair); ok {
			return d.askSecond(m)
		}
		return nil
	case key == "enter":
		m.say("info", "enter never confirms: y does, esc cancels")
		return nil
	case d.sending:
		return nil
	case key == "down" || key == "tab":
		if !m.scrollDialog(2) {
			d.top = min(d.top+3, max(len(d.req.Targets)-1, 0))
		}
		return nil
	case key == "up":
		if !m.scrollDialog(-2) {
			d.top = max(d.top-3, 0)
		}
		return nil
	case (key == "left" || key == "right") && d.hasTTL():
		return d.changeTTL(m, map[string]int{"left": -1, "right": 1}[key])
	case key == "y" && d.typed == want:
		if d.ready(m.d.now()) {
			return d.commit(m)
		}
		return nil
	}
	if want == "" || d.preview {
		switch key {
		case "n", "q":
			m.close()
		case "r":
			d.askReason(m)
		}
		return nil
	}
	switch msg.Type {
	case tea.KeyCtrlU:
		d.typed = ""
	case tea.KeyBackspace:
		if r := []rune(d.typed); len(r) > 0 {
			d.typed = string(r[:len(r)-1])
		}
	case tea.KeyRunes, tea.KeySpace:
		next := d.typed + string(msg.Runes)
		switch {
		case msg.Paste || len(next) > 64:
		case want == breakGlass && !strings.HasPrefix(breakGlass, next):
			m.say("info", "this needs a second person: a asks for one, or type "+breakGlass)
		default:
			d.typed = next
		}
	}
	return nil
}

func (d *planDialog) hasTTL() bool {
	return d.req.Undoes == "" && (d.req.Verb == actions.Block || d.req.Verb == actions.Allow || d.req.Verb == actions.Throttle)
}

func (d *planDialog) changeTTL(m *Model, step int) tea.Cmd {
	i := 0
	for j, t := range ttls {
		if t <= d.req.TTL {
			i = j
		}
	}
	next := ttls[max(min(i+step, len(ttls)-1), 0)]
	if next == d.req.TTL {
		return nil
	}
	d.req.TTL = next
	return d.replan(m)
}

// askReason lets the operator say why in her own words. The plan is made again,
// because what is committed is what was previewed.
func (d *planDialog) askReason(m *Model) {
	p := &prompt{lead: "reason: ", plain: true}
	p.set(d.req.Reason)
	p.accept = func(m *Model, text string) tea.Cmd {
		if text = strings.TrimSpace(text); text == "" || m.dialog != d {
			return nil
		}
		d.req.Reason = text
		return d.replan(m)
	}
	m.prompt = p
}

// commit sends the yes.
func (d *planDialog) commit(m *Model) tea.Cmd {
	d.sending = true
	m.calls++
	d.call = m.calls
	ctx, call, op, token := m.ctx, d.call, m.op, d.got.Token
	answer := actions.Answer{Typed: d.typed, BreakGlass: d.got.Needs == actions.ConfirmTwo && !d.seconded}
	undo, sent := d.undoes != "", m.d.now()
	what := d.what + " " + plural(len(d.got.Request.Targets), "target")
	if len(d.got.Request.Targets) == 1 {
		what = d.what + " " + targetText(d.got.Request.Targets[0])
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		done, err := op.Commit(ctx, token, answer)
		return commitMsg{call, what, undo, sent, done, err}
	}
}

// errUnknown stands for a commit that gave no answer: it may have happened.
var errUnknown = errors.New("UNKNOWN: no answer came in time. It may have been done")

// committed takes the outcome. It is told even when the dialog is closed; a bad
// one that would be missed comes back as a dialog of its own.
func (m *Model) committed(msg commitMsg) {
	d, open := m.dialog.(*planDialog)
	open = open && d.call == msg.call
	m.load()
	if msg.err != nil {
		text := msg.err.Error()
		if errors.Is(msg.err, context.DeadlineExceeded) || errors.Is(msg.err, context.Canceled) {
			msg.err = fmt.Errorf("%w; %s shows what the ledger says", errUnknown, m.keyOf("blocks"))
			text = msg.err.Error()
		}
		m.say("error", msg.what+": "+text)
		if open {
			d.sending, d.err = false, msg.err
			return
		}
		if m.dialog == nil {
			m.open(&noteDialog{title: msg.what + " failed", words: []string{text}}, true)
		}
		return
	}
	if open {
		m.close()
	}
	m.table.marks = map[netip.Prefix]bool{}
	level, text := outcome(msg.what, m.keyOf("undo"), msg.undo, msg.done)
	if level == "ok" && msg.done[0].State != actions.Intent {
		m.hush(msg.sent)
	}
	m.say(level, text)
	if level == "error" && m.dialog == nil {
		m.open(&noteDialog{title: msg.what + ": not confirmed", words: []string{text}}, true)
	}
}

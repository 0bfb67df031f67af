package tui

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
)

// planDialog previews one act and asks for it. Its targets are those it was
// opened for: nothing that happens behind it changes them.
type planDialog struct {
	what    string // "Block"
	yes     string // what y does, if not the same
	req     actions.Request
	plan    func(context.Context, actions.Request) (actions.Plan, error)
	preview bool // show only

	got     *actions.Plan
	err     error
	call    int // the call whose answer is awaited
	asked   time.Time
	sending bool
	typed   string
	top     int // first target shown
}

// ttls are what the arrow keys choose from.
var ttls = []time.Duration{5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour}

// ask opens a dialog for r and starts its plan.
func (m *Model) ask(what string, r actions.Request) tea.Cmd {
	d := &planDialog{what: what, req: r, plan: m.op.Plan}
	m.open(d, false)
	return d.replan(m)
}

// replan asks the guardrails; until they answer, y does nothing.
func (d *planDialog) replan(m *Model) tea.Cmd {
	m.calls++
	d.call, d.got, d.err, d.typed, d.asked = m.calls, nil, nil, "", m.opt.Now()
	ctx, call, req, plan := m.ctx, d.call, d.req, d.plan
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		p, err := plan(ctx, req)
		return planMsg{call, p, err}
	}
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
		return breakGlass
	}
	return ""
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
	case key == "enter":
		m.say("info", "enter never confirms: y does, esc cancels")
		return nil
	case d.sending:
		return nil
	case key == "down" || key == "tab":
		d.top = min(d.top+3, max(len(d.req.Targets)-1, 0))
		return nil
	case key == "up":
		d.top = max(d.top-3, 0)
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
		if key == "n" || key == "q" {
			m.close()
		}
		return nil
	}
	switch msg.Type {
	case tea.KeyBackspace:
		if r := []rune(d.typed); len(r) > 0 {
			d.typed = string(r[:len(r)-1])
		}
	case tea.KeyRunes, tea.KeySpace:
		if !msg.Paste && len(d.typed) < 64 {
			d.typed += string(msg.Runes)
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

// commit sends the yes.
func (d *planDialog) commit(m *Model) tea.Cmd {
	d.sending = true
	m.calls++
	d.call = m.calls
	ctx, call, op, token := m.ctx, d.call, m.op, d.got.Token
	answer := actions.Answer{Typed: d.typed, BreakGlass: d.got.Needs == actions.ConfirmTwo}
	what := d.what + " " + plural(len(d.got.Request.Targets), "target")
	if len(d.got.Request.Targets) == 1 {
		what = d.what + " " + targetText(d.got.Request.Targets[0])
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		done, err := op.Commit(ctx, token, answer)
		return commitMsg{call, what, done, err}
	}
}

// errUnknown stands for a commit that gave no answer: it may have happened.
var errUnknown = errors.New("UNKNOWN: no answer came in time. It may have been done; 4 shows what the ledger says")

// committed takes the outcome. It is told even when the dialog is closed; a bad
// one that would be missed comes back as a dialog of its own.
func (m *Model) committed(msg commitMsg) {
	d, open := m.dialog.(*planDialog)
	open = open && d.call == msg.call
	m.load()
	if msg.err != nil {
		text := msg.err.Error()
		if errors.Is(msg.err, context.DeadlineExceeded) || errors.Is(msg.err, context.Canceled) {
			text, msg.err = errUnknown.Error(), errUnknown
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
	level, text := outcome(msg.what, msg.done)
	m.say(level, text)
	if level == "error" && m.dialog == nil {
		m.open(&noteDialog{title: msg.what + ": not confirmed", words: []string{text}}, true)
	}
}

// outcome sums up what became of an act. UNKNOWN is never told as a success.
func outcome(what string, done []actions.Decision) (level, text string) {
	unknown, failed := 0, 0
	note := ""
	for i := range done {
		switch done[i].State {
		case actions.Unknown:
			unknown++
		case actions.Failed:
			failed++
		default:
			continue
		}
		for _, r := range done[i].Receipts {
			if !r.OK {
				note = ": " + receiptText(r)
			}
		}
	}
	switch {
	case unknown > 0:
		return "error", fmt.Sprintf("%s: UNKNOWN for %d of %d%s", what, unknown, len(done), note)
	case failed > 0:
		return "error", fmt.Sprintf("%s: FAILED for %d of %d%s", what, failed, len(done), note)
	case len(done) == 0:
		return "info", what + ": nothing was left to do"
	}
	return "ok", what + ": " + doneWords(done)
}

// doneWords says how far decisions came.
func doneWords(done []actions.Decision) string {
	switch d := &done[0]; {
	case d.State == actions.Undone || d.Verb == actions.Unblock:
		return "lifted"
	case d.State == actions.Intent:
		return "written down and on its way; u undoes it"
	case d.TTL > 0:
		return "done, for " + span(d.TTL) + "; u undoes it"
	}
	return "done; u undoes it"
}

func (d *planDialog) lines(m *Model, w int) (string, []styled, bool) {
	th := m.th
	t := writer{th: th, w: w}
	n := len(d.req.Targets)
	title := d.what + " " + plural(n, "target")
	if n == 1 {
		title = d.what + " " + targetText(d.req.Targets[0])
	}
	d.targets(m, &t)
	if d.hasTTL() {
		t.pair("for", span(d.req.TTL)+" · ← → changes it")
	}
	switch {
	case d.err != nil:
		lead := "NOT DONE: "
		if errors.Is(d.err, errUnknown) {
			lead = ""
		}
		for _, l := range wrap(lead+d.err.Error(), w) {
			t.add(th.bad, l)
		}
	case d.got == nil:
		t.add(th.dim, "asking the guardrails…")
	default:
		d.impact(m, &t)
		d.refusals(&t)
	}
	d.rivals(m, &t)
	t.add("", "")
	d.question(m, &t)
	return title, t.lines, true
}

// question says what the keys do; its last line is Cancel, which has the focus.
func (d *planDialog) question(m *Model, t *writer) {
	th := t.th
	want := d.wanted()
	yes := strings.ToLower(d.what) + " now"
	if d.yes != "" {
		yes = d.yes
	}
	if d.got != nil && len(d.got.Refusals) > 0 {
		yes = fmt.Sprintf("%s, %d of %d (what is refused is left out)", yes, len(d.got.Request.Targets), len(d.req.Targets))
	}
	switch {
	case d.preview:
		t.add(th.dim, "a preview: nothing will be done. esc, then b, to block")
	case d.sending:
		t.add(th.warn, "sent; waiting for the answer…")
	case d.got == nil || d.err != nil:
	case len(d.got.Request.Targets) == 0:
		t.add(th.bad, "Refused: nothing is left that may be done.")
	case !d.ready(m.d.now()):
		t.add(th.warn, "This preview is too old. esc, then ask again.")
	case want == breakGlass && d.typed != want:
		t.add(th.warn, "Needs a second person. Alone: type "+want+" then y (logged loudly): "+d.typed+"_")
	case want != "" && d.typed != want:
		t.add(th.warn, "This is large. Type "+want+" then y: "+d.typed+"_")
	default:
		t.add(th.danger, "y  "+yes)
	}
	t.add(th.focus, "[ Cancel: enter or esc ]")
}

// targets lists what the act is aimed at.
func (d *planDialog) targets(m *Model, t *writer) {
	n := len(d.req.Targets)
	show := 4
	if m.h < 20 {
		show = 1
	}
	if n == 1 && d.req.Targets[0].Prefix.IsValid() {
		show = 1
	}
	for i := d.top; i < min(d.top+show, n); i++ {
		target := d.req.Targets[i]
		line := targetText(target)
		if s := m.d.suspect(target.Prefix); s != nil {
			line += " · score " + strconv.Itoa(int(s.Score+0.5)) + " · " + rate(s.Rate) + " req/s · " + s.TopMethod + " " + s.TopPath
		}
		t.pair("target", line)
	}
	if n > show {
		t.add(t.th.dim, fmt.Sprintf(" %d-%d of %d, ↑ ↓ shows the others", d.top+1, min(d.top+show, n), n))
	}
	if d.req.Reason != "" && m.h >= 20 {
		t.pair("why", d.req.Reason)
	}
}

// impact tells what the act would do, in the plan's figures; what is not known
// reads n/a.
func (d *planDialog) impact(m *Model, t *writer) {
	im := d.got.Impact
	switch d.req.Verb {
	case actions.Block, actions.Throttle:
		s := rate(im.Rate) + " req/s"
		if im.ExcessShare >= 0 {
			s += ", " + percent(im.ExcessShare) + " of the excess"
		} else {
			s += ", share of the excess n/a"
		}
		t.pair("stops", s)
		users := "logged-in users n/a (the log names none)"
		if im.Users >= 0 {
			users = plural(im.Users, "logged-in user")
		}
		p := t.th.text
		if im.UsualShare >= 0.01 || im.Users > 0 {
			p = t.th.warn
		}
		t.pairIn(p, "touches", percent(im.UsualShare)+" of usual traffic, "+users)
		if im.Proxied > 0 {
			t.pairIn(t.th.warn, "proxied", plural(im.Proxied, "target")+" seen only through a trusted proxy")
		}
		if len(im.Protected) > 0 {
			t.pairIn(t.th.bad, "protected", strings.Join(im.Protected, "; "))
		} else if m.h >= 20 {
			t.pair("protected", "none inside")
		}
		t.pair("budget", strconv.Itoa(im.BudgetLeft)+" blocks left after it")
	case actions.ScaleUp, actions.ScaleDown, actions.Harden:
		t.pair("through", "the enforcer that handles "+verbName(d.req.Verb)+" (Jenkins); 5 follows the job")
	case actions.Unblock:
		t.pair("then", "its requests reach the service again; auto mode leaves it alone for an hour")
	case actions.Allow:
		t.pair("then", "no block touches it while this lasts; what is in force on it is lifted")
	}
}

// refusals shows what the guardrails did not let pass: rule, value, mend.
func (d *planDialog) refusals(t *writer) {
	for i, r := range d.got.Refusals {
		if i == 4 {
			t.add(t.th.bad, " and "+plural(len(d.got.Refusals)-i, "more refusal"))
			return
		}
		t.pairIn(t.th.bad, "REFUSED", targetText(r.Target)+" "+r.Rule+": "+r.Value)
		if r.Mend != "" {
			t.pairIn(t.th.warn, "  mend", r.Mend)
		}
	}
}

// rivals tells that someone else was quicker while this dialog was open.
func (d *planDialog) rivals(m *Model, t *writer) {
	if d.req.Verb != actions.Block || d.sending {
		return
	}
	n := 0
	for _, target := range d.req.Targets {
		st := m.d.stand.of(target.Prefix, m.d.now())
		if st.decision == nil || !st.decision.State.Active() || st.decision.Actor.Name == m.d.me.Name {
			continue
		}
		if n++; n > 2 {
			return
		}
		t.pairIn(t.th.warn, "already", targetText(target)+" "+st.word()+" by "+st.by()+" at "+clock(st.decision.Created)+"Z")
	}
}

package tui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"levee/actions"
)

// How a planDialog shows what an act would do.

func (d *planDialog) lines(m *Model, w int) (string, []styled, bool) {
	th := m.th
	t := writer{th: th, w: w}
	n := len(d.req.Targets)
	title := d.what + " " + plural(n, "target")
	switch n {
	case 0:
		title = d.what + " many"
	case 1:
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
		for _, l := range wrap(lead+inWords(d.err.Error()), w) {
			t.add(th.bad, l)
		}
	case d.got == nil:
		t.add(th.dim, "asking the guardrails…")
	default:
		if len(d.got.Request.Targets) > 0 {
			d.impact(m, &t)
		}
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
		t.add(th.dim, m.named("a preview: nothing will be done. esc, then {block}, to block"))
	case d.sending:
		t.add(th.warn, "sent; waiting for the answer…")
	case d.got == nil || d.err != nil:
	case len(d.got.Request.Targets) == 0:
		t.add(th.bad, "Refused: nothing is left that may be done.")
	case !d.ready(m.d.now()):
		t.add(th.warn, "This preview is too old; it is made anew…")
	case want == breakGlass && d.typed != want:
		d.second(m, t)
	case want != "" && d.typed != want:
		t.add(th.warn, "This is large. Type \""+want+"\", then y: "+d.typed+"_")
	case d.seconded:
		t.add(th.danger, "A second person approved.  y  "+yes)
	default:
		t.add(th.danger, "y  "+yes)
	}
	t.add(th.focus, "[ Cancel: enter or esc ]")
}

// second says how to go on where a second person is needed.
func (d *planDialog) second(m *Model, t *writer) {
	_, can := m.op.(Pair)
	alone := "Alone: type \"" + breakGlass + "\", then y (logged loudly): " + d.typed + "_"
	switch {
	case d.waiting && d.code != "":
		t.add(t.th.warn, "Waiting for another operator: "+m.keyOf("approve")+" in a console, or levee approve "+d.code)
	case d.waiting:
		t.add(t.th.warn, "Asking for a second person…")
	case can && d.typed == "":
		t.add(t.th.warn, "Needs a second person.  a  asks for one.")
	default:
		t.add(t.th.warn, "Needs a second person.")
	}
	t.add(t.th.warn, alone)
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
		if s := suspectIn(d.seen, target.Prefix); s != nil {
			line += " · score " + strconv.Itoa(int(s.Score+0.5)) + " · "
			if n > 1 { // of a single one the plan's own figure stands below
				line += rate(s.Rate) + " req/s · "
			}
			line += s.TopMethod + " " + s.TopPath
		}
		if n > 1 { // one line each: many are scanned, not read
			t.add(t.th.text, cut(" "+padRight("target", 12)+" "+line, t.w))
			continue
		}
		t.pair("target", line)
	}
	if n > show {
		t.add(t.th.dim, fmt.Sprintf(" %d-%d of %d, ↑ ↓ shows the others", d.top+1, min(d.top+show, n), n))
	}
	if d.req.Reason != "" && m.h >= 20 {
		why := inWords(d.req.Reason)
		if d.wanted() == "" && d.req.Undoes == "" && !d.preview {
			why += " · r writes your own"
		}
		t.pair("why", why)
	}
}

// impact tells what the act would do, in the plan's figures; what is not known
// reads n/a.
func (d *planDialog) impact(m *Model, t *writer) {
	im := d.got.Impact
	for _, why := range im.Left {
		t.pairIn(t.th.warn, "not by", why)
	}
	switch d.req.Verb {
	case actions.Block, actions.Throttle:
		s := rate(im.Rate) + " req/s now"
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
		if max(im.UsualShare, im.UsualMost) >= 0.01 || im.Users > 0 || im.Clients > 0 {
			p = t.th.warn
		}
		inside := ""
		if im.Clients > 0 {
			inside = plural(im.Clients, "usual client") + " inside, "
		}
		t.pairIn(p, "touches", usualTouched(im)+", "+inside+users)
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
		d.order(m, t)
	case actions.Unblock:
		t.pair("then", undoneWords(d.undoes, len(d.req.Targets) > 1))
	case actions.Allow:
		t.pair("then", "no block touches it while this lasts; what is in force on it is lifted")
	}
}

// usualTouched is the share of usual traffic that an act touches. Few samples say
// little: what it may be in truth stands beside it where that is another figure.
func usualTouched(im actions.Impact) string {
	s := percent(im.UsualShare) + " of usual traffic"
	switch most := percent(im.UsualMost); {
	case im.UsualNone:
		s += " (too little of it seen to tell)"
	case im.UsualMost > im.UsualShare && most != percent(im.UsualShare):
		s += " (" + most + " at most)"
	}
	return s
}

// order says what is ordered of a service: by which job and on top of what. How
// much one order is worth stands in the job.
func (d *planDialog) order(m *Model, t *writer) {
	job, verb := "the Jenkins job for "+verbName(d.req.Verb), d.req.Verb
	for i := range m.d.board.Jobs {
		if j := &m.d.board.Jobs[i]; j.Verb == verb && j.Name != "" {
			job = "job " + j.Name
			break
		}
	}
	t.pair("through", job+", which sets how much; "+m.keyOf("jobs")+" follows it")
	n, last := 0, (*actions.Decision)(nil)
	for i := range m.d.board.Active {
		if x := &m.d.board.Active[i]; x.Verb == verb && x.Target.Service == d.req.Targets[0].Service {
			if n++; last == nil {
				last = x
			}
		}
	}
	if n == 0 {
		t.pair("in force", "no "+verbName(verb)+" of it yet")
		return
	}
	s := plural(n, verbName(verb)) + " of it, latest by " + last.Actor.Name + " at " + clock(last.Created) + "Z"
	if !last.Expires.IsZero() {
		s += ", ends in " + countdown(m.d.now(), last.Expires)
	}
	t.pairIn(t.th.warn, "in force", s+": this comes on top")
}

// undoneWords says what follows when an act is taken back, on one target or many.
func undoneWords(v actions.Verb, many bool) string {
	switch v {
	case actions.ScaleUp:
		return "the servers that it added are taken away again"
	case actions.ScaleDown:
		return "the servers that it took away are added again"
	case actions.Throttle:
		return "its requests are no longer slowed down"
	case actions.Harden:
		return "the service goes back to its usual protection"
	case actions.Allow:
		return "a block may touch it again"
	}
	if many {
		return "their requests reach the service again; auto mode leaves them alone for an hour"
	}
	return "its requests reach the service again; auto mode leaves it alone for an hour"
}

// refusals shows what the guardrails did not let pass: rule, value, mend.
func (d *planDialog) refusals(t *writer) {
	for i, r := range d.got.Refusals {
		if i == 4 {
			t.add(t.th.bad, " and "+plural(len(d.got.Refusals)-i, "more refusal"))
			return
		}
		value := strings.TrimPrefix(r.Value, r.Target.String()+": ") // it stands in front
		t.pairIn(t.th.bad, "REFUSED", targetText(r.Target)+" "+strings.ReplaceAll(r.Rule, "_", " ")+": "+value)
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

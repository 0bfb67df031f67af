package tui

import (
	"context"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// What happens while a plan waits for a second person.
type (
	codeMsg struct { // the code is known, and how to wait for the answer
		call   int
		code   string
		answer func() tea.Msg
	}
	approvedMsg struct {
		call int
		err  error
	}
)

// askSecond asks for a second person. The wait ends with an approval, with the
// plan, or when the dialog is closed.
func (d *planDialog) askSecond(m *Model) tea.Cmd {
	pair, ok := m.op.(Pair)
	if !ok || d.got == nil || d.waiting {
		return nil
	}
	m.calls++
	d.call, d.waiting, d.err = m.calls, true, nil
	ctx, stop := context.WithCancel(m.ctx)
	d.stop = stop
	call, plan := d.call, *d.got
	return func() tea.Msg {
		code, done := make(chan string, 1), make(chan error, 1)
		go func() { done <- pair.AskApproval(ctx, plan, func(c string) { code <- c }) }()
		answer := func() tea.Msg {
			defer stop()
			return approvedMsg{call, <-done}
		}
		select {
		case c := <-code:
			return codeMsg{call, c, answer}
		case err := <-done:
			stop()
			return approvedMsg{call, err}
		}
	}
}

// coded shows the code and waits on.
func (m *Model) coded(msg codeMsg) tea.Cmd {
	if d, ok := m.dialog.(*planDialog); ok && d.call == msg.call {
		d.code = msg.code
	}
	return msg.answer
}

// approved takes the second person's answer; the operator still has to say y.
func (m *Model) approved(msg approvedMsg) {
	d, ok := m.dialog.(*planDialog)
	if !ok || d.call != msg.call {
		return
	}
	d.waiting, d.code = false, ""
	if msg.err != nil {
		m.say("warn", "second person: "+msg.err.Error())
		return
	}
	d.seconded, d.typed = true, ""
	m.quiet.arm(m.opt.Now()) // it changes what y does: what is being typed must not reach it
	m.say("ok", "a second person approved: y carries it out")
}

// waiting lists what this operator may approve: what others ask for.
func (m *Model) waiting() []Waiting {
	f, ok := m.feed.(Waiter)
	if !ok {
		return nil
	}
	var out []Waiting
	for _, w := range f.Waiting() {
		if w.By != m.d.me.Name {
			out = append(out, w)
		}
	}
	return out
}

// whyNotApprove says why there is nothing to approve.
func whyNotApprove(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	if _, ok := m.op.(Pair); !ok {
		return "this levee takes no approvals from a console"
	}
	if len(m.d.waits) == 0 {
		return "nobody waits for a second person"
	}
	return ""
}

// askApprove shows what waits longest and asks for a yes to it.
func (m *Model) askApprove() tea.Cmd { return m.askApproveOf(m.d.waits[0]) }

// askApproveOf asks for a yes to w. The dialog keeps what it was opened for.
func (m *Model) askApproveOf(w Waiting) tea.Cmd {
	pair := m.op.(Pair)
	m.open(&askDialog{title: "Approve what " + w.By + " asks for?", yes: "approve, so that " + w.By + " may carry it out", words: []string{
		verbName(w.Verb) + " " + plural(w.Targets, "target") + ", which carry " + percent(w.Usual) + " of usual traffic.",
		"Why: " + orNone(w.Reason),
		"Code " + w.Code + ", until " + clock(w.Expires) + "Z. Your name stands beside " + w.By + "'s in the audit.",
	}, do: func(m *Model) tea.Cmd {
		return m.run("approved: "+w.By+" may carry it out", func(context.Context) error { return pair.GiveApproval(w.Code) })
	}}, false)
	return nil
}

// cmdApprove is :approve [CODE].
func (m *Model) cmdApprove(args []string) (tea.Cmd, error) {
	if why := whyNotApprove(m); why != "" {
		return nil, errorText(why)
	}
	if len(args) == 0 {
		return m.askApprove(), nil
	}
	for _, w := range m.d.waits {
		if strings.EqualFold(w.Code, args[0]) {
			return m.askApproveOf(w), nil
		}
	}
	return nil, fmt.Errorf("nothing waits under the code %q", args[0])
}

// codeWords completes the codes of what waits.
func codeWords(m *Model) []string {
	var out []string
	for _, w := range m.d.waits {
		out = append(out, w.Code)
	}
	return out
}

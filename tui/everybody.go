package tui

import (
	"context"
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// cmdSay is :say TEXT. The text comes back as everybody sees it.
func (m *Model) cmdSay(args []string) (tea.Cmd, error) {
	op, can := m.op.(Speaker)
	text := strings.Join(args, " ")
	switch {
	case !can:
		return nil, errors.New("nobody else can be here")
	case text == "":
		return nil, errors.New("needs what to say")
	}
	return func() tea.Msg {
		if err := op.Say(text); err != nil {
			return saidMsg{"error", err.Error()}
		}
		return nil
	}, nil
}

// reloadedMsg answers :reload.
type reloadedMsg struct {
	said string
	err  error
}

// cmdReload is :reload.
func (m *Model) cmdReload(args []string) (tea.Cmd, error) {
	op, can := m.op.(Reloader)
	switch {
	case !can:
		return nil, errors.New("only levee serve can; restart this one")
	case len(args) > 0:
		return nil, errors.New("takes no argument")
	}
	ctx := m.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callFor)
		defer cancel()
		said, err := op.Reload(ctx)
		return reloadedMsg{said, err}
	}, nil
}

// reloaded shows what a reload changed, or each mistake that kept it from
// changing anything: a line has no room for them.
func (m *Model) reloaded(msg reloadedMsg) {
	d := &noteDialog{title: "levee.yaml was read again", words: strings.Split(msg.said, "; ")}
	level := "ok"
	if msg.err != nil {
		d.title, d.words, level = "levee.yaml was not taken over", strings.Split(msg.err.Error(), "\n"), "error"
	}
	m.say(level, strings.Join(d.words, "; "))
	if m.dialog == nil {
		m.open(d, true)
	}
}

package tui

import (
	"encoding/base64"
	"strings"

	"github.com/aymanbagabas/go-osc52/v2"
	tea "github.com/charmbracelet/bubbletea"
)

// clipboardMost is the longest clipboard sequence that common terminals take.
const clipboardMost = 74_000

// copyText hands text to the terminal's clipboard (OSC 52), which reaches the
// operator's own machine through SSH and tmux.
func (m *Model) copyText(what, text string) tea.Cmd {
	if m.opt.Terminal == nil {
		m.say("warn", "this terminal can't be copied from: select with the mouse (shift held)")
		return nil
	}
	if base64.StdEncoding.EncodedLen(len(text)) > clipboardMost {
		m.say("warn", what+": too much for a terminal's clipboard ("+size(int64(len(text)))+m.named("); filter it ({filter}), or write a file with :export"))
		return nil
	}
	seq := osc52.New(text)
	if m.opt.Tmux {
		seq = seq.Tmux()
	}
	out := m.opt.Terminal
	return func() tea.Msg {
		if _, err := seq.WriteTo(out); err != nil {
			return saidMsg{"warn", "copy: " + err.Error()}
		}
		return saidMsg{"ok", "copied " + what + " (if your terminal allows OSC 52)"}
	}
}

func (m *Model) copySelected() tea.Cmd {
	switch m.at {
	case scrIncident:
		if text := m.screens[scrIncident].(*incidentScreen).handover(m); text != "" {
			return m.copyText("the hand-over text", text)
		}
	case scrBlocks:
		if d := m.screens[scrBlocks].(*blocksScreen).selected(m); d != nil {
			return m.copyText("the target", clean(targetText(d.Target)))
		}
	default:
		if rows := m.chosen(); len(rows) > 0 {
			var out []string
			for _, r := range rows {
				out = append(out, prefixText(r.s.Key))
			}
			return m.copyText(plural(len(out), "address")+" to the clipboard", strings.Join(out, "\n"))
		}
	}
	m.say("info", "nothing is selected that could be copied")
	return nil
}

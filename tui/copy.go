package tui

import (
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-osc52/v2"
	tea "github.com/charmbracelet/bubbletea"
)

// copyText hands text to the terminal's clipboard (OSC 52), which reaches the
// operator's own machine through SSH and tmux.
func (m *Model) copyText(what, text string) tea.Cmd {
	if m.opt.Terminal == nil {
		m.say("warn", "this terminal can't be copied from: select with the mouse (shift held)")
		return nil
	}
	seq := osc52.New(text).Limit(74_000)
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

// copyRows copies the suspects that pass the filter as CSV.
func (m *Model) copyRows() tea.Cmd {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"source", "score", "attack", "rps", "hits", "error_share", "method", "path", "user_agent", "state", "by"}) // a Builder takes all
	for _, r := range m.table.rows {
		_ = w.Write([]string{prefixText(r.s.Key), fmt.Sprintf("%.0f", r.s.Score), string(r.s.Attack), fmt.Sprintf("%.1f", r.s.Rate), fmt.Sprint(r.s.Hits),
			fmt.Sprintf("%.3f", r.s.ErrorShare), cell(r.s.TopMethod), cell(r.s.TopPath), cell(r.s.TopAgent), r.st.word(), cell(r.st.by())})
	}
	w.Flush()
	return m.copyText(plural(len(m.table.rows), "row"), b.String())
}

// cell makes hostile text harmless for a spreadsheet too, which takes a cell
// that begins with one of = + - @ for a formula.
func cell(s string) string {
	s = clean(s)
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		return "'" + s
	}
	return s
}

package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// prompt is one line of text: a filter or a command.
type prompt struct {
	lead  string // "/" or ":"
	text  []rune
	at    int
	err   string
	plain bool // text only, no filter language

	changed  func(m *Model, text string) error // on each key; nil: nothing
	accept   func(m *Model, text string) tea.Cmd
	cancel   func(m *Model)
	complete func(m *Model, text string) string
	history  []string
	back     int // how far back in the history
}

func (p *prompt) set(s string) { p.text, p.at = []rune(s), len([]rune(s)) }

func (p *prompt) press(m *Model, msg tea.KeyMsg) tea.Cmd {
	before := string(p.text)
	switch msg.String() {
	case "esc":
		m.prompt = nil
		if p.cancel != nil {
			p.cancel(m)
		}
		return nil
	case "enter":
		if p.err != "" {
			return nil // what is wrong stands beside it
		}
		m.prompt = nil
		return p.accept(m, before)
	case "left":
		p.at = max(p.at-1, 0)
	case "right":
		p.at = min(p.at+1, len(p.text))
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "ctrl+u":
		p.set("")
	case "ctrl+w":
		p.text = append([]rune(strings.TrimRight(strings.TrimRight(string(p.text[:p.at]), " "), wordRunes)), p.text[p.at:]...)
		p.at = min(p.at, len(p.text))
	case "backspace":
		if p.at > 0 {
			p.text = append(p.text[:p.at-1], p.text[p.at:]...)
			p.at--
		} else if len(p.text) == 0 {
			m.prompt = nil
			if p.cancel != nil {
				p.cancel(m)
			}
		}
	case "delete":
		if p.at < len(p.text) {
			p.text = append(p.text[:p.at], p.text[p.at+1:]...)
		}
	case "up":
		p.recall(1)
	case "down":
		p.recall(-1)
	case "tab":
		if p.complete != nil {
			p.set(p.complete(m, before))
		}
	default:
		p.insert(msg)
	}
	if s := string(p.text); s != before {
		p.err = ""
		if p.changed != nil {
			if err := p.changed(m, s); err != nil {
				p.err = err.Error()
			}
		}
	}
	return nil
}

const wordRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-"

// insert takes typed or pasted text, at most 300 runes of it.
func (p *prompt) insert(msg tea.KeyMsg) {
	if msg.Type != tea.KeyRunes && msg.Type != tea.KeySpace || msg.Alt {
		return
	}
	for _, r := range msg.Runes {
		if r < ' ' || len(p.text) >= 300 {
			continue
		}
		p.text = append(p.text[:p.at], append([]rune{r}, p.text[p.at:]...)...)
		p.at++
	}
}

func (p *prompt) recall(step int) {
	n := max(min(p.back+step, len(p.history)), 0)
	if n == p.back {
		return
	}
	p.back = n
	if n == 0 {
		p.set("")
		return
	}
	p.set(p.history[len(p.history)-n])
}

func (p *prompt) draw(m *Model, c *canvas) {
	room := c.w - 3
	from := 0
	if p.err != "" {
		room = max(room/2, 8)
	}
	for from < p.at && measure(string(p.text[from:p.at])) >= room {
		from++ // the cursor stays in sight
	}
	c.put(m.th.key, p.lead)
	edge := min(c.col+room, c.w)
	c.within(m.th.input, string(p.text[from:p.at]), edge)
	if p.at < len(p.text) {
		c.within(m.th.focus, string(p.text[p.at]), edge+1)
		c.within(m.th.input, string(p.text[p.at+1:]), edge+1)
	} else {
		c.put(m.th.focus, " ")
	}
	if p.err != "" {
		c.put(m.th.bad, " "+p.err)
	}
	c.end()
}

func (p *prompt) hint() string {
	if p.plain {
		return " enter keeps it  esc leaves it as it was"
	}
	if p.lead == "/" {
		return " enter keeps  esc cancels  e.g. path:/login asn:9009 score>80 !state:blocked ua~^curl  (" + fieldNames + ")"
	}
	return " enter runs  tab completes  ↑ ↓ history  esc cancels"
}

package tui

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// completed finishes the last word of a command line, as far as it is clear.
func (m *Model) completed(text string) string {
	head, last := "", text
	if i := strings.LastIndexByte(text, ' '); i >= 0 {
		head, last = text[:i+1], text[i+1:]
	}
	var words []string
	if head == "" {
		for i := range commandList {
			words = append(words, commandList[i].name)
		}
		for i := range m.keys {
			if b := &m.keys[i]; b.help != "" && b.shown(m.at) && !slices.Contains(words, b.name) {
				words = append(words, b.name)
			}
		}
	} else {
		name, _, _ := strings.Cut(text, " ")
		for i := range commandList {
			if c := &commandList[i]; c.name == name && c.words != nil {
				words = c.words(m)
			}
		}
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, last) })
	if len(words) == 0 {
		return text
	}
	if len(words) == 1 {
		return head + words[0] + " "
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	if common == last {
		m.say("info", strings.Join(words[:min(len(words), 12)], " "))
	}
	return head + common
}

func suspectWords(m *Model) []string {
	var out []string
	for _, r := range m.table.rows[:min(len(m.table.rows), 200)] {
		out = append(out, prefixText(r.s.Key))
	}
	return out
}

func activeWords(m *Model) []string {
	var out []string
	for i := range m.d.board.Active[:min(len(m.d.board.Active), 200)] {
		if p := m.d.board.Active[i].Target.Prefix; p.IsValid() {
			out = append(out, prefixText(p))
		}
	}
	return out
}

func serviceWords(m *Model) []string {
	var out []string
	for _, s := range m.d.snap.Services {
		out = append(out, s.Name)
	}
	return out
}

func filterWords(m *Model) []string {
	return append(slices.Sorted(maps.Keys(m.opt.Filters)), strings.Fields(strings.ReplaceAll(fieldNames, " ", ": ")+":")...)
}

func columnWords(*Model) []string {
	var out []string
	for _, c := range columns {
		out = append(out, c.name)
	}
	return out
}

func screenWords(*Model) []string {
	return []string{"overview", "suspects", "incident", "blocks", "jobs", "audit", "auto", "health", "sessions", "fleet"}
}

// networkOf is the /24 or /48 that p lies in.
func networkOf(p netip.Prefix) netip.Prefix {
	bits := 24
	if p.Addr().Is6() {
		bits = 48
	}
	if p.Bits() < bits {
		return p
	}
	return netip.PrefixFrom(p.Addr(), bits).Masked()
}

package tui

import (
	"slices"
	"strings"
	"time"

	"levee/actions"
)

// told is the span in which the station's word on this session's own act would
// repeat what the session says of it.
type told struct{ from, to time.Time }

// tellLag is how long after its answer the station may still report an act.
const tellLag = 3 * time.Second

// repeats reports whether n only says again that an act of the operator me was
// done. What went wrong is never a repetition.
func (t told) repeats(n *actions.Notice, me string) bool {
	if n.Seq == 0 || n.Time.Before(t.from) || !n.Time.Before(t.to) {
		return false
	}
	if n.Level == "warn" { // a switch: auto mode off by ana
		return strings.HasPrefix(n.Text, "auto") && strings.HasSuffix(n.Text, " by "+me)
	}
	if n.Level != "ok" {
		return false
	}
	return strings.Contains(n.Text, " ("+me+")") || strings.HasSuffix(n.Text, " undone: "+me)
}

// wayBack adds to the station's word on an act of the operator me how to undo
// it: the session's own line, which says so, stands above it by now.
func (m *Model) wayBack(n *actions.Notice) {
	if n.Seq == 0 || n.Level != "ok" || !strings.HasSuffix(n.Text, " ("+m.d.me.Name+")") || newestAct(m) == nil {
		return
	}
	for _, verb := range [...]string{"block ", "allow ", "throttle ", "harden "} {
		if strings.HasPrefix(n.Text, verb) {
			n.Text += m.named("; {undo} undoes it")
			return
		}
	}
}

// hush takes back what the station has said since sent about the act that was
// just answered, and lets nothing follow: the session's own line has the undo.
func (m *Model) hush(sent time.Time) {
	if sent.IsZero() {
		return
	}
	m.told = told{sent, m.d.now().Add(tellLag)}
	m.notices = slices.DeleteFunc(m.notices, func(n actions.Notice) bool { return m.told.repeats(&n, m.d.me.Name) })
}

// briefly writes whole durations as the console does: 30m, not 30m0s.
func briefly(s string) string {
	if !strings.Contains(s, "m0s") {
		return s
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		core := strings.TrimRight(w, ",;:.")
		if _, err := time.ParseDuration(core); err != nil || !strings.HasSuffix(core, "m0s") {
			continue
		}
		short := strings.TrimSuffix(core, "0s")
		if strings.HasSuffix(short, "h0m") {
			short = strings.TrimSuffix(short, "0m")
		}
		words[i] = short + w[len(core):]
	}
	return strings.Join(words, " ")
}

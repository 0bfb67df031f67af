package tui

import (
	"cmp"
	"fmt"

	"levee/actions"
)

// outcome sums up what became of an act; key is the one that undoes. UNKNOWN is never told as a success.
func outcome(what, key string, undo bool, done []actions.Decision) (level, text string) {
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
		note = cmp.Or(reasonText(&done[i]), note)
	}
	if note == "" {
		note = ": no enforcer said why; Health shows each of them"
	}
	switch {
	case unknown > 0:
		return "error", fmt.Sprintf("%s: UNKNOWN for %d of %d%s", what, unknown, len(done), note)
	case failed > 0:
		return "error", fmt.Sprintf("%s: FAILED for %d of %d%s", what, failed, len(done), note)
	case len(done) == 0:
		return "info", what + ": nothing was left to do"
	}
	return "ok", what + ": " + doneWords(key, undo, done)
}

// reasonText is why d did not take effect, "" when nothing tells.
func reasonText(d *actions.Decision) string {
	for i := len(d.Receipts) - 1; i >= 0; i-- {
		if r := d.Receipts[i]; !r.OK {
			return ": " + receiptText(r)
		}
	}
	if d.EndedBy != "" {
		return ": " + d.EndedBy
	}
	return ""
}

// doneWords says how far decisions came. The way back stands first: a narrow
// line is cut at its end.
func doneWords(key string, undo bool, done []actions.Decision) string {
	switch d := &done[0]; {
	case d.State == actions.Undone || d.Verb == actions.Unblock:
		return "lifted"
	case undo && d.State == actions.Intent:
		return "on its way"
	case undo:
		return "done"
	case d.State == actions.Intent:
		return key + " undoes it; written down and on its way"
	case d.TTL > 0:
		return key + " undoes it; done, for " + span(d.TTL)
	}
	return key + " undoes it; done"
}

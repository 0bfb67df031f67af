package tui

import (
	"fmt"

	"levee/actions"
)

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

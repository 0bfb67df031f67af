// Package safe keeps what strangers wrote and what must stay secret out of
// the places where either would do harm: receipts, errors, logs and screens.
package safe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s fit for one line of a receipt or a screen: control characters
// (C0, DEL, C1, newlines), invisible format characters such as bidi overrides,
// and broken UTF-8 become spaces, runs of spaces become one, and what is
// longer than limit bytes is cut with an ellipsis.
func Text(s string, limit int) string {
	var b strings.Builder
	b.Grow(min(len(s), limit))
	space := true // swallows leading spaces
	for i, r := range s {
		if !Printable(r) || r == utf8.RuneError && brokenAt(s[i:]) {
			r = ' '
		}
		if r == ' ' && space {
			continue
		}
		space = r == ' '
		if b.Len()+utf8.RuneLen(r) > limit {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ")
}

// Lines returns s fit for a pane of text: newlines and tabs stay, everything
// else that Text replaces is dropped, escape sequences and carriage-return
// overwrites included.
func Lines(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case !Printable(r) || r == utf8.RuneError && brokenAt(s[i:]):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Printable reports whether r shows as itself: no control character, no line
// or paragraph separator, no invisible format character.
func Printable(r rune) bool {
	return !unicode.IsControl(r) && !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

func brokenAt(s string) bool {
	_, n := utf8.DecodeRuneInString(s)
	return n == 1
}

package tui

import (
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Text from a log is hostile although it was sanitised on its way in: this is
// the second wall. A rune is shown as itself only when every terminal agrees on
// how wide it is and in which order it stands; all others are spelled out.

// glyph is how one rune is shown: as itself (esc false) in cells columns, or
// spelled out as \x1b or \u202e.
type glyph struct {
	r     rune
	cells int
	esc   bool
}

// decode reads the first rune of s: how it is shown, and its bytes. A byte that
// is no UTF-8 is spelled out.
func decode(s string) (glyph, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return glyph{r: rune(s[0]), cells: 4, esc: true}, 1
	}
	return glyphOf(r), size
}

// glyphOf says how r is shown.
func glyphOf(r rune) glyph {
	switch {
	case r >= 0x20 && r < 0x7f, r >= 0x2500 && r <= 0x25ff, r >= 0x2800 && r <= 0x28ff: // the frame and the chart: most of what is no ASCII
		return glyph{r: r, cells: 1}
	case r < 0xa0 || !unicode.IsPrint(r) || ambiguous(r) || rightToLeft(r):
		return glyph{r: r, cells: escapedLen(r), esc: true}
	case r >= 0x2190 && r < 0x2500 || r == '·' || r == '×' || r == '…' || r == '✓' || r == '✗':
		return glyph{r: r, cells: 1} // the console's own marks
	case unicode.Is(unicode.Mn, r):
		if ansi.StringWidthWc(string(r)) != 0 { // a virama: some terminals give it a cell of its own
			return glyph{r: r, cells: escapedLen(r), esc: true}
		}
		return glyph{r: r, cells: 0}
	}
	s := string(r)
	n := max(ansi.StringWidth(s), ansi.StringWidthWc(s))
	if n < 1 || n > 2 {
		return glyph{r: r, cells: escapedLen(r), esc: true}
	}
	return glyph{r: r, cells: n}
}

// ambiguous reports runes that change their neighbours' width or that
// terminals measure differently: joiners of emoji, variation selectors, halves
// of flags, conjoining jamo, spacing and enclosing marks.
func ambiguous(r rune) bool {
	switch {
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	case r >= 0x1f1e6 && r <= 0x1f1ff, r >= 0x1f3fb && r <= 0x1f3ff:
		return true
	case r >= 0x1160 && r <= 0x11ff, r >= 0xd7b0 && r <= 0xd7ff:
		return true
	}
	return unicode.In(r, unicode.Mc, unicode.Me)
}

// rightToLeft reports letters that make a terminal turn the order of what
// stands beside them, so that an address or a number could be misread.
func rightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x08ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff ||
		r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
}

func escapedLen(r rune) int {
	switch {
	case r < 0x100:
		return 4
	case r <= 0xffff:
		return 6
	}
	return 10
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends \xNN, \uNNNN or \UNNNNNNNN.
func appendEscaped(dst []byte, r rune) []byte {
	digits, mark := 2, byte('x')
	switch {
	case r > 0xffff:
		digits, mark = 8, 'U'
	case r >= 0x100:
		digits, mark = 4, 'u'
	}
	dst = append(dst, '\\', mark)
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hexDigits[(r>>(4*i))&0xf])
	}
	return dst
}

// measure returns the columns that canvas.put takes for s.
func measure(s string) int {
	n, after := 0, false
	for i := 0; i < len(s); {
		if b := s[i]; b >= 0x20 && b < 0x7f {
			n, i, after = n+1, i+1, true
			continue
		}
		g, size := decode(s[i:])
		i += size
		if g.cells == 0 {
			if !after {
				n += escapedLen(g.r)
			}
			after = false
			continue
		}
		n, after = n+g.cells, !g.esc
	}
	return n
}

// clean returns s as harmless text on one line, for what leaves the console
// another way than through a canvas (the clipboard).
func clean(s string) string {
	var out []byte
	for i := 0; i < len(s); {
		g, size := decode(s[i:])
		i += size
		if g.esc {
			out = appendEscaped(out, g.r)
		} else {
			out = utf8.AppendRune(out, g.r)
		}
	}
	return string(out)
}

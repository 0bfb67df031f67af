package tui

import (
	"fmt"
	"math"
	"strings"
)

// Charts lists the glyphs that Options.Chart knows.
var Charts = []string{"braille", "blocks"}

// chartDots reports whether glyphs, one of Charts or "", are braille.
func chartDots(glyphs string) (bool, error) {
	switch glyphs {
	case "", "braille":
		return true, nil
	case "blocks":
		return false, nil
	}
	return false, fmt.Errorf("chart %q is not known: use one of %s", glyphs, strings.Join(Charts, ", "))
}

// On returns o for the terminal that getenv describes: no more than ASCII where
// the locale says so or the terminal is older than Unicode, and no braille on
// the Linux console, whose fonts have none. A terminal that says nothing of
// itself is taken for a modern one, and a chart that was chosen stays.
func (o Options) On(getenv func(string) string) Options {
	term, _, _ := strings.Cut(getenv("TERM"), "-")
	switch term {
	case "linux":
		if o.Chart == "" {
			o.Chart = "blocks"
		}
	case "ansi", "cons25", "dumb", "vt52", "vt100", "vt102", "vt220", "vt320":
		o.ASCII = true
	}
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			o.ASCII = o.ASCII || !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
			break
		}
	}
	return o
}

// blankDots is a braille cell without a dot.
const blankDots = '\u2800'

// dotBits are a braille cell's dots from the bottom up, left column and right
// (Unicode 15, chart U2800).
var dotBits = [2][4]rune{{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}

// dots is the cell in braille: two columns of time, four steps of height. What
// was turned away is every other dot, so that it can be told without colour.
// With cut set, traffic beyond what is usual is cut by a line at the baseline.
func (p *plot) dots(i, y int, cut bool) (g rune, away bool) {
	g = blankDots
	unit := p.top / float64(p.rows*4)
	lit, turned := 0, 0
	for side := range 2 {
		b := &p.halves[2*i+side]
		if b.n == 0 {
			continue
		}
		top, served := level(b.rate, unit), int(math.Round((b.rate-b.refused)/unit))
		line := -1
		if cut && b.base > 0 && b.rate > b.base*p.high {
			line = int(b.base / unit)
		}
		for k := range 4 {
			at := y*4 + k
			if at >= top {
				break
			}
			lit++
			if b.refused > 0 && at >= served {
				if turned++; (at+side)%2 == 1 {
					continue
				}
			}
			if at == line {
				continue
			}
			g |= dotBits[side][k]
		}
	}
	return g, turned*2 > lit
}

package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// pen is the escape sequence that switches a way of writing on; the empty pen
// is plain text. Rows are written with few pens, because styling cell by cell
// costs five times as much.
type pen string

const penOff = "\x1b[0m"

// look is how a pen looks, before the terminal's colours are known.
type look struct {
	fg, bg                   string // #rrggbb, or a number of the 16 colours
	bold, reverse, underline bool
}

// theme is the console's pens by their meaning.
type theme struct {
	name                                 string
	text, dim, title, rule, key, cursor  pen
	bar, armed, suggest, disarmed        pen // status bar and what automation may do
	hostile, contained, crowd, calm      pen // banners
	crit, high, med, low                 pen // score bands
	blocked, job, allow, unknown, failed pen // states
	good, warn, bad                      pen
	chart, chartHot, chartRefused        pen
	chartBase                            pen
	band                                 pen // behind the chart's usual range; "": this terminal has no colour for it
	box, danger, focus, input            pen // dialogs
}

// Themes lists the names Options.Theme knows.
var Themes = []string{"dark", "light", "contrast", "colourblind"}

// palette is a theme's colours by role.
type palette struct {
	dim, title, crit, high, med, good, info, violet, onBar, bar, onHot, cursorFG, cursorBG, band string
}

var palettes = map[string]palette{
	"dark": {
		dim: "#8a8a8a", title: "#87afd7", crit: "#ff5f5f", high: "#ff9f43", med: "#ffd75f", good: "#87d787",
		info: "#5fd7ff", violet: "#d787ff", bar: "#303030", onBar: "#e4e4e4", onHot: "#ffffff", cursorFG: "#000000", cursorBG: "#d7d7d7", band: "#303030",
	},
	"light": {
		dim: "#6c6c6c", title: "#005f87", crit: "#af0000", high: "#af5f00", med: "#875f00", good: "#005f00",
		info: "#005faf", violet: "#8700af", bar: "#d0d0d0", onBar: "#1c1c1c", onHot: "#ffffff", cursorFG: "#ffffff", cursorBG: "#303030", band: "#d7d7d7",
	},
	"contrast": {
		dim: "15", title: "15", crit: "9", high: "11", med: "11", good: "10",
		info: "14", violet: "13", bar: "15", onBar: "0", onHot: "15", cursorFG: "0", cursorBG: "15",
	},
	// Okabe and Ito's palette: blue, orange and yellow stay apart for the
	// common forms of colour blindness; red and green never stand for a pair.
	"colourblind": {
		dim: "#8a8a8a", title: "#56b4e9", crit: "#d55e00", high: "#e69f00", med: "#f0e442", good: "#56b4e9",
		info: "#0099e0", violet: "#cc79a7", bar: "#303030", onBar: "#e4e4e4", onHot: "#ffffff", cursorFG: "#000000", cursorBG: "#d7d7d7", band: "#303030",
	},
}

// newTheme builds the pens of the named theme for what r's terminal can show.
func newTheme(name string, r *lipgloss.Renderer, noColor bool) (*theme, error) {
	if name == "" {
		name = "dark"
	}
	p, ok := palettes[name]
	if !ok {
		return nil, fmt.Errorf("theme %q is not known: use one of %s", name, strings.Join(Themes, ", "))
	}
	profile := termenv.Ascii
	if !noColor {
		profile = r.ColorProfile()
	}
	mk := func(l look) pen { return newPen(profile, noColor || profile == termenv.Ascii, l) }
	hot := p.crit
	if name != "light" && name != "contrast" {
		hot = "#af0000"
	}
	if name == "colourblind" {
		hot = "#a04000"
	}
	if profile == termenv.ANSI {
		p.band = "" // sixteen colours have no quiet one for it
	}
	return &theme{
		name: name, band: mk(look{bg: p.band}),
		text: "", dim: mk(look{fg: p.dim}), title: mk(look{fg: p.title, bold: true}), rule: mk(look{fg: p.dim}),
		key: mk(look{fg: p.info, bold: true}), cursor: mk(look{fg: p.cursorFG, bg: p.cursorBG, bold: true, reverse: true}),
		bar: mk(look{fg: p.onBar, bg: p.bar, reverse: true}), armed: mk(look{fg: p.onHot, bg: "#005f5f", bold: true, reverse: true}),
		suggest: mk(look{fg: p.onBar, bg: p.bar, bold: true, reverse: true}), disarmed: mk(look{fg: p.onHot, bg: hot, bold: true, reverse: true}),
		contained: mk(look{fg: p.onBar, bg: p.bar, bold: true, reverse: true}),
		hostile:   mk(look{fg: p.onHot, bg: hot, bold: true, reverse: true}), crowd: mk(look{fg: p.info, bold: true}), calm: mk(look{fg: p.good}),
		crit: mk(look{fg: p.crit, bold: true}), high: mk(look{fg: p.high}), med: mk(look{fg: p.med}), low: "",
		blocked: mk(look{fg: p.dim}), job: mk(look{fg: p.info}), allow: mk(look{fg: p.good}), unknown: mk(look{fg: p.violet, bold: true}),
		failed: mk(look{fg: p.crit, bold: true}),
		good:   mk(look{fg: p.good}), warn: mk(look{fg: p.med, bold: true}), bad: mk(look{fg: p.crit, bold: true}),
		chart: mk(look{fg: p.title}), chartHot: mk(look{fg: p.crit}), chartRefused: mk(look{fg: p.info}), chartBase: mk(look{fg: p.dim}),
		box: mk(look{fg: p.title}), danger: mk(look{fg: p.crit, bold: true}), focus: mk(look{bold: true, reverse: true}), input: mk(look{bold: true, underline: true}),
	}, nil
}

// newPen turns a look into an escape sequence. Without colour only bold,
// reverse and underline are left, which NO_COLOR allows.
func newPen(profile termenv.Profile, mono bool, l look) pen {
	var codes []string
	if l.bold {
		codes = append(codes, "1")
	}
	if l.underline {
		codes = append(codes, "4")
	}
	if mono {
		if l.reverse {
			codes = append(codes, "7")
		}
	} else {
		if l.reverse && l.bg == "" {
			codes = append(codes, "7")
		}
		if c := profile.Color(l.fg); l.fg != "" && c != nil {
			codes = append(codes, c.Sequence(false))
		}
		if c := profile.Color(l.bg); l.bg != "" && c != nil {
			codes = append(codes, c.Sequence(true))
		}
	}
	codes = slices.DeleteFunc(codes, func(s string) bool { return s == "" })
	if len(codes) == 0 {
		return ""
	}
	return pen("\x1b[" + strings.Join(codes, ";") + "m")
}

package tui

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"
)

// Options tunes a console. The zero value is a dark console in colour with the
// default keys and columns.
type Options struct {
	// Renderer tells what the terminal can show. Nil: lipgloss's default. An
	// SSH session passes one built from its own environment.
	Renderer *lipgloss.Renderer
	NoColor  bool   // no colour; bold and reverse stay
	ASCII    bool   // nothing but ASCII reaches the terminal
	Theme    string // one of Themes; "" is dark
	Chart    string // one of Charts; "" is braille. ASCII stands above it

	Now        func() time.Time  // for key timing; nil: time.Now
	StaleAfter time.Duration     // data older than this starts no bulk act; default 30 s
	Keys       map[string]string // action name → keys parted by blanks, instead of the default ones
	Columns    []string          // suspects columns, in order; nil: what fits, by importance
	Filters    map[string]string // saved filters by name
	Filter     string            // filter to start with

	// Terminal receives the clipboard sequence (OSC 52): the session's own
	// output. Nil: copying says that it can't.
	Terminal io.Writer
	Tmux     bool // the session runs inside tmux, which needs the sequence wrapped

	// Save writes what :export asks for. It is called outside Update. Nil: the
	// command says that this console writes no files, as over SSH, where the
	// file would be levee's and not the person's. See SaveNew.
	Save func(name string, data []byte) error

	// Shared is what the consoles of one station have in common. Nil: this one
	// works everything out by itself.
	Shared *Shared

	// Mouse lets the wheel scroll and a click select a row. Off by default,
	// because it takes the terminal's own selection of text away; :mouse on
	// and off change it.
	Mouse bool

	// QuitEnds says what ends when the console is left ("the watch ends with
	// this console"). Then q asks first. "": q leaves at once.
	QuitEnds string
}

func (o Options) withDefaults() Options {
	if o.Renderer == nil {
		o.Renderer = lipgloss.DefaultRenderer()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = 30 * time.Second
	}
	return o
}

// Check reports what New could not take: a theme, key, column or filter that
// does not exist. New itself tells it on the message line and goes on without.
func (o Options) Check() error {
	if _, ok := palettes[o.Theme]; !ok && o.Theme != "" {
		return fmt.Errorf("theme %q is not known: use one of %s", o.Theme, strings.Join(Themes, ", "))
	}
	if _, err := chartDots(o.Chart); err != nil {
		return err
	}
	if _, err := newBindings(o.Keys); err != nil {
		return err
	}
	if err := newTable().setColumns(o.Columns); err != nil {
		return fmt.Errorf("columns: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Filters)) {
		if _, err := parseFilter(o.Filters[name]); err != nil {
			return fmt.Errorf("filters: %s: %w", name, err)
		}
	}
	if _, err := parseFilter(o.Filter); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

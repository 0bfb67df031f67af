package config

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong with a file.
type Error struct {
	File string
	Line int    // 1-based; 0: the file as a whole
	What string // what is wrong
	Mend string // what to do about it
}

// Error returns "file:line: what; mend".
func (e Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s; %s", e.File, e.What, e.Mend)
	}
	return fmt.Sprintf("%s:%d: %s; %s", e.File, e.Line, e.What, e.Mend)
}

// Errors is everything wrong with a file, in the order of its lines.
type Errors []Error

// Error returns one line for each error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As every single Error.
func (es Errors) Unwrap() []error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return all
}

// problem is what is wrong with a value and the mend, before its line is known.
type problem struct{ what, mend string }

func (p *problem) Error() string { return p.what + "; " + p.mend }

func wrong(mend, format string, args ...any) *problem {
	return &problem{fmt.Sprintf(format, args...), mend}
}

// quote shows hostile or long text on one line.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// suggest returns a mend for a name that is none of known.
func suggest(name string, known []string) string {
	if mend, near := nearest(name, known); near {
		return mend
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return "known here: " + strings.Join(known, ", ")
}

// nearest asks about the one of known that name may be a slip of, if any is.
func nearest(name string, known []string) (mend string, near bool) {
	known = slices.Clone(known)
	slices.Sort(known)
	best, least := "", 1+max(1, (len(name)+1)/3)
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return fmt.Sprintf("did you mean %q?", best), best != ""
}

// distance is the Levenshtein distance in bytes (V. I. Levenshtein, 1966),
// row by row.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

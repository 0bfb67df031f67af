package tui

import (
	"maps"
	"slices"
	"strings"
)

// fieldNames lists the fields for help and error messages.
var fieldNames = strings.Join(slices.Sorted(func(yield func(string) bool) {
	for k := range maps.Keys(textFields) {
		if !yield(k) {
			return
		}
	}
	for k := range maps.Keys(numberFields) {
		if !yield(k) {
			return
		}
	}
}), " ")

// match reports whether every term holds. A nil filter matches all.
func (f *filter) match(j subject) bool { return f == nil || f.takes(j) }

func (f *filter) takes(j subject) bool {
	for i := range f.terms {
		if f.terms[i].match(&j) == f.terms[i].not {
			return false
		}
	}
	return true
}

func (t *term) match(j *subject) bool {
	if get, ok := numberFields[t.field]; ok {
		return t.compare(get(j))
	}
	for _, p := range t.nets {
		k := j.s.Key
		if p.Overlaps(k) {
			return true
		}
	}
	if get, ok := textFields[t.field]; ok {
		return t.holds(get(j))
	}
	for _, get := range freeText {
		if t.holds(get(j)) {
			return true
		}
	}
	return false
}

// freeText is what a term without a field looks at.
var freeText = []func(*subject) string{
	textFields["ip"], textFields["path"], textFields["ua"], textFields["service"], textFields["as"], textFields["attack"],
	textFields["state"], textFields["rule"],
}

func (t *term) holds(s string) bool {
	if t.re != nil {
		return t.re.MatchString(s)
	}
	s = strings.ToLower(s)
	for _, w := range t.words {
		if t.op == "=" && s == w || t.op == ":" && strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func (t *term) compare(n float64) bool {
	switch t.op {
	case ">":
		return n > t.num
	case ">=":
		return n >= t.num
	case "<":
		return n < t.num
	case "<=":
		return n <= t.num
	}
	for _, w := range t.words {
		if v, err := quantity(t.field, w); err == nil && v == n {
			return true
		}
	}
	return false
}

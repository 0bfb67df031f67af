package denylist

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"levee/actions"
)

// entry is one line of the file: a prefix or a signature's pattern, and the
// decisions that want it there. The line goes when the last of them does.
type entry struct {
	key     string               // name and class
	name    string               // actions.Target.Key
	prefix  netip.Prefix         // for styles of prefixes
	pattern string               // for styles of signatures
	class   string               // block, throttle, harden
	wanted  map[string]time.Time // decision → its end; zero: without end
}

// expires returns the latest end, zero when one has none.
func (e *entry) expires() time.Time {
	var last time.Time
	for _, t := range e.wanted {
		if t.IsZero() {
			return t
		}
		if t.After(last) {
			last = t
		}
	}
	return last
}

// book is what a file holds. Its entries are never shared between two books.
type book map[string]*entry

func (b book) clone() book {
	c := make(book, len(b))
	for k, e := range b {
		copied := *e
		copied.wanted = maps.Clone(e.wanted)
		c[k] = &copied
	}
	return c
}

// add notes that decision d wants e.
func (b book) add(e *entry, decision string, until time.Time) {
	held, ok := b[e.key]
	if !ok {
		held = e
		held.wanted = make(map[string]time.Time, 1)
		b[e.key] = held
	}
	held.wanted[decision] = until
}

// drop notes that decision no longer wants key.
func (b book) drop(key, decision string) {
	held, ok := b[key]
	if !ok {
		return
	}
	delete(held.wanted, decision)
	delete(held.wanted, "") // a line whose comment named nobody belongs to whoever lifts it
	if len(held.wanted) == 0 {
		delete(b, key)
	}
}

// dropAll removes every line of a target, whoever wanted it.
func (b book) dropAll(name string) {
	maps.DeleteFunc(b, func(_ string, e *entry) bool { return e.name == name })
}

// sorted returns the entries in the order of the file: prefixes by address,
// patterns by key.
func (b book) sorted() []*entry {
	all := slices.Collect(maps.Values(b))
	slices.SortFunc(all, func(x, y *entry) int {
		return cmp.Or(
			x.prefix.Addr().Compare(y.prefix.Addr()),
			cmp.Compare(x.prefix.Bits(), y.prefix.Bits()),
			cmp.Compare(rank(x.class), rank(y.class)),
			strings.Compare(x.key, y.key),
		)
	})
	return all
}

// rank orders classes by strength: where a prefix or a request deserves two,
// servers take the first line they find.
func rank(class string) int {
	switch class {
	case classBlock:
		return 0
	case classHarden:
		return 1
	}
	return 2
}

// Classes of lines.
const (
	classBlock    = "block"
	classThrottle = "throttle"
	classHarden   = "harden"
)

func classOf(v actions.Verb) string {
	switch v {
	case actions.Block:
		return classBlock
	case actions.Throttle:
		return classThrottle
	case actions.Harden:
		return classHarden
	}
	return ""
}

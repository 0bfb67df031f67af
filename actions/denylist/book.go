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

// book is what a file holds. Entries are never written after they stand in a
// book, so that a clone costs no more than its map.
type book map[string]*entry

func (b book) clone() book { return maps.Clone(b) }

// add notes that decision d wants e.
func (b book) add(e *entry, decision string, until time.Time) {
	wanted := map[string]time.Time{decision: until}
	if held, ok := b[e.key]; ok {
		e = held
		for id, t := range held.wanted {
			if id != decision {
				wanted[id] = t
			}
		}
	}
	changed := *e
	changed.wanted = wanted
	b[e.key] = &changed
}

// drop notes that decision no longer wants key.
func (b book) drop(key, decision string) {
	held, ok := b[key]
	if !ok {
		return
	}
	changed := *held
	changed.wanted = maps.Clone(held.wanted)
	delete(changed.wanted, decision)
	delete(changed.wanted, "") // a line whose comment named nobody belongs to whoever lifts it
	if b[key] = &changed; len(changed.wanted) == 0 {
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
		if c := x.prefix.Addr().Compare(y.prefix.Addr()); c != 0 { // nearly always, and cmp.Or would work out the rest
			return c
		}
		return cmp.Or(
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

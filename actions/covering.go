package actions

import (
	"net/netip"

	"github.com/gaissmai/bart"
)

// hitting are the lasting acts that turn traffic away, strongest first.
var hitting = [...]Verb{Block, Throttle, Harden}

// covering are the lasting acts on prefixes, a table for each verb: an allow, a
// throttle and a block may stand on one prefix at the same time.
type covering map[Verb]*bart.Table[*record]

func newCovering() covering {
	c := covering{Allow: new(bart.Table[*record])}
	for _, v := range hitting {
		c[v] = new(bart.Table[*record])
	}
	return c
}

func (c covering) insert(r *record) { c[r.verb].Insert(r.target.Prefix, r) }

// remove takes r out and reports whether it was there: another act of the same
// verb on the same prefix stays.
func (c covering) remove(r *record) bool {
	t := c[r.verb]
	if at, ok := t.Get(r.target.Prefix); !ok || at != r {
		return false
	}
	t.Delete(r.target.Prefix)
	return true
}

// narrowest returns the act of one of verbs that covers p most narrowly. Of
// those on the same prefix one that stays goes before one that is ending, and
// else the verb named first.
func (c covering) narrowest(p netip.Prefix, verbs ...Verb) (*record, bool) {
	var best *record
	for _, v := range verbs {
		r, ok := c[v].LookupPrefix(p)
		if !ok {
			continue
		}
		if best != nil {
			mine, its := r.target.Prefix.Bits(), best.target.Prefix.Bits()
			if mine < its || mine == its && (r.end != "" || best.end == "") {
				continue
			}
		}
		best = r
	}
	return best, best != nil
}

// hits returns the acts that turn traffic away in p, in a prefix around it, or
// inside it.
func (c covering) hits(p netip.Prefix) []*record {
	var out []*record
	for _, v := range hitting {
		for q, r := range c[v].Supernets(p) {
			if q != p { // Subnets has it too
				out = append(out, r)
			}
		}
	}
	return append(out, c.inside(p)...)
}

// inside returns the acts that turn traffic away on p and on prefixes in it.
func (c covering) inside(p netip.Prefix) []*record {
	var out []*record
	for _, v := range hitting {
		for _, r := range c[v].Subnets(p) {
			out = append(out, r)
		}
	}
	return out
}

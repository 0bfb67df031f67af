package detect

import "math/bits"

const ways = 8

// sourceTable is a set-associative table: a source lives in one of the eight
// places its hash allows, and the least interesting of the eight gives way.
type sourceTable struct {
	tags    []uint64
	entries []source
	mask    uint64
	held    int
	shed    uint64
}

func newSourceTable(s *slab, n int) sourceTable {
	sets := 1
	for sets*2*ways <= n {
		sets *= 2
	}
	return sourceTable{tags: carve[uint64](s, sets*ways), entries: carve[source](s, sets*ways), mask: uint64(sets - 1)}
}

func (t *sourceTable) bytes() int64 { return int64(len(t.tags)) * (8 + sourceSize) }

// set returns where the places begin that a source of hash h may have.
func (t *sourceTable) set(h uint64) uint64 { return (h >> 32 & t.mask) * ways }

// find returns the index of k, or -1.
func (t *sourceTable) find(k sourceKey, h uint64) int {
	h |= 1
	set := t.set(h)
	for i, tag := range t.tags[set : set+ways] {
		if tag == h && t.entries[set+uint64(i)].key == k {
			return int(set) + i
		}
	}
	return -1
}

// room returns the index where k may move in, and whether someone who was
// there in the last quarter of an hour had to leave.
func (t *sourceTable) room(h uint64, sec int64) (int, bool) {
	h |= 1
	set := t.set(h)
	worst, low := int(set), int64(1<<62)
	for i := set; i < set+ways; i++ {
		if t.tags[i] == 0 {
			t.held++
			t.tags[i] = h
			return int(i), false
		}
		if w := t.entries[i].worth(sec); w < low {
			worst, low = int(i), w
		}
	}
	t.tags[worst] = h
	return worst, sec-t.entries[worst].last < 900
}

// worth is how much a source deserves its place: recent, busy and suspected ones more.
func (s *source) worth(sec int64) int64 {
	w := -(sec - s.last)
	w += 20 * int64(bits.Len32(s.seen))
	if s.failed {
		w += 200
	}
	if s.score > 20 {
		w += 600
	}
	if s.marks&(markBlock|markEnrolled) != 0 {
		w += 600
	}
	return w
}

// place returns where a source of hash h seems to be, or -1.
func (t *sourceTable) place(h uint64) int32 {
	set := t.set(h)
	s := (*[ways]uint64)(t.tags[set:])
	h |= 1
	held := same(s[0], h) | same(s[1], h)<<1 | same(s[2], h)<<2 | same(s[3], h)<<3 |
		same(s[4], h)<<4 | same(s[5], h)<<5 | same(s[6], h)<<6 | same(s[7], h)<<7
	if held == 0 {
		return -1
	}
	return int32(set) + int32(bits.TrailingZeros64(held))
}

// same is 1 when a and b are equal, else 0, without a branch: which of the
// places of a set holds a source is what no processor can foretell.
func same(a, b uint64) uint64 {
	d := a ^ b
	return (d|-d)>>63 ^ 1
}

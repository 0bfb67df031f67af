package detect

import "unsafe"

// ringSeconds is how many seconds a source's ring of counters holds, netSeconds a
// prefix's.
const (
	ringSeconds = 12
	netSeconds  = 10
)

// ring counts requests by second: second t is at t modulo as many seconds as it
// holds.
type ring [ringSeconds]uint16

// quads are the counters, four in each.
type quads [unsafe.Sizeof(ring{}) / 8]uint64

func (r *ring) quads() *quads { return (*quads)(unsafe.Pointer(r)) }

// stays says which counters stay when a ring moves on from a place by a number
// of seconds, all bits of each. Nothing foretells by how many, so a loop over
// them would end where the processor does not expect it.
type stays [ringSeconds][ringSeconds]quads

var sourceStays, netStays = newStays(ringSeconds), newStays(netSeconds)

// newStays is for rings that hold n seconds.
func newStays(n int) *stays {
	var t stays
	for from := range n {
		for gap := range n {
			var r ring
			for i := range r {
				r[i] = 0xffff
			}
			for i := 1; i <= gap; i++ {
				r[(from+i)%n] = 0
			}
			t[from][gap] = *r.quads()
		}
	}
	return &t
}

// advance empties the counters of the gap seconds, fewer than the ring holds,
// after the one at place at.
func (r *ring) advance(t *stays, at, gap int64) {
	w, stay := r.quads(), &t[at][gap]
	w[0] &= stay[0]
	w[1] &= stay[1]
	w[2] &= stay[2]
}

package detect

import (
	"math/bits"
	"unsafe"
)

// tally counts what a source did in one window. Counters stay at their top
// instead of wrapping.
type tally struct {
	hits    uint16
	pages   uint16 // answered pages: GET, 2xx or 304, no asset, no API, no feed
	assets  uint16
	nav     uint16 // referers that name a page this source had asked for
	self    uint16 // referers on the own site
	noRef   uint16
	err4    uint16
	err5    uint16
	fails   uint16 // refused logins
	logins  uint16 // accepted logins
	forms   uint16 // requests for a login page itself
	missing uint16 // 400, 403, 404, 405, 410 without a referer of the own site
	probes  uint16 // paths scanners ask for, not answered 2xx
	slow    uint16 // 408, 499 or far longer than the route's usual
	garbage uint16 // unreadable request lines
	random  uint16 // random queries
	odd     uint16 // methods other than GET and POST
	machine uint16 // asked of routes made for programs
}

const tallyFields = int(unsafe.Sizeof(tally{}) / 2)

func (t *tally) each() *[tallyFields]uint16 { return (*[tallyFields]uint16)(unsafe.Pointer(t)) }

// add adds share parts of 256 of o to t.
func (t *tally) add(o *tally, share uint32) {
	a, b := t.each(), o.each()
	for i := range a {
		a[i] = uint16(min(uint32(a[i])+(uint32(b[i])*share+128)>>8, 0xffff))
	}
}

// fade keeps keep parts of 256.
func (t *tally) fade(keep uint32) {
	a := t.each()
	for i := range a {
		a[i] = uint16((uint32(a[i])*keep + 128) >> 8)
	}
}

// Marks of a source.
const (
	markPerson   uint16 = 1 << iota // once behaved as a person's browser does
	markMixed                       // many people behind one address
	markEnrolled                    // enrolled in an incident
	markBlock                       // last event recommended a block
	markListed                      // in the list of suspects
	markTool
	markClaims // its agent claims to be a crawler
	markVerified
	markProxied
	markDirect
	markMayNot // seen through an input whose word is not enough to act
	markMayAct
	markAttacks // its agent names a program made to attack or scan
	markFalse   // claims to be a crawler and is not
	markBare    // asks pages and nothing a browser would ask with them
)

const ringSeconds = 12

// source is the full state of a client: about 250 bytes.
type source struct {
	key   sourceKey
	low   uint64 // lower half of the IPv6 address last seen
	first int64  // second of the first request
	last  int64  // second of the last request
	ring  [ringSeconds]uint16
	cur   tally // this minute

	minute    int64  // the minute cur counts
	routes    uint64 // bitmaps of distinct values
	paths     uint64
	agents    uint64
	lost      uint64    // distinct paths answered 404 and the like
	trail     [4]uint16 // pages asked for lately
	topHits   uint16    // of route top within cur and prev, about
	top       uint16
	topPath   uint64 // the whole path asked most (majority vote)
	votes     uint16
	same      uint16 // requests for topPath this minute
	agent     uint16
	method    uint8
	service   uint8
	status    uint16
	marks     uint16
	due       uint16 // hits of cur at which the next judgment falls
	score     float32
	attack    uint8
	incident  uint16 // number of the incident that match counts for
	match     uint16 // requests that matched its signature
	missed    uint16 // requests since then that did not
	matchTold uint16 // match at the last event
	seen      uint32 // requests since first
	told      int64  // second of the last event
	gapMean   float32
	gapDev    float32
	asn       uint32
	country   uint16
	detail    uint16 // index into the details, 0 none
	prev      tally  // the minute before
	long      tally  // about the last 15 minutes before those, fading
}

const sourceSize = int64(unsafe.Sizeof(source{}))

// roll moves the minute windows on to second sec.
func (s *source) roll(sec int64) {
	m := sec / 60
	if m <= s.minute {
		return
	}
	gone := m - s.minute
	// One minute in fifteen fades: what a source did lingers for a quarter of an hour.
	keep := uint32(256)
	for range min(gone, 40) {
		keep = keep * 15 / 16
	}
	s.long.fade(keep)
	s.long.add(&s.prev, 256)
	if gone > 1 {
		s.long.add(&s.cur, keep)
		s.prev = tally{}
	} else {
		s.prev = s.cur
	}
	s.cur = tally{}
	s.minute = m
	s.due = 0
	s.topHits /= 2
	s.same /= 2
	if gone > 20 {
		s.routes, s.paths, s.agents, s.lost = 0, 0, 0, 0
		s.marks &^= markPerson | markMixed
	}
}

// count notes a request of second sec in the ring of seconds.
func (s *source) count(sec int64) {
	if gap := sec - s.last; gap > 0 {
		if gap >= ringSeconds {
			s.ring = [ringSeconds]uint16{}
		} else {
			for i := int64(1); i <= gap; i++ {
				s.ring[(s.last+i)%ringSeconds] = 0
			}
		}
		s.last = sec
	}
	sat16(&s.ring[sec%ringSeconds])
}

// hits returns the requests of the last n seconds up to now, n at most 10.
func (s *source) hitsIn(now int64, n int64) (sum int) {
	if now-s.last >= ringSeconds {
		return 0
	}
	for i := int64(0); i < n; i++ {
		if t := now - i; t <= s.last && t > s.last-ringSeconds {
			sum += int(s.ring[t%ringSeconds])
		}
	}
	return sum
}

// rate is requests/s over the last 10 s, or over its life when it is younger
// (never less than 2 s).
func (s *source) rate(now int64) float64 {
	span := min(10, now-s.first+1)
	if span < 2 {
		span = 2
	}
	return float64(s.hitsIn(now, span)) / float64(span)
}

// total sums the windows: about the last quarter of an hour.
func (s *source) total() tally {
	t := s.long
	t.add(&s.prev, 256)
	t.add(&s.cur, 256)
	return t
}

// recent sums this minute and the one before.
func (s *source) recent() tally {
	t := s.prev
	t.add(&s.cur, 256)
	return t
}

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

func newSourceTable(n int) sourceTable {
	sets := 1
	for sets*2*ways <= n {
		sets *= 2
	}
	return sourceTable{tags: make([]uint64, sets*ways), entries: make([]source, sets*ways), mask: uint64(sets - 1)}
}

func (t *sourceTable) bytes() int64 { return int64(len(t.tags)) * (8 + sourceSize) }

// find returns the index of k, or -1.
func (t *sourceTable) find(k sourceKey, h uint64) int {
	h |= 1
	set := (h >> 32 & t.mask) * ways
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
	set := (h >> 32 & t.mask) * ways
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
	if s.cur.fails+s.prev.fails+s.long.fails > 0 {
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

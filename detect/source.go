package detect

import (
	"encoding/binary"
	"math"
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
	missing uint16 // 400, 403, 404, 405, 410 without a referer of the own site, and probes sent elsewhere
	probes  uint16 // paths scanners ask for, not answered 2xx
	slow    uint16 // 408, 499 or far longer than the route's usual
	garbage uint16 // unreadable request lines
	random  uint16 // random queries
	odd     uint16 // methods other than GET and POST
	machine uint16 // asked of routes made for programs
}

const tallyFields = int(unsafe.Sizeof(tally{}) / 2)

func (t *tally) bytes() *[2 * tallyFields]byte { return (*[2 * tallyFields]byte)(unsafe.Pointer(t)) }

// add adds share parts of 256 of o to t.
func (t *tally) add(o *tally, share uint64) {
	const nearest = 128 * each
	a, b := t.bytes(), o.bytes()
	i := 0
	for ; i+8 <= len(a); i += 8 {
		x, y := native.Uint64(a[i:]), native.Uint64(b[i:])
		native.PutUint64(a[i:], top(x&evens+part(y&evens, share, nearest))|top(x>>16&evens+part(y>>16&evens, share, nearest))<<16)
	}
	for ; i < len(a); i += 2 {
		x, y := uint64(native.Uint16(a[i:])), uint64(native.Uint16(b[i:]))
		native.PutUint16(a[i:], uint16(top(x+part(y, share, nearest))))
	}
}

// fade keeps keep parts of 256. The rounding takes turns with the minute: to the
// nearest, small counts would never go.
func (t *tally) fade(keep uint64, minute int64) {
	a, turn := t.bytes(), uint64(minute)*157&255*each
	i := 0
	for ; i+8 <= len(a); i += 8 {
		x := native.Uint64(a[i:])
		native.PutUint64(a[i:], part(x&evens, keep, turn)|part(x>>16&evens, keep, turn)<<16)
	}
	for ; i < len(a); i += 2 {
		native.PutUint16(a[i:], uint16(part(uint64(native.Uint16(a[i:])), keep, turn)))
	}
}

// Four counters of a tally are worked on at once, two of them apart in each
// word so that they have room to grow.
const (
	evens = 0x0000ffff0000ffff
	each  = 0x0000000100000001
)

var native = binary.NativeEndian

// part returns share parts of 256 of each of two counters; up, below 256 for
// each, says how they are rounded.
func part(x, share, up uint64) uint64 { return (x*share + up) >> 8 & evens }

// top keeps two sums at the top of a counter.
func top(x uint64) uint64 { return (x | x>>16&each*0xffff) & evens }

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
	markHammers // asks one page for ever new things, far more often than its usual clients
)

// source is the full state of a client. Its fields are grouped by the cache
// line they lie in, five of 64 bytes: what finding a source and giving its place
// away looks at comes first, what only a judgment reads last.
type source struct {
	key    sourceKey
	last   int64  // second of the last request
	first  int64  // second of the first request
	minute int64  // the minute cur counts
	seen   uint32 // requests since first
	score  float32
	low    uint64 // lower half of the IPv6 address last seen
	marks  uint16
	due    uint16 // hits of cur at which the next judgment falls
	status uint16
	attack uint8
	failed bool // a login was refused in the windows below

	ring  ring
	cur   tally // this minute
	top   uint16
	agent uint16

	routes  uint64 // bitmaps of distinct values
	paths   uint64
	agents  uint64
	lost    uint64 // distinct paths answered 404 and the like
	topPath uint64 // the whole path asked most (majority vote)
	trail   uint64 // the four pages asked for lately, 16 bits each, the last one lowest
	votes   uint16
	same    uint16 // requests for topPath this minute
	topHits uint16 // of route top within cur and prev, about
	detail  uint16 // index into the details, 0 none
	gapMean float32
	gapDev  float32

	told      int64 // second of the last event
	asn       uint32
	country   uint16
	incident  uint16 // number of the incident that match counts for
	match     uint16 // requests that matched its signature
	missed    uint16 // requests since then that did not
	matchTold uint16 // match at the last event
	before    uint16 // requests in 1,000 s it made before it first matched its incident
	method    uint8
	service   uint8
	prev      tally // the minute before

	long     tally  // about the last 15 minutes before those, fading
	targets  uint64 // bitmap of distinct paths with their queries
	turned   uint32 // a person's requests that were turned away since first
	sent     uint16 // requests since first that were answered with where to go instead
	asked401 uint16 // 16 bits of what was refused for want of a name lately, 0 none
	let      uint16 // how often it gave one and was let in
	_        [2]byte
}

const sourceSize = int64(unsafe.Sizeof(source{}))

var _ = [1]struct{}{}[sourceSize%cacheLine] // whole cache lines

// lingers is how many parts of 256 are left after so many minutes: one in sixteen
// fades each, so what a source did lingers for a quarter of an hour.
var lingers = func() (t [41]uint64) {
	t[0] = 256
	for i := 1; i < len(t); i++ {
		t[i] = t[i-1] * 15 / 16
	}
	return t
}()

// roll moves the minute windows on to second sec.
func (s *source) roll(sec int64) {
	m := sec / 60
	if m <= s.minute {
		return
	}
	gone := m - s.minute
	keep := lingers[min(gone, int64(len(lingers)-1))]
	s.long.fade(keep, m)
	s.long.add(&s.prev, 256)
	if gone > 1 {
		s.long.add(&s.cur, keep)
		s.prev = tally{}
	} else {
		s.prev = s.cur
	}
	s.cur = tally{}
	s.failed = s.prev.fails+s.long.fails > 0
	s.minute = m
	s.due = 0
	s.topHits /= 2
	s.same /= 2
	if gone > 20 {
		s.routes, s.paths, s.agents, s.lost, s.targets = 0, 0, 0, 0, 0
		s.marks &^= markPerson | markMixed
	}
}

// count notes a request of second sec in the ring of seconds.
func (s *source) count(sec int64) {
	if gap := sec - s.last; gap > 0 {
		if gap < ringSeconds {
			s.ring.advance(sourceStays, s.last%ringSeconds, gap)
		} else {
			s.ring = ring{}
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
	if now == s.last && n == 10 { // judging a request asks this
		for _, c := range s.ring {
			sum += int(c)
		}
		return sum - int(s.ring[(now+1)%ringSeconds]) - int(s.ring[(now+2)%ringSeconds])
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

// steady is requests/s over the slower half of the last 10 s: a burst has none.
func (s *source) steady(now int64) float64 {
	late := s.hitsIn(now, 5)
	return float64(min(late, s.hitsIn(now, 10)-late)) / 5
}

// weighing is how many seconds of the last age ones weigh in in the windows: a
// minute's share of the past fades by a sixteenth each minute.
func weighing(age int64) float64 {
	return 960 * (1 - math.Pow(15.0/16, float64(age+1)/60))
}

// pace is how many requests the source makes in 1,000 s, by all that the windows
// still hold; 0 when it came minutes ago.
func (s *source) pace(now int64) uint16 {
	if now-s.first < habitLeast {
		return 0
	}
	t := s.total()
	return uint16(min(1000*float64(t.hits)/max(weighing(now-s.first), 1), 0xffff))
}

// habitLeast is how many seconds of conduct make a habit.
const habitLeast = 240

// formerly is how many requests/s the source made before this minute; 0 when it
// came minutes ago.
func (s *source) formerly() float64 {
	age := s.minute*60 - s.first
	if age < habitLeast {
		return 0
	}
	return (float64(s.long.hits) + float64(s.prev.hits)) / weighing(age)
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

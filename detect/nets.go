package detect

import (
	"math/bits"
	"net/netip"
)

// network is the state of a /24 or /48: what every request touches. The rest is
// in netRest, so that a request loads few cache lines.
type network struct {
	key      sourceKey
	last     int64
	until    int64 // a block of the whole prefix is recommended until this second
	minute   int32
	cur      uint32 // requests this minute
	prev     uint32
	at       uint32 // index in the table
	persons  uint16 // requests of clients that behave like people, this minute
	rotated  uint16 // new clients that matched incident
	incident uint16
	n        uint16 // clients noted in netRest.ids
	ring     ring   // of netSeconds
}

// netRest is what only verdicts and people look at.
type netRest struct {
	first  int64
	told   int64
	alike  float32 // what the last verdict rested on
	active float32
	ids    [32]sourceKey // clients that came lately
}

// renew makes room for another prefix. Which of ids count is told by network.n:
// emptying them would cost eight cache lines where prefixes come and go.
func (r *netRest) renew(sec int64) { r.first, r.told, r.alike, r.active = sec, 0, 0, 0 }

// clients returns those noted lately, in no order.
func (t *netTable) clients(n *network) []sourceKey {
	return t.rest[n.at].ids[:min(n.n, 32)]
}

// netTable holds the prefixes, set-associative as the sources.
type netTable struct {
	tags    []uint64
	entries []network
	rest    []netRest
	mask    uint64
}

func newNetTable(s *slab, n int) netTable {
	sets := 1
	for sets*2*netWays <= n {
		sets *= 2
	}
	return netTable{rest: carve[netRest](s, sets*netWays), entries: carve[network](s, sets*netWays), tags: carve[uint64](s, sets*netWays), mask: uint64(sets - 1)}
}

const netWays = 4

// set returns where the places begin that a prefix of hash h may have.
func (t *netTable) set(h uint64) uint64 { return (h >> 32 & t.mask) * netWays }

// find returns the prefix k of hash h, or nil.
func (t *netTable) find(k sourceKey, h uint64) *network {
	set := t.set(h)
	for i, tag := range t.tags[set : set+netWays] {
		if tag == h && t.entries[set+uint64(i)].key == k {
			return &t.entries[set+uint64(i)]
		}
	}
	return nil
}

// room returns the index where a prefix of hash h may move in: a free place, or
// that of the prefix silent for longest.
func (t *netTable) room(h uint64) uint64 {
	set := t.set(h)
	worst := set
	for i := set; i < set+netWays; i++ {
		if t.tags[i] == 0 || t.tags[worst] != 0 && t.entries[i].last < t.entries[worst].last {
			worst = i
		}
	}
	return worst
}

// countNet notes a request in its prefix.
func (e *Engine) countNet(c *client, s *source, sec int64) *network {
	k, h := s.key.net(), c.netHash
	var n *network
	if i := c.netAt; i >= 0 && e.nets.tags[i] == h && e.nets.entries[i].key == k {
		n = &e.nets.entries[i]
	} else if n = e.nets.find(k, h); n == nil {
		worst := e.nets.room(h)
		if e.nets.entries[worst].until > sec {
			e.dropNet(e.nets.entries[worst].key)
		}
		e.nets.tags[worst] = h
		n = &e.nets.entries[worst]
		*n = network{}
		n.key, n.last, n.minute, n.at = k, sec, int32(sec/60), uint32(worst)
		e.nets.rest[worst].renew(sec)
	}
	if m := int32(sec / 60); m != n.minute {
		n.prev = n.cur
		if m > n.minute+1 {
			n.prev = 0
		}
		n.cur, n.persons, n.minute = 0, 0, m
	}
	n.count(sec)
	if s.marks&(markPerson|markMixed) != 0 {
		sat16(&n.persons)
	}
	if s.cur.hits == 1 {
		e.nets.rest[n.at].ids[n.n&31] = s.key
		if n.n++; n.n == 0 {
			n.n = 32 // all places stay in use
		}
	}
	return n
}

// count notes a request of second sec.
func (n *network) count(sec int64) {
	if gap := sec - n.last; gap > 0 {
		if gap < netSeconds {
			n.ring.advance(netStays, n.last%netSeconds, gap)
		} else {
			n.ring = ring{}
		}
		n.last = sec
	}
	n.cur++
	sat16(&n.ring[sec%netSeconds])
}

// rate is requests/s over the last 10 s.
func (n *network) rate(now int64) float64 {
	sum := 0
	for t := max(now-netSeconds, n.last-netSeconds) + 1; t <= n.last; t++ {
		sum += int(n.ring[t%netSeconds])
	}
	return float64(sum) / netSeconds
}

// neighbours lists other active clients of the prefix around p.
func (e *Engine) neighbours(k sourceKey, most int) []netip.Addr {
	var out []netip.Addr
	n := e.netOf(k.net())
	if n == nil {
		return nil
	}
	for _, id := range e.nets.clients(n) {
		if id != k && len(out) < most {
			low := uint64(0)
			if i := e.sources.find(id, id.hash()); i >= 0 {
				low = e.sources.entries[i].low
			}
			a := id.addr(low)
			dup := false
			for _, b := range out {
				dup = dup || a == b
			}
			if !dup {
				out = append(out, a)
			}
		}
	}
	return out
}

func (e *Engine) netOf(k sourceKey) *network {
	return e.nets.find(k, k.hash()|1)
}

// place returns where a prefix of hash h seems to be, or -1.
func (t *netTable) place(h uint64) int32 {
	set := t.set(h)
	s := (*[netWays]uint64)(t.tags[set:])
	held := same(s[0], h) | same(s[1], h)<<1 | same(s[2], h)<<2 | same(s[3], h)<<3
	if held == 0 {
		return -1
	}
	return int32(set) + int32(bits.TrailingZeros64(held))
}

package detect

import "net/netip"

// Clients are the usual clients that a block of an address or a prefix covers:
// those with a person's conduct who were here four minutes and longer, a minute
// of it before the excess began, who came within the last two minutes, and who
// ask no more than they did. They are found when the block begins and stay the
// same. A Clients is immutable.
//
// Whom a verdict names for what that very client did (refused logins, a scan,
// its own rate) is none: such a block is right whatever else it did.
type Clients struct {
	Known int     // how many they are
	Usual float64 // requests/s they made before
	Rate  float64 // requests/s of everybody in the prefix over the last 10 s, as they were found
	list  []coveredClient
}

type coveredClient struct {
	key   sourceKey
	first int64 // when the engine began to hold it: another value is another memory
}

// Heard is what came of Clients since the engine first met them.
type Heard struct {
	Passed uint64 // requests that the server answered
	Turned uint64 // requests that were turned away: 403, 429 or 444
	Held   int    // of how many the engine still holds the state; the others count in neither
}

// coveredLately is how many seconds ago a client came at most to be covered:
// who left before the block does not miss anything by it.
const coveredLately = 120

// Cover is a block: what it covers, and the ID of the incident it was for.
type Cover struct {
	Prefix   netip.Prefix
	Incident string
}

// Covered returns for each block the usual clients in it; nil where there are
// none, or where its incident is not open.
func (e *Engine) Covered(blocks []Cover) []*Clients {
	out := make([]*Clients, len(blocks))
	var in *incident
	for i, b := range blocks {
		if in == nil || in.ID != b.Incident {
			if in = e.incidentNamed(b.Incident); in == nil {
				continue
			}
		}
		out[i] = e.covered(in, b.Prefix)
	}
	return out
}

func (e *Engine) incidentNamed(id string) *incident {
	for _, in := range e.incidents {
		if in.ID == id {
			return in
		}
	}
	return nil
}

func (e *Engine) covered(in *incident, p netip.Prefix) *Clients {
	var c *Clients
	now := 0
	e.inPrefix(p, func(s *source) {
		rate, ok := e.steady(in, s)
		if !ok {
			return
		}
		if c == nil {
			c = &Clients{}
		}
		now += s.hitsIn(e.sec, 10)
		c.Known++
		c.Usual += rate
		c.list = append(c.list, coveredClient{s.key, s.first})
	})
	if c == nil || float64(now) > 30*c.Usual+10 { // together they ask far more than they did
		return nil
	}
	c.Rate = e.rateIn(p)
	return c
}

// Heard returns what came of each of list up to now.
func (e *Engine) Heard(list []*Clients) []Heard {
	out := make([]Heard, len(list))
	for i, c := range list {
		h := &out[i]
		for _, x := range c.list {
			j := e.sources.find(x.key, x.key.hash())
			if j < 0 || e.sources.entries[j].first != x.first {
				continue
			}
			s := &e.sources.entries[j]
			h.Held++
			h.Turned += uint64(s.turned)
			h.Passed += uint64(s.seen) - min(uint64(s.turned), uint64(s.seen))
		}
	}
	return out
}

// steady reports whether a source is a usual client that has no part in an
// incident, and how many requests/s it made before. One client's seconds say
// little, its last minute or two say whether it asks no more than it did.
func (e *Engine) steady(in *incident, s *source) (rate float64, ok bool) {
	if s.marks&markAttacks != 0 || !s.usualAt(in.began-usualKnown) || e.sec-s.last > coveredLately {
		return 0, false
	}
	if s.marks&markBlock != 0 && (s.marks&markEnrolled == 0 || s.incident != in.number || in.abuse || in.crowd.fails >= 0.6) {
		return 0, false
	}
	rate = s.formerly()
	if s.incident == in.number && s.before > 0 {
		rate = float64(s.before) / 1000
	}
	now := (float64(s.cur.hits) + float64(s.prev.hits)) / float64(60+e.sec%60)
	return rate, rate > 0 && now <= 3*rate+0.02
}

// singleClient reports whether p is one client as the engine counts them: an
// IPv4 address, or an IPv6 /64 or what is inside one.
func singleClient(p netip.Prefix) bool {
	return p.Addr().Is4() && p.Bits() == 32 || !p.Addr().Is4() && p.Bits() >= 64
}

// inPrefix calls f for each client in p that is held: all of an IPv4 prefix no
// wider than a /24, of a wider IPv6 prefix than a /64 those who came lately.
func (e *Engine) inPrefix(p netip.Prefix, f func(*source)) {
	look := func(k sourceKey) {
		if i := e.sources.find(k, k.hash()); i >= 0 {
			f(&e.sources.entries[i])
		}
	}
	k, _ := keyOf(p.Masked().Addr())
	switch {
	case k.is4() && p.Bits() >= 24:
		for b := range uint64(1) << (32 - p.Bits()) {
			look(sourceKey{v4Mark, k.lo + b})
		}
	case !k.is4() && p.Bits() >= 64:
		look(k)
	default:
		n := e.netOf(k.net())
		if n == nil {
			return
		}
		ids := e.nets.clients(n)
		for i, id := range ids {
			if p.Contains(id.addr(0)) && !contains(ids[:i], id) {
				look(id)
			}
		}
	}
}

// rateIn is the requests/s of all clients in p over the last 10 s.
func (e *Engine) rateIn(p netip.Prefix) (sum float64) {
	if k, _ := keyOf(p.Addr()); p == k.netPrefix() {
		if n := e.netOf(k.net()); n != nil {
			return n.rate(e.sec)
		}
	}
	e.inPrefix(p, func(s *source) { sum += float64(s.hitsIn(e.sec, 10)) / 10 })
	return sum
}

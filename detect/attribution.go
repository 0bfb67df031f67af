package detect

// attribution is the room in which an excess is explained.
type attribution struct {
	recent           []weighed
	base             []weighed
	inRecent, inBase []int32 // those that the explanation takes so far
	count            map[uint64]float64
	usual            map[uint64]float64
	seen             map[sourceKey]int
	shared           map[sourceKey]bool // addresses with several agents
	apps             map[uint16]float64 // usual requests/s of each app's agent
	common           float64            // from how many on an app is usual
	span             float64            // seconds that recent covers
}

// weighed is a sample and the requests/s it stands for.
type weighed struct {
	f       *feature
	key     sourceKey
	src     *source
	sample  *sample
	weight  float64
	conduct uint8
}

// cause is an explanation: a rule, and how much of the excess and of the usual
// traffic it takes.
type cause struct {
	rule       rule
	bare       bool // only clients without a person's conduct
	outside    bool // the cost is counted over all usual traffic, whoever makes it
	slow       bool // found by the slow series: small rates count
	rate       float64
	usual      float64
	covered    float64 // share of the excess
	collateral float64 // share of the usual traffic
}

// gather collects the samples of a service since second from that no known
// verdict explains, and the baseline's.
func (e *Engine) gather(svc uint8, from, to int64) (rate, usual float64) {
	w := &e.work
	if w.count == nil {
		w.count, w.usual, w.seen, w.shared = map[uint64]float64{}, map[uint64]float64{}, map[sourceKey]int{}, map[sourceKey]bool{}
	}
	w.recent, w.base = w.recent[:0], w.base[:0]
	from = max(from, to-recentSeconds+2, e.start)
	span := float64(to - from + 1)
	w.span = span
	for sec := from; sec <= to; sec++ {
		s := &e.slots[sec%recentSeconds]
		if s.sec != sec {
			continue
		}
		each := s.weight() / span
		e.fetchSamples(s.kept[:s.n])
		for i := range s.kept[:s.n] {
			d := &s.kept[i]
			if d.service != svc {
				continue
			}
			j := e.sources.find(d.key, d.key.hash())
			var src *source
			c := conductYoung
			if j >= 0 {
				src = &e.sources.entries[j]
				if src.marks&markVerified != 0 {
					continue // a search engine's recrawl is nobody's attack
				}
				if c = e.conduct(src); c == conductBare {
					src.marks |= markBare
				}
				if e.explained(&d.feature, src) {
					continue
				}
			} else if e.matchesOpen(&d.feature, d.key) {
				continue
			}
			w.recent = append(w.recent, weighed{&d.feature, d.key, src, d, each, c})
			rate += each
		}
	}
	u := e.services[svc].rate.usual() * e.expected(svc, to)
	n := 0
	for i := range e.base {
		if e.base[i].service == svc {
			n++
		}
	}
	if n == 0 {
		return rate, 0
	}
	each := u / float64(n)
	for i := range e.base {
		b := &e.base[i]
		if b.service == svc {
			w.base = append(w.base, weighed{f: &b.feature, key: b.key, weight: each, conduct: b.conduct})
		}
	}
	return rate, u
}

// explain grows the conjunction that keeps most of the excess at least cost to
// the usual traffic, greedily: each step takes the term that spares most of
// the usual traffic while it keeps 85 % of the excess (the greedy step of rule
// learners such as CN2: Clark and Niblett 1989).
func (e *Engine) explain(start cause, total float64) cause {
	w := &e.work
	c := start
	c.rate, c.usual = w.narrow(&c, true)
	whole := c.excess()
	if whole <= 0 {
		return c
	}
	keep := 0.85
	if c.outside {
		keep = 0.7
	}
	for range 5 {
		found := cause{}
		for d := range dims {
			if c.rule.has(d) {
				continue
			}
			w.tabulate(d)
			for v, r := range w.count {
				x := c
				x.rule, x.rate, x.usual = c.rule.with(d, v), r, w.usual[v]
				least := keep
				if d == dimProto {
					least = 0.95 // half the internet speaks either: it must not cut one attack in two
				}
				if !speaks(d, v) || x.excess() < least*c.excess() || x.excess() < 0.7*whole || x.usual > 0.7*c.usual {
					continue
				}
				if found.rule.set == 0 || x.before(&found) {
					found = x
				}
			}
		}
		if found.rule.set == 0 {
			break
		}
		c = found
		w.narrow(&c, false)
	}
	w.nameRoute(&c)
	c.covered = min(1, c.excess()/whole)
	if total > 0 {
		c.collateral = min(1, c.usual/total)
	}
	return c
}

// nameRoute adds the route to a rule that found none needed, when nearly all it
// takes asks one: a rule for an agent alone would reach whatever it asks later.
func (w *attribution) nameRoute(c *cause) {
	if c.rule.has(dimRoute) || c.rule.set == 0 {
		return
	}
	w.tabulate(dimRoute)
	for v, r := range w.count {
		x := *c
		x.rule, x.rate, x.usual = c.rule.with(dimRoute, v), r, w.usual[v]
		if v != 0 && r >= 0.9*c.rate && x.excess() >= 0.9*c.excess() {
			*c = x
			w.narrow(c, false)
			return
		}
	}
}

// excess is what c takes above the usual; where the usual is counted over
// everybody's traffic, all that c takes is above it.
func (c *cause) excess() float64 {
	if c.outside {
		return c.rate
	}
	return c.rate - c.usual
}

// before prefers the term that spares more of the usual traffic, and at equal
// merit the dimension and value that come first, so that the order of a map
// decides nothing.
func (c *cause) before(o *cause) bool {
	if a, b := c.usual-0.2*c.rate, o.usual-0.2*o.rate; a < b-1e-9 || a > b+1e-9 {
		return a < b
	}
	for d := range dims {
		if c.rule.has(d) != o.rule.has(d) {
			return c.rule.has(d)
		}
		if c.rule.vals[d] != o.rule.vals[d] {
			return c.rule.vals[d] < o.rule.vals[d]
		}
	}
	return false
}

// narrow keeps the samples that c takes for the next terms and sums them up.
func (w *attribution) narrow(c *cause, afresh bool) (rate, usual float64) {
	pick := func(list []weighed, taken []int32) ([]int32, float64) {
		sum := 0.0
		kept := taken[:0]
		if afresh {
			for i := range list {
				if c.takes(&list[i]) {
					kept = append(kept, int32(i))
					sum += list[i].weight
				}
			}
			return kept, sum
		}
		for _, i := range taken {
			if c.takes(&list[i]) {
				kept = append(kept, i)
				sum += list[i].weight
			}
		}
		return kept, sum
	}
	w.inRecent, rate = pick(w.recent, w.inRecent)
	w.inBase, usual = pick(w.base, w.inBase)
	return rate, usual
}

// tabulate sums the samples left by their value in dimension d.
func (w *attribution) tabulate(d uint8) {
	clear(w.count)
	clear(w.usual)
	for _, i := range w.inRecent {
		x := &w.recent[i]
		w.count[value(x.f, x.key, d)] += x.weight
	}
	for _, i := range w.inBase {
		x := &w.base[i]
		v := value(x.f, x.key, d)
		if _, ok := w.count[v]; ok {
			w.usual[v] += x.weight
		}
	}
}

func (c *cause) takes(x *weighed) bool {
	return (!c.bare || x.conduct == conductBare || c.outside && x.sample == nil) && c.rule.matches(x.f, x.key)
}

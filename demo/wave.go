package demo

import (
	"math"
	"math/rand/v2"
	"net/netip"
)

// cast sends a wave's sources on stage.
type cast struct {
	drill Drill
	wave  *Wave
	start int64
	until int64
	rng   *rand.Rand
}

func (c *cast) act(s *Simulator, now int64) {
	w := c.wave
	c.start = now
	from := newAddresses(w.Pool, w.Subnets, c.rng, s.people)
	var shared []netip.Addr
	for range w.Shared {
		shared = append(shared, from.fresh())
	}
	part := role{c.drill.Name, w.Name, w.Hostile}
	for i := range w.Sources {
		begin := now
		if w.Join > 0 && w.Visits != nil {
			// Word spreads: people come in growing numbers, programs are switched on.
			begin += int64(float64(w.Join) * math.Pow(c.rng.Float64(), 0.7))
		} else if w.Join > 0 {
			begin += c.rng.Int64N(int64(w.Join))
		} else if w.Every > 0 && !w.Regular {
			begin += c.rng.Int64N(int64(w.Every)) // not in step with each other
		}
		var addr netip.Addr
		var known *person
		switch {
		case shared != nil:
			addr = shared[i%len(shared)]
		case w.Pool == Players:
			known = s.people.someone(c.rng)
			addr = known.addr
		case !w.Fresh:
			addr = from.fresh()
		}
		if w.Visits != nil {
			s.agenda.plan(begin, &guest{cast: c, part: part, addr: addr, known: known})
			continue
		}
		b := &bot{cast: c, part: part, addr: addr, from: from, left: w.Requests}
		b.agent = b.pickAgent()
		s.agenda.plan(begin, b)
	}
}

// bot is one source that asks like a program.
type bot struct {
	*cast
	part  role
	addr  netip.Addr
	from  *addresses // of Fresh waves
	agent string
	left  int // requests, when the wave bounds them
}

func (b *bot) act(s *Simulator, now int64) {
	w := b.wave
	if now >= b.until {
		return
	}
	if rest := w.Pulse.silence(now - b.start); rest > 0 {
		s.agenda.plan(now+rest, b)
		return
	}
	if w.Fresh {
		b.addr = b.from.fresh()
	}
	if w.AgentEach {
		b.agent = b.pickAgent()
	}
	h := b.hit()
	s.ask(now, b.addr, b.part, &h)
	if w.Requests > 0 {
		if b.left--; b.left == 0 {
			return
		}
	}
	gap := int64(w.Every)
	if !w.Regular {
		gap = after(b.rng, float64(w.Every))
	}
	s.agenda.plan(now+max(gap, 1), b)
}

// silence returns how long, in nanoseconds, a pulsing wave keeps quiet at the
// given moment of it, 0 when it is on.
func (p Pulse) silence(into int64) int64 {
	if p.Off == 0 {
		return 0
	}
	phase := into % int64(p.On+p.Off)
	if phase < int64(p.On) {
		return 0
	}
	return int64(p.On+p.Off) - phase
}

func (b *bot) pickAgent() string {
	if b.wave.Agents == nil {
		return browser(b.rng)
	}
	return fill(b.rng, pick(b.rng, b.wave.Agents))
}

func (b *bot) hit() hit {
	a := b.pickAsk()
	h := hit{method: a.Method, target: fill(b.rng, a.Target), proto: a.Proto, referer: fill(b.rng, a.Referer),
		agent: b.agent, status: a.Status, cost: a.Cost}
	if h.method == "" {
		h.method = "GET"
	}
	if h.proto == "" {
		h.proto = "HTTP/1.1"
	}
	if h.status == 0 {
		h.status = 200
	}
	if a.Bytes > 0 {
		h.bytes = int(spread(b.rng, float64(a.Bytes), 0.1))
	}
	if h.status == 404 || h.status == 403 {
		h.bytes = forbiddenBytes
	}
	if a.Rare > 0 && b.rng.IntN(100) < a.Rare {
		h.status, h.bytes = a.RareAs, 0
	}
	return h
}

func (b *bot) pickAsk() *Ask {
	asks := b.wave.Asks
	total := 0
	for i := range asks {
		total += max(asks[i].Weight, 1)
	}
	n := b.rng.IntN(total)
	for i := range asks {
		if n -= max(asks[i].Weight, 1); n < 0 {
			return &asks[i]
		}
	}
	return &asks[len(asks)-1]
}

// guest is one source that visits as people do.
type guest struct {
	*cast
	part  role
	addr  netip.Addr
	known *person // nil for those who come for the first time
}

func (g *guest) act(s *Simulator, now int64) {
	if now >= g.until {
		return
	}
	w := g.wave.Visits
	who := stranger(g.rng)
	if g.known != nil {
		who = *g.known
	}
	who.addr = g.addr
	v := &visit{who: who, known: g.known, part: g.part, rng: ownRand(g.rng), landing: w.Landing}
	for v.left = 1; v.left < 30 && g.rng.IntN(w.Pages) > 0; v.left++ {
	}
	if len(w.Referers) > 0 {
		v.referer = fill(g.rng, pick(g.rng, w.Referers))
	}
	v.act(s, now)
	if w.Again && g.wave.Every > 0 {
		s.agenda.plan(now+after(g.rng, float64(g.wave.Every)), g)
	}
}

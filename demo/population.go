package demo

import (
	"math"
	"math/rand/v2"
)

// How the ordinary traffic divides: the rest is visits.
const (
	launcherShare = 0.30 // of all requests
	machineRate   = 5.0  // requests/s of monitors, crawlers, partners and the office
	visitRequests = 13.4 // of a visit on average; TestOrdinaryRate holds the sum
)

// population is everyone who uses the site on an ordinary day.
type population struct {
	rng    *rand.Rand
	rate   float64
	known  []person // they come back; the first ones more often
	rank   popularity
	stream *arrivals
}

func newPopulation(seed uint64, rate float64) *population {
	p := &population{rng: stream(seed, "people"), rate: rate}
	n := max(int(rate*25), 200)
	p.known = make([]person, n)
	for i := range p.known {
		p.known[i] = stranger(p.rng)
		p.known[i].warm = p.rng.IntN(10) < 7
	}
	p.rank = newPopularity(n, 0.6)
	return p
}

func stranger(r *rand.Rand) person {
	proto := "HTTP/2.0"
	if r.IntN(8) == 0 {
		proto = "HTTP/1.1"
	}
	return person{addr: home(r), agent: browser(r), proto: proto}
}

// someone draws a person who has been here before.
func (p *population) someone(r *rand.Rand) *person { return &p.known[p.rank.draw(r)] }

// move lets everyone in: visits arrive from now on, launchers report,
// machines of good will call.
func (p *population) move(s *Simulator) {
	visits := max(p.rate*(1-launcherShare)-machineRate, p.rate*0.1) / visitRequests
	p.stream = &arrivals{p: p, mean: 1e9 / visits}
	s.agenda.plan(s.now+after(p.rng, p.stream.mean), p.stream)

	each := 14e9 // mean nanoseconds between a launcher's calls
	for range int(p.rate * launcherShare * each / 1e9) {
		l := &gameLauncher{who: stranger(p.rng), rng: p.rng, every: each}
		l.who.agent = launcher(p.rng)
		s.agenda.plan(s.now+int64(p.rng.Float64()*each), l)
	}
	for _, m := range machines {
		m.begin(s, p.rng)
	}
	office := stranger(p.rng)
	for range 12 { // colleagues behind one address, each with a browser of their own
		c := office
		c.agent, c.warm = browser(p.rng), true
		s.agenda.plan(s.now+after(p.rng, 60e9), &colleague{who: c, rng: ownRand(p.rng)})
	}
}

// arrivals starts visits as a Poisson process whose rate swings by a tenth
// over twenty minutes: no service is flat.
type arrivals struct {
	p    *population
	mean float64 // nanoseconds between visits
}

func (a *arrivals) act(s *Simulator, now int64) {
	r := ownRand(a.p.rng)
	v := &visit{rng: r, left: visitPages(r)}
	if r.IntN(100) < 88 {
		v.known = a.p.someone(r)
		v.who = *v.known
	} else {
		v.who = stranger(r)
	}
	v.referer = cameFrom(r)
	v.act(s, now)
	swing := 1 + 0.1*math.Sin(2*math.Pi*float64(now%1200e9)/1200e9)
	s.agenda.plan(now+after(a.p.rng, a.mean/swing), a)
}

// ownRand gives a visitor a generator of its own: how a visit goes on depends
// on the site's answers, and must not change what anyone else does.
func ownRand(from *rand.Rand) *rand.Rand {
	return rand.New(rand.NewPCG(from.Uint64(), from.Uint64()))
}

// visitPages draws how many pages a visit has: geometric, 3.5 on average.
func visitPages(r *rand.Rand) int {
	n := 1
	for n < 30 && r.Float64() < 0.714 {
		n++
	}
	return n
}

func cameFrom(r *rand.Rand) string {
	switch x := r.IntN(100); {
	case x < 40:
		return ""
	case x < 75:
		return "https://www.google.com/"
	case x < 82:
		return "https://www.bing.com/"
	case x < 90:
		return "https://duckduckgo.com/"
	}
	return "https://forum.example.net/t/" + placeholder(r, "n:4000")
}

// colleague visits all day long through an office's one address.
type colleague struct {
	who person
	rng *rand.Rand
}

func (c *colleague) act(s *Simulator, now int64) {
	v := &visit{who: c.who, rng: c.rng, left: visitPages(c.rng), referer: cameFrom(c.rng)}
	v.act(s, now)
	s.agenda.plan(now+20e9+after(c.rng, 120e9), c)
}

package demo

import (
	"math/rand/v2"
	"net/netip"
)

// gameLauncher is a player's app: it talks to the API and never fetches a page
// or an asset.
type gameLauncher struct {
	who   person
	rng   *rand.Rand
	every float64 // mean nanoseconds between calls
}

func (l *gameLauncher) act(s *Simulator, now int64) {
	h := hit{proto: "HTTP/1.1", agent: l.who.agent, cost: 0.3, status: 200}
	switch x := l.rng.IntN(100); {
	case x < 55:
		h.method, h.target, h.status, h.bytes = "POST", "/api/v1/session/heartbeat", 204, 0
	case x < 72:
		h.method, h.target, h.bytes = "GET", "/api/v1/friends", 900+l.rng.IntN(2000)
	case x < 86:
		h.method, h.target, h.bytes = "POST", "/api/v1/matchmaking/queue", 210
	case x < 96:
		h.method, h.target, h.bytes = "GET", fill(l.rng, "/api/v1/matchmaking/ticket/{hex:12}"), 340
	default:
		h.method, h.target, h.bytes = "GET", "/api/v1/manifest?channel=stable", 5100
	}
	s.ask(now, l.who.addr, role{}, &h)
	s.agenda.plan(now+int64(l.every*0.6)+after(l.rng, l.every*0.4), l)
}

// machine is a program of good will that asks by the clock: a monitor, a feed
// reader, a crawler.
type machine struct {
	name    string
	pool    Pool
	clients int
	agent   string
	targets []string // templates
	every   float64  // seconds between one client's requests
	regular bool     // by the clock, not by chance
	bytes   int
}

var machines = []machine{
	{name: "monitor", pool: Hosting, clients: 3, agent: "StatusWatch/3.1 (+https://status.example.net/about)", targets: []string{"/health"}, every: 10, regular: true, bytes: 15},
	{name: "feed reader", pool: Hosting, clients: 25, agent: "FeedNest/1.8 (+https://feednest.example.net)", targets: []string{"/news/feed.xml"}, every: 300, bytes: 18400},
	{name: "crawler", pool: Crawlers, clients: 4, agent: "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/138.0.0.0 Safari/537.36", targets: []string{"/store/{game}", "/news/{news}", "/leaderboards/{game}", "/profile/{player}", "/robots.txt"}, every: 2.5, bytes: 21000},
	{name: "partner", pool: Hosting, clients: 1, agent: "tournament-sync/2.3", targets: []string{"/api/v1/leaderboards/{game}?since={n:86400}"}, every: 0.5, regular: true, bytes: 7400},
}

// begin starts the machine's clients.
func (m machine) begin(s *Simulator, r *rand.Rand) {
	from := newAddresses(m.pool, 2, r, nil)
	for range m.clients {
		c := &caller{machine: m, addr: from.fresh(), rng: r}
		s.agenda.plan(s.now+int64(r.Float64()*m.every*1e9), c)
	}
}

type caller struct {
	machine
	addr netip.Addr
	rng  *rand.Rand
}

func (c *caller) act(s *Simulator, now int64) {
	h := hit{method: "GET", target: fill(c.rng, pick(c.rng, c.targets)), proto: "HTTP/1.1", agent: c.agent, status: 200, bytes: c.bytes, cost: 0.5}
	s.ask(now, c.addr, role{}, &h)
	wait := int64(c.every * 1e9)
	if !c.regular {
		wait = wait/2 + after(c.rng, c.every*0.5e9)
	}
	s.agenda.plan(now+wait, c)
}

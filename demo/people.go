package demo

import (
	"math/rand/v2"
	"net/netip"
)

// person is someone who visits with a browser, again and again.
type person struct {
	addr  netip.Addr
	agent string
	proto string
	warm  bool // has the styles and scripts in the browser's cache
}

// visit is one session: pages with their files, one after the other, until the
// person has seen enough. It is the model for ordinary people and for crowds.
type visit struct {
	who     person
	known   *person // whose cache a finished visit warms; nil for strangers
	part    role
	rng     *rand.Rand
	left    int    // pages
	landing string // first page's target template, "" for any
	referer string // where the person came from
	queue   []hit  // files and calls of the current page
	last    *hit   // the page that was asked for, to ask again
	retries int
}

// openPage draws the next page and what its browser will fetch after it.
func (v *visit) openPage() hit {
	p := &pages[pageRank.draw(v.rng)]
	target := fill(v.rng, p.target)
	if v.landing != "" {
		target = fill(v.rng, v.landing)
		p = &pages[2]
		v.landing = ""
	}
	h := hit{method: "GET", target: target, proto: v.who.proto, referer: v.referer, agent: v.who.agent,
		status: 200, bytes: int(spread(v.rng, p.bytes, 0.3)), cost: 1}
	switch x := v.rng.Float64(); {
	case x < 0.006:
		h.target, h.status, h.bytes = target+"-old", 404, 4100
	case x < 0.007:
		h.status, h.bytes = 500, 1800
	}
	v.referer = origin + target
	v.queue = v.queue[:0]
	file := func(target string, bytes float64, cost float64) {
		v.queue = append(v.queue, hit{method: "GET", target: target, proto: v.who.proto, referer: v.referer,
			agent: v.who.agent, status: 200, bytes: int(spread(v.rng, bytes, 0.4)), cost: cost})
	}
	if !v.who.warm {
		for _, a := range assets {
			file(a, 38000, assetCost)
		}
		v.who.warm = true
	}
	for _, t := range p.images {
		file(fill(v.rng, t), 46000, assetCost)
	}
	for _, t := range p.calls {
		file(fill(v.rng, t), 2300, 0.4)
	}
	if target == "/login" && v.rng.IntN(3) > 0 {
		v.logIn()
	}
	return h
}

// logIn queues what people do on the login page: most know their password,
// some mistype it once.
func (v *visit) logIn() {
	form := hit{method: "POST", target: "/login", proto: v.who.proto, referer: origin + "/login", agent: v.who.agent, cost: 1.5}
	if v.rng.Float64() < 0.12 {
		wrong := form
		wrong.status, wrong.bytes = 401, 6350
		v.queue = append(v.queue, wrong)
	}
	form.status, form.bytes = 302, 0
	v.queue = append(v.queue, form)
}

func (v *visit) act(s *Simulator, now int64) {
	if len(v.queue) > 0 {
		h := v.queue[0]
		v.queue = v.queue[1:]
		s.ask(now, v.who.addr, v.part, &h)
		v.plan(s, now)
		return
	}
	h := v.last
	if h == nil {
		next := v.openPage()
		h = &next
	}
	wanted, bytes := h.status, h.bytes
	got := s.ask(now, v.who.addr, v.part, h)
	v.last = nil
	if got.status == 503 || got.status == 502 {
		if v.retries++; v.retries > 4 || v.rng.IntN(4) == 0 {
			return // gives up
		}
		h.status, h.bytes = wanted, bytes
		v.last = h
		s.agenda.plan(now+1e9+after(v.rng, 3e9), v)
		v.queue = v.queue[:0]
		return
	}
	if got.status == 403 || got.status == 0 {
		return // turned away: people don't hammer
	}
	v.left--
	v.plan(s, now+int64((got.slow-1)*80e6))
}

// plan sets the next moment: files follow at once, pages after reading.
func (v *visit) plan(s *Simulator, now int64) {
	switch {
	case len(v.queue) > 0 && v.queue[0].method == "POST":
		s.agenda.plan(now+4e9+after(v.rng, 6e9), v)
	case len(v.queue) > 0:
		s.agenda.plan(now+20e6+after(v.rng, 60e6), v)
	case v.left > 0:
		s.agenda.plan(now+2e9+int64(spread(v.rng, 11e9, 0.8)), v)
	case v.known != nil:
		v.known.warm = true
	}
}

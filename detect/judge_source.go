package detect

import "strings"

// weigh gathers the evidence against one source from its own conduct and
// returns the name of what it does.
func (e *Engine) weigh(s *source, p *proofs) Attack {
	t := s.recent()
	if s.mixed(&t) {
		s.marks |= markMixed
	}
	var a Attack
	best := 0.0
	consider := func(name Attack, from float64) {
		if got := p.sum - from; got > best {
			best, a = got, name
		}
	}
	from := p.sum
	e.weighLogins(s, &t, p)
	consider(LoginAbuse, from)
	from = p.sum
	e.weighScan(s, &t, p)
	consider(Scan, from)
	from = p.sum
	e.weighBroken(s, &t, p)
	consider(protocolOrSlow(&t), from)
	from = p.sum
	e.weighRate(s, &t, p)
	if p.sum > from {
		name := SingleSourceFlood
		switch {
		case int(t.random)*2 > int(t.hits):
			name = CacheBusting
		case s.rate(e.sec) < e.opt.SourceRate && distinct64(s.paths) >= 40 && e.pretends(s, &t):
			name = Scraping
		}
		consider(name, from)
	}
	if s.marks&(markFalse|markClaims) == markFalse|markClaims && p.sum > 0 {
		p.add(sigFalseCrawler, 25, 0, 0)
	}
	if p.sum > 0 {
		e.weighMerits(s, &t, p)
	}
	return a
}

func protocolOrSlow(t *tally) Attack {
	if t.slow > t.garbage {
		return SlowRequests
	}
	return ProtocolAbuse
}

// weighLogins: refused logins, hardly an accepted one, and nothing else asked.
func (e *Engine) weighLogins(s *source, t *tally, p *proofs) {
	all := s.total()
	f := float64(t.fails)
	if f < 5 && all.fails < 8 {
		return
	}
	if all.logins*10 > all.fails || f < 60 && e.lockout(s.service) {
		return
	}
	rest := float64(t.hits) - f - float64(t.forms) - float64(t.logins)
	login := e.routes[s.top].marks&routeLogin != 0
	if login {
		f = min(f, float64(s.topHits)) // what an app asked with a token that had run out was no try
	}
	switch {
	case login && f >= 10:
		p.add(sigLogins, min(45+f, 70), f, 0)
	case login:
		p.add(sigLogins, max(2*f, float64(all.fails))+10, max(f, float64(all.fails)), 0)
	case f >= 40:
		p.add(sigLogins, 40, f, 0)
	}
	if rest <= f/5+1 && t.assets == 0 && p.sum > 0 {
		p.add(sigNothingElse, 25, f, rest)
	}
}

// weighScan: paths that do not exist, one after the other.
func (e *Engine) weighScan(s *source, t *tally, p *proofs) {
	all := s.total()
	lost := float64(distinct64(s.lost))
	miss := float64(all.missing)
	least := 6.0
	only := onlyProbes(&all)
	among := only && e.scanOpen(s.service)
	switch {
	case s.marks&markAttacks != 0, among:
		least = 3
	case only && all.probes >= 3:
		least = 5
	}
	if lost < least || miss < 0.4*float64(all.hits) && !only {
		return
	}
	share := miss / float64(max(all.hits, 1))
	p.add(sigMissing, min(lost*3, 50), lost, share)
	if all.probes >= 2 {
		p.add(sigProbes, min(10+float64(all.probes)*4, 40), float64(all.probes), 0)
	}
	if all.assets == 0 && all.nav == 0 {
		p.add(sigNoAssets, 15, float64(all.hits), 0)
	}
	if only {
		p.add(sigOnlyProbes, 25, float64(all.hits-min(all.hits, all.missing)), 0)
	}
	if among {
		p.add(sigAmong, 15, 0, 0)
	}
	if s.marks&markAttacks != 0 {
		p.add(sigAttackTool, 40, 0, 0)
	} else if s.marks&markTool != 0 {
		p.add(sigTool, 10, 0, 0)
	}
}

// onlyProbes reports whether a source asks for nothing but what is not there, and
// for several things that scanners try on every site.
func onlyProbes(t *tally) bool {
	return t.probes >= 2 && int(t.missing)*10 >= 9*int(t.hits) && t.pages == 0 && t.assets == 0 && t.nav == 0
}

// scanOpen reports whether a scan of the service is going on: its next source is
// known sooner.
func (e *Engine) scanOpen(svc uint8) bool {
	for _, in := range e.incidents {
		if in.service == svc && in.Attack == Scan {
			return true
		}
	}
	return false
}

// weighBroken: request lines no browser writes, and requests that never end.
func (e *Engine) weighBroken(s *source, t *tally, p *proofs) {
	if g := float64(t.garbage); g >= 8 && g >= 0.5*float64(t.hits) {
		p.add(sigGarbage, min(40+g*2, 90), g, 0)
	}
	if n := float64(t.slow); n >= 10 && n >= 0.7*float64(t.hits) && !e.failing(s.service) {
		p.add(sigSlow, min(40+n*2, 85), n, n/float64(t.hits))
	}
}

// failing reports whether the service itself is failing, so that errors and
// aborted requests say nothing about who asked.
func (e *Engine) failing(svc uint8) bool {
	s := &e.services[svc]
	return float64(s.failing.ten) > 0.15*float64(s.rate.ten)
}

// weighRate: more requests than the limit or than any peer makes, and the
// conduct that goes with a flood.
func (e *Engine) weighRate(s *source, t *tally, p *proofs) {
	r := s.rate(e.sec)
	limit := e.opt.SourceRate
	svc := &e.services[s.service]
	peers := svc.peers.At(0.99) / 60
	low := max(8, 10*peers, svc.rate.usual())
	if low < limit/3 && e.sec-s.first < 30 {
		low = limit / 3 // an office that opens one page looks like this for half a minute
	}
	human := e.human(s.service, s.top, e.routes[s.top].marks)
	pretends := e.pretends(s, t) && (r >= limit || human >= 0.4 && e.sec-s.first >= 60) // an office that opens one page is done by then
	if pretends {
		low = min(low, max(2, 3*peers))
		if s.first < e.start+60 && e.violates(s) {
			low = min(low, max(2, 3*svc.peers.At(0.95)/60)) // it was there first, and may be the busiest hundredth itself
		}
	}
	if svc.peers.Weight() < 50 {
		low = max(low, limit/2)
	}
	if s.marks&markBlock != 0 {
		low *= 0.6 // who is just above the limit wavers about it
	}
	switch {
	case r >= 10*limit:
		p.add(sigRate, 60, r, peers)
	case r >= 3*limit:
		p.add(sigRate, 50, r, peers)
	case r >= limit:
		p.add(sigRate, 40, r, peers)
	case r >= low:
		p.add(sigRate, 30, r, peers)
	default:
		return
	}
	hits := float64(t.hits)
	if same := float64(s.same); same >= 0.6*hits {
		p.add(sigOnePath, 15, same/hits, 0)
	} else if n := distinct64(s.routes); n <= 4 && hits >= 20 {
		p.add(sigOnePath, 12, 1, float64(n))
	}
	if pretends {
		p.add(sigPretends, 40, float64(t.pages), human)
	} else if t.pages >= 10 && t.assets == 0 && human >= 0.4 {
		p.add(sigNoAssets, 20, float64(t.pages), 0)
	}
	if float64(t.noRef) >= 0.95*hits && human >= 0.4 {
		p.add(sigNoReferer, 8, 0, 0)
	}
	if s.marks&markTool != 0 {
		p.add(sigTool, 12, 0, 0)
	}
	if n := distinct64(s.agents); n >= 6 && t.assets == 0 {
		p.add(sigAgents, 15, float64(n), 0)
	}
	if x := float64(t.random) / hits; x >= 0.7 && e.routes[s.top].random.or(20, 0) < 0.4 {
		p.add(sigRandom, 20, x, 0)
	}
	if x := float64(t.odd) / hits; x >= 0.8 {
		p.add(sigOddMethod, 15, x, 0)
	}
	if x := float64(t.err4) / hits; x >= 0.5 {
		p.add(sigErrors, 12, x, 0)
	}
	if s.first > e.start+60 && e.sec-s.first < 300 {
		p.add(sigNew, 8, float64(e.sec-s.first), 0)
	}
}

// pretends reports whether a source that names itself a browser asks for page
// after page, a hundred within two minutes, without one style, script or image
// and without following a link. A program makes no secret of what it is.
func (e *Engine) pretends(s *source, t *tally) bool {
	return t.pages >= 100 && t.assets == 0 && t.nav == 0 && int(t.pages)*10 >= 9*int(t.hits) &&
		s.marks&(markTool|markClaims|markMixed|markPerson) == 0 && distinct64(s.agents) == 1 &&
		strings.HasPrefix(e.agents.name(s.agent), "Mozilla/")
}

// human is the share of a route's clients that behave like people, or the
// service's while the route is not known well. What is made for programs owes
// no assets until people were seen to use it.
func (e *Engine) human(svc uint8, route uint16, marks uint8) float64 {
	r := &e.routes[route]
	switch {
	case marks&(routeAPI|routeFeed) != 0:
		if route == 0 {
			return 0
		}
		return r.person.or(30, 0)
	case route == 0:
		return e.services[svc].person.or(60, 0)
	}
	return r.person.or(20, e.services[svc].person.or(60, 0))
}

// weighMerits: what speaks for a source.
func (e *Engine) weighMerits(s *source, t *tally, p *proofs) {
	if s.marks&markMixed != 0 {
		p.add(sigMixed, -70, float64(distinct64(s.agents)), float64(distinct64(s.paths)))
	}
	if s.marks&markVerified != 0 {
		p.add(sigCrawler, -100, 0, 0)
	}
	if s.answered() {
		p.add(sigLetIn, -50, float64(s.let), 0)
	}
	if t.assets > 0 && int(t.assets)*5 >= int(t.hits) {
		p.add(sigAssets, -25, float64(t.assets), 0)
	}
	if int(t.machine)*2 > int(t.hits) && int(t.err4)*3 < int(t.hits) {
		p.add(sigMachine, -20, 0, 0)
	}
	if s.marks&markBlock == 0 && (s.first < e.start+120 && e.sec-s.first > 300 || e.sec-s.first > 600) {
		if usual := s.formerly(); usual > 0.3*s.rate(e.sec) {
			p.add(sigHabit, -50, usual, 0)
		}
	}
}

package detect

// seekExcess looks for what no incident explains yet in one service.
func (e *Engine) seekExcess(svc uint8, sec int64) {
	s := &e.services[svc]
	if sec-e.start < 8 {
		return
	}
	from, began, starts := e.alarms(svc, sec)
	news := len(starts) > s.alarms // one more alarm rings: look at once
	s.alarms = len(starts)
	if sec < s.tried+s.wait && !news {
		return
	}
	if len(starts) == 0 {
		s.wait = 0
		if sec%5 == 0 && e.learning() && sec-e.start >= 20 {
			e.coldLogins(svc, sec)
		}
		if sec%5 == 0 && e.learning() && !e.frozen(svc) {
			e.lookCold(svc, sec)
		}
		return
	}
	s.tried = sec
	s.wait = min(s.wait+1, 5) // nothing found: the next looks come later
	_, usual := e.gather(svc, from, sec)
	var best finding
	for _, c := range starts {
		if f := e.explore(svc, c, usual, from, began, sec); f.better(&best) {
			best = f
		}
	}
	if in := best.crowd.belongs; in != nil && best.attack.Hostile() {
		s.wait = 2
		e.widen(in, &best, usual)
	} else if best.attack != "" && !e.sibling(svc, &best) {
		s.wait = 0
		e.openFound(svc, &best, from)
	}
}

// How long a crowd has to last before it is named, seconds. Feed readers come on
// the hour and have gone before a server would have started.
const (
	crowdWait = 8
	feedWait  = 60
	// echoSeconds is for how long less than half of a crowd that went is its echo.
	echoSeconds = 300
)

// finding is an explanation with the name of what it explains.
type finding struct {
	cause  cause
	crowd  crowd
	attack Attack
	need   uint16
	gain   float64
}

// better prefers attacks to crowds, explanations to none, and then what takes
// more of the excess for less of the usual traffic.
func (f *finding) better(g *finding) bool {
	if f.attack == "" || g.attack == "" {
		return f.attack != ""
	}
	if a, b := f.attack.Hostile(), g.attack.Hostile(); a != b {
		return a
	}
	if a, b := f.cause.rule.set != 0, g.cause.rule.set != 0; a != b {
		return a
	}
	return f.gain > g.gain
}

// alarms lists where the service's rates have changed, as starting points for
// attribution, from when on to look, and since when they have been changing, a
// minute ago at most.
func (e *Engine) alarms(svc uint8, sec int64) (from, began int64, starts []cause) {
	s := &e.services[svc]
	from, began = sec, sec
	note := func(r *series, c cause) {
		if x, ok := r.alarm(2, s.factor); ok {
			from = min(from, max(r.since, sec-8))
			began = min(began, max(r.since, sec-60))
			c.rate = x
			starts = append(starts, c)
		}
	}
	note(&s.rate, cause{})
	for _, id := range s.loud {
		if id != 0 {
			note(&e.routes[id].rate, cause{rule: rule{}.with(dimRoute, uint64(id))})
		}
	}
	note(&s.bare, cause{bare: true})
	note(&s.broken, cause{rule: rule{}.with(dimStatus, s.brokenStatus)})
	if x, ok := s.fails.alarm(2, s.factor); ok && s.failRoute != 0 {
		from = min(from, max(s.fails.since, sec-8))
		starts = append(starts, cause{rate: x, slow: true, rule: rule{}.with(dimRoute, uint64(s.failRoute)).with(dimMethod, uint64(methodPost))})
	}
	if _, ok := s.slowFails.alarm(3, s.factor); ok && s.failRoute != 0 {
		from = sec - 58
		starts = append(starts, cause{slow: true, rule: rule{}.with(dimRoute, uint64(s.failRoute)).with(dimMethod, uint64(methodPost))})
	}
	if _, ok := s.slowBare.alarm(8, s.factor); ok && len(starts) == 0 {
		from = sec - 58
		starts = append(starts, cause{slow: true, bare: true})
	}
	from = min(from, sec-2)
	return from, min(from, began), starts
}

// explore explains one alarm and names it; the name is empty when the
// explanation does not hold or can't be told yet.
func (e *Engine) explore(svc uint8, start cause, usual float64, from, began, sec int64) (f finding) {
	c := e.explain(start, usual)
	excess := c.rate - c.usual
	if start.slow && excess < max(0.2, c.usual) || !start.slow && excess < max(2, c.usual, 0.02*usual) {
		return f
	}
	k := e.inspect(&c, from, began)
	if k.samples < 8 || (k.sources < 3 || k.equal < 2 && (k.human < 0.4 || k.post >= 0.5)) && k.mixed < 0.5 {
		return f // one or two sources are judged by themselves, and so is one that makes nearly all of it
	}
	if start.bare && e.spills(svc, excess) {
		return f
	}
	a, need := e.name(svc, &c, &k)
	if start.bare && a.Hostile() && e.amongPeople(&c, &k) {
		return f
	}
	if a != "" && !a.Hostile() {
		for _, in := range e.incidents {
			if in.service == svc && !in.Attack.Hostile() {
				return f // one crowd a service: what spills over belongs to it
			}
			if in.service == svc && !in.abuse && c.rule.set != 0 && in.Signature == e.signature(&c.rule, nil) {
				return f // what reads like an open attack is no crowd, though people share its addresses
			}
			if in.service == svc && in.Attack.Hostile() && !in.abuse && in.quiet < 60 && c.rule.has(dimRoute) && in.cause.rule.has(dimRoute) && c.rule.vals[dimRoute] == in.cause.rule.vals[dimRoute] {
				return f // what the attack asks too is not told from it
			}
		}
		if c.collateral > 0.5 || e.onlyAssets(svc, &c) {
			return f // what most of the usual traffic asks says nothing of a crowd
		}
		whole := max(excess, float64(e.services[svc].rate.ten)-usual) // its files and the pages it goes on to are the crowd's too
		if excess < 0.02*usual+3 || whole < 0.06*usual+3 || !c.rule.has(dimRoute) && (excess < 0.6*usual || e.frozen(svc)) {
			return f
		}
		s := &e.services[svc]
		if a == FlashCrowd && sec-s.crowdEnded < echoSeconds && excess < 0.5*s.crowdPeak {
			return f // the crowd that came is still about the place
		}
		if sec-s.crowdLast > 10 {
			s.crowdSince = sec
		}
		s.crowdLast = sec
		wait := int64(crowdWait)
		if c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeFeed != 0 {
			wait = feedWait
		}
		if sec-s.crowdSince < wait {
			return f // an attack looks like a crowd until its clients had time to show their conduct
		}
	}
	if a.Hostile() && !start.bare && !start.slow {
		if n := e.spare(svc, start, c, usual); n.rule != c.rule {
			c, k = n, e.inspect(&n, from, began)
		} else {
			c = n
		}
	}
	f = finding{cause: c, crowd: k, attack: a, need: need, gain: c.rate - 2*c.usual}
	if c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeAsset != 0 {
		f.gain /= 16 // assets follow pages
	}
	return f
}

// spills reports whether an excess of bare clients is small beside an open crowd:
// among thousands of people some have every file already, or a page that asks on
// at every key, and look like machines.
func (e *Engine) spills(svc uint8, excess float64) bool {
	s := &e.services[svc]
	for _, in := range e.incidents {
		if in.service == svc && in.Attack == FlashCrowd {
			return excess < 0.03*(float64(s.rate.ten)-s.rate.usual()*s.factor)
		}
	}
	return false
}

// stroll is a pace at which people reload a page, requests/s.
const stroll = 0.3

// amongPeople reports whether bare clients ask what people ask just then, twice as
// many as they and more than is usual, and come back no faster than a person
// reloads. Of readers with every file at hand some are never seen to fetch one.
func (e *Engine) amongPeople(c *cause, k *crowd) bool {
	if k.each >= stroll {
		return false
	}
	w := &e.work
	bare, people := w.count, w.usual // requests/s of each route
	clear(bare)
	clear(people)
	for i := range w.recent {
		switch x := &w.recent[i]; {
		case c.takes(x):
			bare[uint64(x.f.route)] += x.weight
		case x.conduct == conductPerson:
			people[uint64(x.f.route)] += x.weight
		}
	}
	for i := range w.base {
		people[uint64(w.base[i].f.route)] -= w.base[i].weight
	}
	all, among := 0.0, 0.0
	for i := range w.recent {
		if x := &w.recent[i]; c.takes(x) {
			all += x.weight
			if r := uint64(x.f.route); people[r] >= 2*bare[r] {
				among += x.weight
			}
		}
	}
	return among >= 0.8*all
}

// onlyAssets reports whether a cause is a route of assets while one that is
// none is loud too: assets follow pages and are never what a crowd came for.
func (e *Engine) onlyAssets(svc uint8, c *cause) bool {
	asset := func(id uint64) bool { return e.routes[id].marks&routeAsset != 0 }
	if !c.rule.has(dimRoute) || !asset(c.rule.vals[dimRoute]) {
		return false
	}
	for _, id := range e.services[svc].loud {
		if id != 0 && !asset(uint64(id)) {
			return true
		}
	}
	return false
}

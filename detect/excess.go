package detect

// seekExcess looks for what no incident explains yet in one service.
func (e *Engine) seekExcess(svc uint8, sec int64) {
	s := &e.services[svc]
	if sec-e.start < 8 {
		return
	}
	from, starts := e.alarms(svc, sec)
	news := len(starts) > s.alarms // one more alarm rings: look at once
	s.alarms = len(starts)
	if sec < s.tried+s.wait && !news {
		return
	}
	if len(starts) == 0 {
		s.wait = 0
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
		if f := e.explore(svc, c, usual, from, sec); f.better(&best) {
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
// attribution, and since when.
func (e *Engine) alarms(svc uint8, sec int64) (from int64, starts []cause) {
	s := &e.services[svc]
	from = sec
	note := func(r *series, c cause) {
		if x, ok := r.alarm(2, s.factor); ok {
			from = min(from, max(r.since, sec-8))
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
		starts = append(starts, cause{rate: x, rule: rule{}.with(dimRoute, uint64(s.failRoute)).with(dimMethod, uint64(methodPost))})
	}
	if _, ok := s.slowFails.alarm(3, s.factor); ok && s.failRoute != 0 {
		from = sec - 58
		starts = append(starts, cause{slow: true, rule: rule{}.with(dimRoute, uint64(s.failRoute)).with(dimMethod, uint64(methodPost))})
	}
	if _, ok := s.slowBare.alarm(8, s.factor); ok && len(starts) == 0 {
		from = sec - 58
		starts = append(starts, cause{slow: true, bare: true})
	}
	return min(from, sec-2), starts
}

// explore explains one alarm and names it; the name is empty when the
// explanation does not hold or can't be told yet.
func (e *Engine) explore(svc uint8, start cause, usual float64, from, sec int64) (f finding) {
	c := e.explain(start, usual)
	excess := c.rate - c.usual
	if start.slow && excess < max(0.2, c.usual) || !start.slow && excess < max(2, c.usual, 0.02*usual) {
		return f
	}
	k := e.inspect(&c, from)
	if k.samples < 8 || k.sources < 3 {
		return f // one or two sources are judged by themselves
	}
	a, need := e.name(svc, &c, &k)
	if a != "" && !a.Hostile() {
		for _, in := range e.incidents {
			if in.service == svc && !in.Attack.Hostile() {
				return f // one crowd a service: what spills over belongs to it
			}
		}
		if excess < 0.06*usual+3 || !c.rule.has(dimRoute) && (excess < 0.6*usual || e.frozen(svc)) {
			return f
		}
		s := &e.services[svc]
		if sec-s.crowdLast > 10 {
			s.crowdSince = sec
		}
		s.crowdLast = sec
		if sec-s.crowdSince < 8 {
			return f // an attack looks like a crowd until its clients had time to show their conduct
		}
	}
	f = finding{cause: c, crowd: k, attack: a, need: need, gain: c.rate - 2*c.usual}
	if c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeAsset != 0 {
		f.gain /= 16 // assets follow pages
	}
	return f
}

// widen lets an open incident take in another excess of the same sources: bots
// that ask two things are one attack. What both have in common becomes the
// signature that is shown.
func (e *Engine) widen(in *incident, f *finding, usual float64) {
	if len(in.arms) >= 6 {
		return
	}
	in.arms = append(in.arms, f.cause)
	r := in.cause.rule
	for i := range in.arms {
		a := &in.arms[i].rule
		for d := range dims {
			if r.has(d) && (!a.has(d) || a.vals[d] != r.vals[d]) {
				r.set &^= 1 << d
			}
		}
	}
	in.usual += f.cause.usual
	in.Baseline = in.usual
	in.Excess = max(in.Excess, f.cause.covered)
	if usual > 0 {
		in.Collateral = min(1, in.usual/usual)
	}
	if r.set != 0 {
		in.Signature = e.signature(&r, nil)
	}
	in.changed = true
}

// sibling reports whether a finding is small beside an attack that has only
// just opened: before it counts as a second attack its sources must have had
// time to show whether they are the same.
func (e *Engine) sibling(svc uint8, f *finding) bool {
	for _, in := range e.incidents {
		if in.service == svc && !in.abuse && in.Attack.Hostile() && e.sec-in.Opened.Unix() < 20 && f.cause.rate < 0.5*in.Peak {
			return true
		}
	}
	return false
}

// openFound opens the incident for a finding.
func (e *Engine) openFound(svc uint8, f *finding, from int64) {
	in := e.adopt(svc, f)
	kind := IncidentChange
	if in == nil {
		kind = IncidentOpen
		if in = e.openIncident(svc, f.attack, f.cause, f.crowd, from); in == nil {
			return
		}
	}
	in.need = f.need
	in.Traits = e.traits(f.attack, &f.cause, &f.crowd)
	in.Measures = measures(f.attack, &f.crowd)
	example := e.example(in)
	shown := f.cause
	if shown.bare {
		// A proxy can't see conduct: what it may throttle by is sought among all
		// usual traffic, and both numbers are the signature's own.
		shown = e.explain(cause{bare: true, outside: true}, e.usualOf(svc))
		in.Excess, in.Collateral = shown.covered, shown.collateral
	}
	in.Signature = e.signature(&shown.rule, example)
	e.tellIncident(kind, in)
}

// usualOf is what a service is expected to see now, requests/s.
func (e *Engine) usualOf(svc uint8) float64 {
	return e.services[svc].rate.usual() * e.expected(svc, e.sec)
}

// adopt turns the incident of single sources' verdicts that began an attack
// into the attack's: the first floods of five are judged before the rest shows
// that they belong together.
func (e *Engine) adopt(svc uint8, f *finding) *incident {
	if !f.attack.Hostile() || !f.cause.rule.has(dimRoute) {
		return nil
	}
	for _, in := range e.incidents {
		if in.abuse && in.service == svc && e.sec-in.Opened.Unix() < 60 && in.top == uint16(f.cause.rule.vals[dimRoute]) && in.Attack != Scan {
			in.abuse, in.cause, in.usual, in.crowd = false, f.cause, f.cause.usual, f.crowd
			if in.Attack == SingleSourceFlood {
				in.Attack = f.attack
			}
			in.Excess, in.Collateral, in.Baseline = f.cause.covered, f.cause.collateral, f.cause.usual
			return in
		}
	}
	return nil
}

// example picks requests for people to look at.
func (e *Engine) example(in *incident) *sample {
	var first *sample
	for i := range e.work.recent {
		x := &e.work.recent[i]
		if !in.cause.takes(x) {
			continue
		}
		if first == nil {
			first = x.sample
		}
		if len(in.Samples) < 8 {
			in.Samples = append(in.Samples, x.sample.view(in.Service))
		}
	}
	return first
}

// name tells an attack from a crowd. Strong signs stand for conduct that the
// usual clients of the same routes do not show; a weak one alone is nothing.
func (e *Engine) name(svc uint8, c *cause, k *crowd) (Attack, uint16) {
	s := &e.services[svc]
	human := k.human
	strong, medium, weak := 0, 0, 0
	randomUsual, freshUsual := e.queryUsual(c)
	random := k.random >= 0.7 && randomUsual < 0.3
	if random {
		strong++
	}
	conduct := human >= 0.4 && k.judged >= 0.3 && k.people <= 0.15 && k.err5 < 0.7
	if conduct {
		strong++
	}
	if k.odd >= 0.8 {
		strong++
	}
	login := k.fails >= 0.6 && k.busy <= 0.5
	if login {
		strong++
	}
	if k.tool >= 0.6 {
		medium++
	}
	if k.churn >= 0.5 && k.people < 0.2 {
		medium++
	}
	if k.err4 >= 0.5 {
		medium++
	}
	fresh := k.fresh >= 0.85 && freshUsual < 0.5
	if fresh {
		medium++
	}
	if k.known <= 0.3 {
		weak++
	}
	if c.rule.has(dimAgent) || c.rule.has(dimNet) || c.rule.has(dimHeaders) {
		weak++
	}
	if c.collateral < 0.02 {
		weak++
	}
	if k.bare >= 0.7 {
		weak++
	}
	failing := float64(s.failing.ten) > 0.15*float64(s.rate.ten)
	hostile := strong >= 2 || strong == 1 && medium+weak >= 1 || medium >= 2 && weak >= 1 && k.known <= 0.5
	if k.people >= 0.4 && !login {
		hostile = false
	}
	if failing && k.known >= 0.5 && !random && !login {
		hostile = false
	}
	if !hostile {
		switch {
		case failing && k.known >= 0.4 && k.err5 >= 0.3:
			return RetryStorm, 0
		case k.people >= 0.4:
			return FlashCrowd, 0
		}
		if k.machine >= 0.5 && k.err4 < 0.3 && k.sources >= 20 && k.known < 0.9 {
			return FlashCrowd, 0 // programs in unusual number, each asking as usual
		}
		return Unclear, 0
	}
	need := uint16(4)
	switch {
	case login:
		need = 3
	case random && conduct:
		need = 3
	case c.bare:
		need = 6
	case !conduct && k.machine >= 0.5:
		need = 10
	}
	if s.assets.or(50, 0) < 0.1 && !login && !random {
		need = max(need, 8) // people leave few traces where the log shows no assets
	}
	switch {
	case k.slow >= 0.5 && !failing:
		return SlowRequests, need
	case k.none >= 0.6:
		return ProtocolAbuse, need
	case login:
		return LoginAbuse, need
	case k.missing >= 0.6 && k.paths >= 0.3:
		return Scan, need
	case c.rule.has(dimNet) || k.topNets >= 0.8 && k.nets >= 5:
		return PrefixFlood, need
	case random || fresh:
		return CacheBusting, need
	case k.paths >= 0.3 && k.err4 < 0.5:
		return Scraping, need
	}
	return DistributedFlood, need
}

// queryUsual is how usual random and fresh queries are where the rule applies.
func (e *Engine) queryUsual(c *cause) (random, fresh float64) {
	if c.rule.has(dimRoute) {
		r := &e.routes[c.rule.vals[dimRoute]]
		return r.random.or(20, 0), r.fresh.or(20, 0)
	}
	return 0, 0
}

func (e *Engine) traits(a Attack, c *cause, k *crowd) (t []Attack) {
	add := func(b Attack, yes bool) {
		if yes && a != b {
			t = append(t, b)
		}
	}
	if !a.Hostile() {
		return nil
	}
	add(PrefixFlood, k.nets >= 5)
	add(CacheBusting, k.random >= 0.7)
	add(DistributedFlood, k.sources >= 10)
	return t
}

func measures(a Attack, k *crowd) []Measure {
	switch {
	case a == FlashCrowd || a == RetryStorm:
		return []Measure{ScaleUp}
	case !a.Hostile():
		return []Measure{Observe}
	case k.repeat < 2.5:
		return []Measure{Throttle, Harden}
	}
	return []Measure{BlockSources, Throttle, Harden}
}

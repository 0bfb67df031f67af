package detect

// name tells an attack from a crowd. Strong signs stand for conduct that the
// usual clients of the same routes do not show; a weak one alone is nothing.
func (e *Engine) name(svc uint8, c *cause, k *crowd) (Attack, uint16) {
	s := &e.services[svc]
	human := k.human
	strong, medium, weak := 0, 0, 0
	random := k.random >= 0.7 && k.randomUsual < 0.3
	if random {
		strong++
	}
	conduct := human >= 0.4 && k.judged >= 0.3 && k.people <= 0.15 && k.err5 < 0.7 &&
		(s.assets.or(50, 0) >= 0.1 || k.bare >= 0.5) // without assets in the log, whoever follows links is no machine yet
	if conduct {
		strong++
	}
	odd := k.odd >= 0.8 && k.oddUsual < 0.3
	if odd {
		strong++
	}
	denied := k.denied >= 0.8 && k.known <= 0.3 && k.met < 0.3
	if denied && k.repeat >= 3 {
		k.fails = max(k.fails, k.denied) // strangers who try again and again: it is a login, whatever its path
	}
	login := k.fails >= 0.6 && k.busy <= 0.5 && k.redeem < 0.4 && !e.accepted(c)
	if login && e.lockedOut(c) {
		s.lockedAt = e.sec
	}
	locked := login && e.lockout(svc)
	login = login && !locked
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
	fresh := k.fresh >= 0.85 && k.freshUsual < 0.5
	if fresh {
		medium++
	}
	if k.blind >= 0.8 && k.repeat > 3 && k.err4 < 0.5 {
		medium++ // pictures again and again, and never a page they belong to
	}
	// An app's users are never-seen ones on the day of a new version, they share
	// its agent, and none fetches assets: that says nothing.
	app := k.app >= 0.5
	if k.known <= 0.3 && !app {
		weak++
	}
	if c.rule.has(dimAgent) && !app || c.rule.has(dimNet) || c.rule.has(dimHeaders) && !app {
		weak++
	}
	if c.collateral < 0.02 {
		weak++
	}
	if k.bare >= 0.7 && !app {
		weak++
	}
	// Programs show no conduct, only their pace.
	if usual, ok := e.paceUsual(c); ok && k.err5 < 0.5 && k.grown >= 0.5 && k.hasty >= 0.8 && k.hasty >= 8*usual && k.here >= 4*usual && k.person < 0.2 && !e.failing(svc) {
		if app && k.here >= 12*usual {
			medium++ // the pace alone unmasks who borrows an app's name
		}
		if app && k.equal < 8 {
			// a few of its users who look at a map are in a hurry, too
		} else if k.known <= 0.5 {
			strong++
		} else {
			medium++
		}
	}
	drum := k.post >= 0.8 && !app && k.fails < 0.3 && k.err4 < 0.3 && k.drum >= 0.7 && (k.people < 0.2 || e.rarelyRepeated(c))
	if drum {
		strong++
	}
	hammer := k.hammer >= 0.5
	if hammer {
		strong++
	}
	// Page after page from clients that never fetched anything else, and of one route.
	if !app && human >= 0.4 && s.assets.or(50, 0) >= 0.1 && k.bare >= 0.9 && k.judged >= 0.6 && k.drum >= 0.7 && k.people <= 0.05 && k.known <= 0.3 {
		strong++
	}
	failing := e.failing(svc) || e.stormOpen(svc)
	hostile := strong >= 2 || strong == 1 && medium+weak >= 1 || medium >= 2 && weak >= 1 && k.known <= 0.5
	if k.people >= 0.4 && !login && !drum && !hammer && (!random || k.mixed < 0.5) {
		hostile = false
	}
	if failing && k.known >= 0.5 && !random && !login {
		hostile = false
	}
	if c.slow && c.bare && k.known > 0.3 && s.assets.or(50, 0) < 0.1 {
		hostile = false // no assets in the log and no referers: a few who browse so look like machines
	}
	if k.met >= 0.8 && k.each < 0.6 && c.rate-c.usual < 0.12*s.rate.usual() && k.err4 < 0.3 && !random && !login {
		hostile = false // a monitor known here looks from more places: it asks seldom and is answered
	}
	if k.old >= 0.7 && k.equal >= 4 && k.each < e.opt.SourceRate/5 && k.odd < 0.8 && k.slow < 0.5 && k.none < 0.5 && k.missing < 0.6 && !random && !login && !failing {
		hostile = false // whoever was here all along asks more of what it may ask
	}
	if k.signed >= 0.6 && k.each < e.opt.SourceRate/10 && c.rate-c.usual < max(10, s.rate.usual()) && k.err4 < 0.3 && !random && !login {
		hostile = false // a crawler, a monitor or a reader that says who runs it
	}
	picture := !random && c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeAsset != 0
	embedded := k.linked >= 0.7 && k.repeat <= 3 && k.err4 < 0.3 && (picture || k.dressed >= 0.7)
	if embedded {
		hostile = false // many see a picture of ours on another site, or what a script of ours shows there
	}
	if k.let >= 0.6 && k.each < e.opt.SourceRate/2 && !random && !login {
		hostile = false // whoever is let in by name may ask for much
	}
	if locked {
		hostile = false
	}
	if !hostile {
		switch {
		case locked:
			return RetryStorm, 0
		case failing && (k.err5 >= 0.7 && (k.known >= 0.2 || k.unlinked < 0.5 || k.machine >= 0.5 || app) || k.known >= 0.4 && k.err5 >= 0.3):
			return RetryStorm, 0
		case k.post >= 0.8 && !app:
			return Unclear, 0 // people and bots that send the same form look alike at first: no servers for it
		case k.people >= 0.4, embedded:
			return FlashCrowd, 0
		}
		if (k.machine >= 0.5 || app) && k.err4 < 0.3 && k.sources >= 20 && k.known < 0.9 {
			return FlashCrowd, 0 // programs in unusual number, each asking as usual
		}
		if s.assets.or(50, 0) < 0.1 && k.sources >= 50 && k.repeat <= 3 && k.err4 < 0.3 && !random && !c.rule.has(dimAgent) && !c.rule.has(dimNet) {
			return FlashCrowd, 0 // where the log shows no assets, many clients with a page or two each are people
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
	case denied:
		k.fails = max(k.fails, k.denied)
		return LoginAbuse, need
	case login, k.post >= 0.8 && e.asksLogin(c):
		return LoginAbuse, need
	case k.missing >= 0.6 && k.paths >= 0.3:
		return Scan, need
	case k.mixed < 0.5 && (c.rule.has(dimNet) || k.nets >= 5):
		return PrefixFlood, need
	case random || fresh:
		return CacheBusting, need
	case k.paths >= 0.3 && k.err4 < 0.5:
		return Scraping, need
	}
	return DistributedFlood, need
}

// stormEbb is for how many seconds a service's answers must be well before what
// goes on is no storm's any more.
const stormEbb = 90

// rarelyRepeated reports whether the usual clients of the rule's route are known
// to ask it now and then only.
func (e *Engine) rarelyRepeated(c *cause) bool {
	if !c.rule.has(dimRoute) {
		return false
	}
	if r := &e.routes[c.rule.vals[dimRoute]]; r.repeat.n >= 20 {
		return r.repeat.mean <= 3
	}
	n := 0 // too few stay for their conduct to be told: count who comes back
	clear(e.work.seen)
	for i := range e.work.base {
		if b := &e.work.base[i]; uint64(b.f.route) == c.rule.vals[dimRoute] {
			n++
			e.work.seen[b.key]++
		}
	}
	return n >= 8 && 2*n <= 3*len(e.work.seen)
}

// stormOpen reports whether a retry storm of the service is open: what its
// clients did is still in the windows when the answers are well again, for a
// minute and a half.
func (e *Engine) stormOpen(svc uint8) bool {
	if e.sec-e.services[svc].failedAt > stormEbb {
		return false
	}
	for _, in := range e.incidents {
		if in.service == svc && in.Attack == RetryStorm {
			return true
		}
	}
	return false
}

// paceUsual is how many requests a second one client makes at the rule's route,
// if enough of them were seen.
func (e *Engine) paceUsual(c *cause) (float64, bool) {
	if !c.rule.has(dimRoute) {
		return 0, false
	}
	r := &e.routes[c.rule.vals[dimRoute]]
	return max(float64(r.repeat.mean), 2) / 60, r.repeat.n >= 50
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
	add(Scraping, a == PrefixFlood && k.paths >= 0.3 && k.err4 < 0.5)
	add(DistributedFlood, k.sources >= 10)
	return t
}

// costly is the share of usual traffic from which on a signature is not
// recommended for throttling first.
const costly = 0.05

// measures recommends what helps: blocks where named says that sources stay
// long enough to be named, and what is done to the signature in any case.
func measures(a Attack, named bool, collateral float64) []Measure {
	switch {
	case a == FlashCrowd || a == RetryStorm:
		return []Measure{ScaleUp}
	case !a.Hostile():
		return []Measure{Observe}
	}
	m := []Measure{Throttle, Harden}
	if collateral > costly {
		m = []Measure{Harden}
	}
	if named {
		m = append([]Measure{BlockSources}, m...)
	}
	return m
}

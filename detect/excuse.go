package detect

// stormEbb is for how many seconds a service's answers must be well before what
// goes on is no storm's any more.
const stormEbb = 90

// excused reports whether what looks like an attack has a better explanation.
func (e *Engine) excused(svc uint8, c *cause, k *crowd, g *signs) bool {
	s := &e.services[svc]
	plain := !g.random && !g.login
	switch {
	case g.locked:
		return true // nobody is let in: people try again
	case g.embedded:
		return true // many see a picture of ours on another site, or what a script of ours shows there
	case k.people >= 0.4 && !g.login && !g.drum && !g.hammer && (!g.random || k.mixed < 0.5):
		return true // too many behave like people
	case g.failing && k.known >= 0.5 && plain:
		return true // clients known here ask again what failed
	case c.slow && c.bare && k.known > 0.3 && !g.assets:
		return true // no assets in the log and no referers: a few who browse so look like machines
	case k.known >= 0.9 && k.each < 0.1 && c.rate-c.usual < max(3, s.rate.usual()) && k.err4 < 0.3 && plain:
		return true // programs that were here before look at a page now and then, no more than the site does anyway
	case k.met >= 0.8 && k.each < 0.6 && c.rate-c.usual < 0.12*s.rate.usual() && k.err4 < 0.3 && plain:
		return true // a monitor known here looks from more places: it asks seldom and is answered
	case k.old >= 0.7 && k.equal >= 4 && k.each < e.opt.SourceRate/5 && k.odd < 0.8 && k.slow < 0.5 && k.none < 0.5 && k.missing < 0.6 && plain && !g.failing:
		return true // whoever was here all along asks more of what it may ask
	case k.signed >= 0.6 && k.each < e.opt.SourceRate/10 && c.rate-c.usual < max(10, s.rate.usual()) && k.err4 < 0.3 && plain:
		return true // a crawler, a monitor or a reader that says who runs it
	case !g.login && !g.failing && e.readsLinks(svc, c, k):
		return true // machines look at links that somebody was sent
	case k.let >= 0.6 && k.each < e.opt.SourceRate/2 && plain:
		return true // whoever is let in by name may ask for much
	}
	return false
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

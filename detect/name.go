package detect

// name tells an attack from a crowd, and how many requests a source has to make
// before it is taken for one of it (0: nobody is). What speaks for an attack is
// added up, what has a better explanation is excused, and what is left is named
// in the contract's order.
func (e *Engine) name(svc uint8, c *cause, k *crowd) (Attack, uint16) {
	g := e.signsOf(svc, c, k)
	if !g.hostile(k) || e.excused(svc, c, k, &g) {
		return e.nameCrowd(c, k, &g), 0
	}
	return e.nameAttack(c, k, &g), g.patience(c, k)
}

// nameCrowd names what is no attack, or none that could be told from people.
func (e *Engine) nameCrowd(c *cause, k *crowd, g *signs) Attack {
	switch {
	case g.locked:
		return RetryStorm
	case g.failing && (k.err5 >= 0.7 && (k.known >= 0.2 || k.unlinked < 0.5 || k.machine >= 0.5 || g.app) || k.known >= 0.4 && k.err5 >= 0.3):
		return RetryStorm
	case k.post >= 0.8 && !g.app:
		return Unclear // people and bots that send the same form look alike at first: no servers for it
	case k.people >= 0.4, g.embedded:
		return FlashCrowd
	case (k.machine >= 0.5 || g.app) && k.err4 < 0.3 && k.sources >= 20 && k.known < 0.9:
		return FlashCrowd // programs in unusual number, each asking as usual
	case !g.assets && k.sources >= 50 && k.repeat <= 3 && k.err4 < 0.3 && !g.random && !c.rule.has(dimAgent) && !c.rule.has(dimNet):
		return FlashCrowd // where the log shows no assets, many clients with a page or two each are people
	}
	return Unclear
}

// nameAttack names an attack by what is most particular of it.
func (e *Engine) nameAttack(c *cause, k *crowd, g *signs) Attack {
	switch {
	case k.slow >= 0.5 && !g.failing:
		return SlowRequests
	case k.none >= 0.6:
		return ProtocolAbuse
	case g.denied:
		k.fails = max(k.fails, k.denied)
		return LoginAbuse
	case g.login, k.post >= 0.8 && e.asksLogin(c):
		return LoginAbuse
	case k.missing >= 0.6 && k.paths >= 0.3:
		return Scan
	case k.mixed < 0.5 && (c.rule.has(dimNet) || k.nets >= 5):
		return PrefixFlood
	case g.random || g.fresh:
		return CacheBusting
	case k.paths >= 0.3 && k.err4 < 0.5:
		return Scraping
	}
	return DistributedFlood
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

// throttles reports whether the signature is known to take little enough of the
// usual traffic for a throttle, be its share what it may within the samples.
func (in *Incident) throttles() bool { return !in.Untried && in.CollateralMost() <= costly }

// measures recommends what helps: blocks where named says that sources stay
// long enough to be named, and what is done to the signature in any case.
func (in *Incident) measures(named bool) []Measure {
	switch {
	case in.Attack == FlashCrowd || in.Attack == RetryStorm:
		return []Measure{ScaleUp}
	case !in.Attack.Hostile():
		return []Measure{Observe}
	}
	m := []Measure{Harden}
	if in.throttles() {
		m = []Measure{Throttle, Harden}
	}
	if named {
		m = append([]Measure{BlockSources}, m...)
	}
	return m
}

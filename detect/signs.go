package detect

// signs is what speaks for an attack, and what has to be known to weigh it.
// Strong signs stand for conduct that the usual clients of the same routes do
// not show; a weak one alone is nothing.
type signs struct {
	strong, medium, weak int

	unasked  bool // of a route nobody asked before: what queries are usual isn't known
	random   bool // queries made up by a machine where they are not usual
	fresh    bool // queries never seen before where they are not usual
	conduct  bool // hardly anybody behaves like the people who usually ask here
	denied   bool // strangers whose forms are answered 401
	login    bool // logins refused to who is never let in
	locked   bool // logins refused because the service lets nobody in
	drum     bool // one form sent again and again
	hammer   bool // one page asked for ever new things
	app      bool // they come with the agent of an app that is usual here
	embedded bool // a file of ours that other sites show, or a script of ours there
	failing  bool // the service fails, or did until lately
	assets   bool // the service's log shows that people fetch assets
}

// hostile reports whether the signs are enough for an attack.
func (g *signs) hostile(k *crowd) bool {
	switch {
	case g.strong >= 2:
		return true
	case g.strong == 1:
		return g.medium+g.weak >= 1
	}
	return g.medium >= 2 && g.weak >= 1 && k.known <= 0.5
}

// signsOf looks for what speaks for an attack in an excess and who makes it.
func (e *Engine) signsOf(svc uint8, c *cause, k *crowd) (g signs) {
	g.assets = e.services[svc].assets.or(50, 0) >= 0.1
	g.app = k.app >= 0.5
	g.failing = e.failing(svc) || e.stormOpen(svc)
	g.random = k.random >= 0.7 && k.randomUsual < 0.3
	g.fresh = k.fresh >= 0.85 && k.freshUsual < 0.5
	g.conduct = k.human >= 0.4 && k.judged >= 0.3 && k.people <= 0.15 && k.err5 < 0.7 &&
		(g.assets || k.bare >= 0.5) // without assets in the log, whoever follows links is no machine yet
	g.unasked = c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].random.n < 20
	e.seeLogins(svc, c, k, &g)
	g.drum = k.post >= 0.8 && !g.app && k.fails < 0.3 && k.err4 < 0.3 && k.drum >= 0.7 && (k.people < 0.2 || e.rarelyRepeated(c))
	g.hammer = k.hammer >= 0.5
	picture := !g.random && c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeAsset != 0
	g.embedded = k.linked >= 0.7 && k.repeat <= 3 && k.err4 < 0.3 && (picture || k.dressed >= 0.7)
	e.countSigns(svc, c, k, &g)
	return g
}

// seeLogins tells passwords that are tried from a login that lets nobody in.
func (e *Engine) seeLogins(svc uint8, c *cause, k *crowd, g *signs) {
	g.denied = k.denied >= 0.8 && k.settled <= 0.3 && k.met < 0.3
	if g.denied && k.repeat >= 3 {
		k.fails = max(k.fails, k.denied) // strangers who try again and again: it is a login, whatever its path
	}
	g.login = k.fails >= 0.6 && k.busy <= 0.5 && k.redeem < 0.4 && !e.accepted(c)
	if g.login && e.lockedOut(c) {
		e.services[svc].lockedAt = e.sec
	}
	g.locked = g.login && e.lockout(svc)
	g.login = g.login && !g.locked
}

// countSigns adds the signs up. An app's users are never-seen ones on the day of a new
// version, they share its agent, and none fetches assets: of them that says nothing.
func (e *Engine) countSigns(svc uint8, c *cause, k *crowd, g *signs) {
	g.strong = holding(g.random && !g.unasked, g.conduct, g.login, g.drum, g.hammer,
		k.odd >= 0.8 && k.oddUsual < 0.3,
		// page after page from clients that never fetched anything else, and of one route
		!g.app && k.human >= 0.4 && g.assets && k.bare >= 0.9 && k.judged >= 0.6 && k.drum >= 0.7 && k.people <= 0.05 && k.known <= 0.3)
	g.medium = holding(g.fresh || g.random && g.unasked,
		k.tool >= 0.6,
		k.churn >= 0.5 && k.people < 0.2,
		k.err4 >= 0.5,
		k.blind >= 0.8 && k.repeat > 3 && k.err4 < 0.5) // pictures again and again, and never a page they belong to
	g.weak = holding(
		k.known <= 0.3 && !g.app,
		c.rule.has(dimAgent) && !g.app || c.rule.has(dimNet) || c.rule.has(dimHeaders) && !g.app,
		c.collateral < 0.02,
		k.bare >= 0.7 && !g.app)
	if g.guesses(k) {
		g.strong++
	}
	e.countPace(svc, c, k, g)
}

// guesses reports whether strangers ask for one thing after the other that is not
// there, or send what is refused again and again.
func (g *signs) guesses(k *crowd) bool {
	if g.app || k.err4 < 0.8 || k.settled > 0.3 || k.met >= 0.3 || k.own >= 0.3 || k.signed >= 0.5 || k.judged < 0.3 || k.people > 0.1 {
		return false
	}
	return k.missing >= 0.8 && k.paths >= 0.5 && k.repeat >= 5 || k.post >= 0.8 && k.drum >= 0.7
}

// countPace adds what the pace of sources says: programs show no conduct.
func (e *Engine) countPace(svc uint8, c *cause, k *crowd, g *signs) {
	usual, ok := e.paceUsual(c, k)
	if !ok {
		s := &e.services[svc]
		if !g.app && k.met < 0.3 && k.settled <= 0.3 && k.err5 < 0.5 && k.drum >= 0.7 && k.person < 0.2 && k.equal >= 8 &&
			c.rate-c.usual >= 2*s.rate.usual() && k.here >= max(0.5, 3*s.peers.At(0.99)/60) {
			g.strong++ // strangers who make twice the usual traffic and more, each in more of a hurry than anyone here
		}
		return
	}
	if e.failing(svc) || k.err5 >= 0.5 {
		return
	}
	if g.app && k.drum >= 0.7 && k.here >= 12*usual && k.equal >= 8 && k.settled <= 0.5 {
		g.strong++ // they ask nothing else, ten times and more in two minutes, where an app's users ask now and then
		g.medium++
	}
	// That of a burst, which opens an app or a player, is nobody's until it goes on
	// or made twice what one client makes in a minute.
	goesOn := k.repeat >= 2*60*usual || k.steady >= max(0.5, 4*usual)
	if k.grown >= 0.5 && k.hasty >= 0.8 && k.hasty >= 8*usual && k.here >= 4*usual && goesOn && k.person < 0.2 {
		if g.app && k.here >= 12*usual {
			g.medium++ // the pace alone unmasks who borrows an app's name
		}
		switch {
		case g.app && k.equal < 8: // a few of its users who look at a map are in a hurry, too
		case k.known <= 0.5:
			g.strong++
		default:
			g.medium++
		}
	}
}

// holding counts what holds.
func holding(signs ...bool) (n int) {
	for _, holds := range signs {
		if holds {
			n++
		}
	}
	return n
}

// patience is how many requests a source has to make before it is taken for one
// of the attack: few where what it asks gives it away, more where people leave
// few traces.
func (g *signs) patience(c *cause, k *crowd) uint16 {
	need := uint16(4)
	switch {
	case g.login, g.random && g.conduct:
		return 3
	case c.bare:
		need = 6
	case !g.conduct && k.machine >= 0.5:
		need = 10
	}
	if !g.assets && !g.random {
		need = max(need, 8)
	}
	return need
}

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

// paceUsual is how many requests a second one client makes at the rule's route,
// if enough of them were seen. On a small site fewer must do where those who
// call themselves browsers ask pages and nothing a browser asks with them, or
// nothing but parts of a file.
func (e *Engine) paceUsual(c *cause, k *crowd) (float64, bool) {
	if !c.rule.has(dimRoute) {
		return 0, false
	}
	r := &e.routes[c.rule.vals[dimRoute]]
	least := float32(50)
	if r.marks&(routeAPI|routeFeed|routeAsset) == 0 && k.browsers >= 0.8 && (k.bare >= 0.9 && k.judged >= 0.6 || k.parts >= 0.9) {
		least = 20
	}
	return max(float64(r.repeat.mean), 2) / 60, float32(r.repeat.n) >= least
}

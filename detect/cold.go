package detect

// lookCold looks for an attack that was there before the engine: nothing has
// changed since, so no alarm rings. Only what needs no baseline counts: sources
// that each ask one page, or random queries, again and again within seconds and
// nothing else, on a service whose other clients are seen to browse.
func (e *Engine) lookCold(svc uint8, sec int64) {
	rate, _ := e.gather(svc, sec-9, sec)
	e.work.base = e.work.base[:0]
	for _, start := range []cause{{rule: rule{}.with(dimQuery, valRandom)}, {bare: true}} {
		c := e.explain(start, 0)
		if c.rate < max(5, 0.2*rate) || !c.rule.has(dimRoute) {
			continue
		}
		k := e.inspect(&c, sec-9, sec-9)
		if k.samples < 20 || k.sources < 5 || k.judged < 0.5 || k.person > 0.05 || k.machine > 0.1 || k.err5 > 0.7 || k.each < 0.8 && (k.drum < 0.6 || k.unlinked < 0.9) || !e.othersBrowse(&c) {
			continue
		}
		f := finding{cause: c, crowd: k, attack: DistributedFlood, need: 6}
		if k.random >= 0.9 {
			f.attack = CacheBusting
		} else if k.bare < 0.9 || k.paths > 0.05 || k.claims > 0.2 { // crawlers walk, they do not hammer
			continue
		}
		e.unlearn(c.partOf(svc))
		e.openFound(svc, &f, sec-9)
		return
	}
}

// coldLogins looks for stolen passwords that were being tried before the engine
// began: refused again and again, hardly anybody let in, nothing else asked.
func (e *Engine) coldLogins(svc uint8, sec int64) {
	s := &e.services[svc]
	if s.failRoute == 0 {
		return
	}
	for _, in := range e.incidents {
		if in.service == svc && in.Attack == LoginAbuse && !in.abuse {
			return
		}
	}
	e.gather(svc, sec-58, sec)
	e.work.base = e.work.base[:0]
	c := e.explain(cause{slow: true, rule: rule{}.with(dimRoute, uint64(s.failRoute)).with(dimMethod, uint64(methodPost))}, 0)
	k := e.inspect(&c, sec-58, sec-58)
	if k.samples < 12 || k.sources < 5 || k.fails < 0.6 || k.busy > 0.2 || k.repeat < 2.5 || k.redeem >= 0.4 || e.accepted(&c) {
		return
	}
	e.unlearn(c.partOf(svc))
	e.openFound(svc, &finding{cause: c, crowd: k, attack: LoginAbuse, need: 3}, sec-58)
}

// unlearn drops from the usual traffic what an attack left there before it was
// found out: it would pass for a good part of it.
func (e *Engine) unlearn(drop func(*baseSample) bool) {
	kept := e.base[:0]
	for i := range e.base {
		if b := &e.base[i]; !drop(b) {
			kept = append(kept, *b)
		}
	}
	e.base = kept
}

// partOf tells what c takes of a service's usual traffic and no person asked.
func (c *cause) partOf(svc uint8) func(*baseSample) bool {
	return func(b *baseSample) bool {
		return b.service == svc && b.conduct != conductPerson && c.rule.matches(&b.feature, b.key)
	}
}

// othersBrowse reports whether the clients that c does not take behave like
// people, so that conduct tells one from the other here.
func (e *Engine) othersBrowse(c *cause) bool {
	judged, people := 0, 0
	for i := range e.work.recent {
		x := &e.work.recent[i]
		if c.takes(x) || x.conduct == conductYoung {
			continue
		}
		judged++
		if x.conduct == conductPerson {
			people++
		}
	}
	return judged >= 20 && people*2 >= judged
}

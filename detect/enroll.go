package detect

// enrol adds a source to an incident when its own conduct bears it out: most
// of what it does matches, and nothing speaks for a person.
func (e *Engine) enrol(in *incident, s *source) {
	t := s.total()
	stray := int(s.missed)
	if !e.asksAssets(in) {
		stray -= int(t.assets) // what an asset says is weighed below
	}
	if s.marks&(markMixed|markVerified) != 0 || stray*4 > int(s.match) {
		return
	}
	need, pace := in.need, in.pace
	if own := e.incidentOf(s.incident); own != nil && own != in && !own.abuse && own.Attack.Hostile() {
		need, pace = max(need, own.need), max(pace, own.pace) // what matched the one must not come cheaper in the other
	}
	old := s.first < in.since-120
	switch {
	case in.crowd.fails >= 0.6:
		rest := int(t.hits) - int(t.fails) - int(t.forms) - int(t.logins)
		if s.tries(&t) {
			break
		}
		if t.fails < 3 || t.fails < 7 && t.forms > 0 || int(t.logins)*10 > int(t.fails) || rest > int(t.fails)/5 || t.assets > 0 {
			return
		}
	case e.conductOf(&t, s) == conductPerson || s.marks&markPerson != 0, t.assets > 0 && !e.asksAssets(in), t.nav > 1 && !e.walksBare(&t, s):
		if s.marks&markHammers == 0 || int(t.nav)-int(t.assets) > 2 {
			return
		}
	case in.cause.bare:
		if t.pages < 6 || old && t.pages < 20 {
			return
		}
	case old && s.marks&(markClaims|markFalse) == markClaims && in.crowd.claims < 0.3:
		return // a crawler that came before the attack, which is not made of crawlers
	case old, s.marks&(markClaims|markFalse) == markClaims: // a crawler that can't be verified may be one
		need *= 3
	}
	if in.crowd.fails < 0.6 && e.asBefore(in, s) || in.apps.has(s.agent) || e.dawdles(in, s) {
		return
	}
	if in.crowd.fails < 0.6 && s.answered() && s.rate(e.sec) < e.opt.SourceRate/2 {
		return // let in by name
	}
	if e.sec-s.first < 5 && s.scripted() {
		return // the scripts of a page may ask before its styles and images are fetched
	}
	if n := distinct64(s.agents); n >= 3 && n*3 <= int(t.hits)*2 && in.crowd.churn < 0.3 {
		need *= uint16(min(n, 8)) // several people behind one address: each asks more than once, unlike bots that change their name
	}
	if s.match < need || pace > 0 && float64(s.hitsIn(e.sec, 10)) < 10*pace {
		return
	}
	if int(t.hits) > 4*int(s.match)+8 {
		return // most of what it did was something else
	}
	s.incident = in.number
	s.marks |= markEnrolled
	if !e.mayBlock(s) {
		s.marks &^= markEnrolled
		s.match = 0
		return
	}
	var p proofs
	e.weighMember(in, s, &p)
	s.score = float32(p.score())
	s.attack = attackCode(in.Attack)
	s.marks |= markBlock
	in.Enrolled++
	in.changed = true
	in.homes.Add(s.key.net().hash())
	if in.Enrolled%32 == 0 {
		e.nowConcentrated(in)
	}
	if s.marks&markListed == 0 {
		e.list(s)
	}
	e.tell(s, &p)
}

// tries reports whether a source did nothing but try secrets, though it loads the
// form before each, or a file of it as well: never let in, and never anywhere else.
// People whom nobody lets in load the files once and try again.
func (s *source) tries(t *tally) bool {
	return t.logins == 0 && distinct64(s.routes) <= 4 && (t.fails >= 7 && t.assets == 0 && int(t.hits) <= 3*int(t.fails) ||
		t.fails >= 10 && 2*int(t.forms) >= int(t.fails) && 2*int(t.assets) >= int(t.fails) && int(t.hits) <= 5*int(t.fails))
}

// asBefore reports whether a source was here well before the excess began and
// asks no more now than it did then: a monitor, a dashboard, a partner's program.
// Such a source is no part of what is too much, whatever it looks like.
func (e *Engine) asBefore(in *incident, s *source) bool {
	margin := int64(120)
	if in.cause.slow {
		margin = 240 // what is slow began well before it was found
	}
	if s.first >= in.began-margin {
		return false
	}
	now := 1000 * (float64(s.cur.hits) + float64(s.prev.hits)) / float64(60+e.sec%60)
	return now < 3*float64(s.before)+20
}

// dawdles reports whether a source that has been here for a minute asks next to
// nothing beside what each member of the attack asks: a probe that was first seen
// when the attack was on, a crawler, a feed reader. They match many a signature,
// and blocking them would stop nothing.
func (e *Engine) dawdles(in *incident, s *source) bool {
	k := &in.crowd
	if age := e.sec - s.first; age < 60 || k.random >= 0.7 || k.fails >= 0.6 || k.slow >= 0.5 || k.none >= 0.5 || k.missing >= 0.6 {
		return false
	}
	return float64(s.seen)*10 < k.each*float64(e.sec-s.first+1) && s.hitsIn(e.sec, 10) <= 2
}

// weighMember is the evidence against a member of an incident.
func (e *Engine) weighMember(in *incident, s *source, p *proofs) {
	t := s.total()
	p.add(sigMatch, 50, in.Excess, in.Collateral)
	p.add(sigMember, 20, float64(s.match), float64(s.match)+float64(s.missed))
	if t.fails >= 3 {
		p.add(sigLogins, 15, float64(t.fails), 0)
	}
	if t.assets == 0 && t.pages > 0 {
		p.add(sigNoAssets, 12, float64(t.pages), 0)
	}
	if t.random > 1 {
		p.add(sigRandom, 12, float64(t.random)/float64(max(1, t.hits)), 0)
	}
	if s.first >= in.since-60 {
		p.add(sigNew, 6, float64(e.sec-s.first), 0)
	}
	if p.sum < blockScore+2 {
		p.sum = blockScore + 2
	}
}

// asksAssets reports whether the incident is a flood of asset requests, so that
// fetching one speaks for nobody.
func (e *Engine) asksAssets(in *incident) bool {
	r := &in.cause.rule
	return r.has(dimRoute) && e.routes[r.vals[dimRoute]].marks&routeAsset != 0
}

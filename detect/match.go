package detect

// matchIncidents notes a request in the incident whose signature it matches;
// attacks come before crowds, since a crowd's signature is wide.
func (e *Engine) matchIncidents(s *source, n *network, f *feature) {
	if s.marks&markEnrolled != 0 {
		if in := e.incidentOf(s.incident); in != nil {
			if in.abuse || in.takes(f, s) {
				sat16(&s.match)
				e.countIncident(in, s, f)
			}
			return
		}
		if len(e.resting) > 0 {
			e.stir(s)
		}
	}
	var crowd, own *incident
	for _, in := range e.incidents {
		switch {
		case in.abuse || in.service != f.service:
			continue
		case !in.Attack.Hostile():
			if in.takes(f, s) {
				crowd = in
			}
			continue
		case s.incident == in.number:
			own = in
		}
		if !in.takes(f, s) {
			continue
		}
		e.countIncident(in, s, f)
		if own == nil {
			own = e.joined(s)
		}
		if own == nil { // what matches another open attack counts on: bots ask more than one thing
			s.incident, s.match, s.missed = in.number, 0, 0
			s.before = s.pace(e.sec)
		}
		sat16(&s.match)
		if s.match == 1 {
			e.countRotation(in, n)
		}
		if s.match >= in.need && !(f.signed && in.signs(s.rate(e.sec) < e.opt.SourceRate/10)) {
			e.enrol(in, s)
		}
		return
	}
	if own != nil {
		sat16(&s.missed)
	}
	if crowd != nil {
		e.countIncident(crowd, s, f)
	}
}

// signs reports whether a source that says who runs it is left out: it is not made
// of such, or it is a few crawlers, and the source is slow.
func (in *incident) signs(slow bool) bool {
	return slow && (in.crowd.signed < 0.1 || in.crowd.signed < 0.6 && in.Sources < 20)
}

// joined returns the open attack that the matches of a source count for, or nil. It
// may be another service's: bots go round.
func (e *Engine) joined(s *source) *incident {
	if in := e.incidentOf(s.incident); in != nil && in.Attack.Hostile() && !in.abuse {
		return in
	}
	return nil
}

func (e *Engine) countIncident(in *incident, s *source, f *feature) {
	in.cur++
	in.matched++
	in.last = e.sec
	if turnsAway(f.status) {
		in.away++
	}
	if f.status >= 400 {
		in.errs++
	}
	switch {
	case f.refusedLogin() || f.status == 401:
		in.refused++
	case f.method == methodPost && f.status < 400:
		in.entered++
	}
	in.distinct.Add(s.key.hash())
}

// takes reports whether a request of s matches the incident.
func (in *incident) takes(f *feature, s *source) bool {
	if in.cause.rule.matches(f, s.key) && (!in.cause.bare || s.marks&(markBare|markHammers) != 0) {
		return true
	}
	for i := range in.arms {
		if c := &in.arms[i]; c.rule.matches(f, s.key) && (!c.bare || s.marks&(markBare|markHammers) != 0) {
			return true
		}
	}
	return false
}

// incidentOf returns the open incident with number n, or nil.
func (e *Engine) incidentOf(n uint16) *incident {
	for _, in := range e.incidents {
		if in.number == n {
			return in
		}
	}
	return nil
}

// explained reports whether a request is accounted for by a verdict that
// already fell, so that a new excess is not made of it.
func (e *Engine) explained(f *feature, s *source) bool {
	if s.marks&(markBlock|markEnrolled) != 0 {
		return true
	}
	for _, in := range e.incidents {
		if !in.abuse && in.Attack.Hostile() && in.service == f.service && in.takes(f, s) {
			return true
		}
	}
	return false
}

// matchesOpen is explained for a source that is no longer held.
func (e *Engine) matchesOpen(f *feature, k sourceKey) bool {
	for _, in := range e.incidents {
		if !in.abuse && in.Attack.Hostile() && in.service == f.service && !in.cause.bare && in.cause.rule.matches(f, k) {
			return true
		}
	}
	return false
}

// frozen reports whether a service must not learn now.
func (e *Engine) frozen(svc uint8) bool {
	for _, in := range e.incidents {
		if in.service == svc && in.Attack.Hostile() && in.quiet < 20 {
			return true
		}
	}
	return false
}

func (e *Engine) frozenRoute(id uint16) bool {
	for _, in := range e.incidents {
		if !in.Attack.Hostile() || in.quiet >= 20 || e.routes[id].service != in.service {
			continue
		}
		if !in.cause.rule.has(dimRoute) || in.cause.rule.vals[dimRoute] == uint64(id) {
			return true
		}
		for i := range in.arms {
			if r := &in.arms[i].rule; !r.has(dimRoute) || r.vals[dimRoute] == uint64(id) {
				return true
			}
		}
	}
	return false
}

func (e *Engine) hostileOpen() bool {
	for _, in := range e.incidents {
		if in.Attack.Hostile() {
			return true
		}
	}
	return false
}

// undecided reports whether a request belongs to an incident that is unclear
// yet: what may turn out to be an attack is not learnt as usual, for ten minutes.
func (e *Engine) undecided(f *feature, s *source) bool {
	for _, in := range e.incidents {
		if in.Attack == Unclear && in.service == f.service && e.sec-in.Opened.Unix() < 600 && in.takes(f, s) {
			return true
		}
	}
	return false
}

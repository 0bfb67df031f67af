package detect

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
	if cost := e.cost(&r, usual); r.set != 0 && len(e.work.base) > 0 && cost <= max(costly, in.Collateral) {
		in.Signature, in.Collateral = e.signature(&r, nil), cost
		e.sign(in, r)
	}
	in.changed = true
}

// cost is the share of the usual traffic that a rule takes, whoever makes it.
func (e *Engine) cost(r *rule, usual float64) float64 {
	if usual <= 0 {
		return 0
	}
	sum := 0.0
	for i := range e.work.base {
		if x := &e.work.base[i]; r.matches(x.f, x.key) {
			sum += x.weight
		}
	}
	return min(1, sum/usual)
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
	if same := e.alike(svc, f); same != nil {
		e.widen(same, f, e.usualOf(svc))
		return
	}
	in := e.adopt(svc, f)
	kind := IncidentChange
	if in == nil {
		in, kind = e.reopen(svc, f), IncidentOpen
	}
	if in == nil {
		if in = e.openIncident(svc, f.attack, f.cause, f.crowd, from); in == nil {
			return
		}
	}
	in.need = f.need
	in.pace = 0
	if k := &f.crowd; k.random < 0.7 && k.fails < 0.6 && k.slow < 0.5 && k.none < 0.5 && (k.human < 0.4 || k.people > 0.15) {
		in.pace = 0.35 * k.each // neither queries nor conduct tell its members from others: their pace must
	}
	in.apps = e.bystanders(&f.cause)
	for _, t := range e.traits(in.Attack, &f.cause, &f.crowd) {
		e.addTrait(in, t)
	}
	example := e.example(in)
	shown := f.cause
	if shown.bare {
		// A proxy can't see conduct: what it may throttle by is sought among all
		// usual traffic, and both numbers are the signature's own.
		shown = e.explain(cause{bare: true, outside: true}, e.usualOf(svc))
		in.Excess, in.Collateral = shown.covered, shown.collateral
	}
	in.Signature = e.signature(&shown.rule, example)
	e.sign(in, shown.rule)
	in.Untried = f.attack.Hostile() && f.crowd.untried >= 0.5
	in.Measures = in.measures(f.crowd.repeat >= 2.5)
	e.tellIncident(kind, in)
}

// alike returns the open attack whose signature reads just as the finding's
// would: to people these are one.
func (e *Engine) alike(svc uint8, f *finding) *incident {
	if !f.attack.Hostile() || f.cause.bare || f.cause.rule.has(dimNet) || f.cause.rule.set == 0 {
		return nil
	}
	s := e.signature(&f.cause.rule, nil)
	for _, in := range e.incidents {
		if in.service == svc && !in.abuse && in.Attack.Hostile() && in.Signature == s {
			return in
		}
	}
	return nil
}

// usualOf is what a service is expected to see now, requests/s.
func (e *Engine) usualOf(svc uint8) float64 {
	return e.services[svc].rate.usual() * e.expected(svc, e.sec)
}

// adopt turns an unclear incident of the same route, or the incident of single sources' verdicts that began an attack
// into the attack's: the first floods of five are judged before the rest shows
// that they belong together.
func (e *Engine) adopt(svc uint8, f *finding) *incident {
	if !f.attack.Hostile() || !f.cause.rule.has(dimRoute) {
		return nil
	}
	for _, in := range e.incidents {
		if r := &in.cause.rule; in.service == svc && in.Attack == Unclear && r.has(dimRoute) && r.vals[dimRoute] == f.cause.rule.vals[dimRoute] {
			in.Attack, in.cause, in.usual, in.crowd = f.attack, f.cause, f.cause.usual, f.crowd
			in.Excess, in.Collateral, in.Baseline = f.cause.covered, f.cause.collateral, f.cause.usual
			return in // what could not be told at first
		}
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

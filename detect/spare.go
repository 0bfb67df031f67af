package detect

// spare looks for a signature of an attack that leaves the open crowd alone
// which came to the same place: the crowd counts as usual traffic too. Where
// there is none, at least the cost is told.
func (e *Engine) spare(svc uint8, start, c cause, usual float64) cause {
	crowd := e.crowdWithin(svc, &c.rule)
	if crowd == nil {
		return c
	}
	w := &e.work
	n, rate := len(w.base), 0.0
	for i := range w.recent {
		if x := &w.recent[i]; crowd.cause.rule.matches(x.f, x.key) {
			w.base = append(w.base, weighed{f: x.f, key: x.key, weight: x.weight, conduct: x.conduct})
			rate += x.weight
		}
	}
	narrow := e.explain(start, usual+rate)
	w.base = w.base[:n]
	if narrow.rate-narrow.usual >= 0.5*(c.rate-c.usual) && e.crowdWithin(svc, &narrow.rule) == nil {
		return narrow
	}
	c.collateral = min(1, (c.usual+rate)/(usual+rate))
	return c
}

// crowdWithin returns the open flash crowd of a service whose signature lies
// within a rule, so that what throttles the rule throttles the crowd.
func (e *Engine) crowdWithin(svc uint8, r *rule) *incident {
	for _, in := range e.incidents {
		if in.service == svc && in.Attack == FlashCrowd && in.quiet < 20 && r.subsumes(&in.cause.rule) {
			return in
		}
	}
	return nil
}

// subsumes reports whether all that o takes r takes too.
func (r *rule) subsumes(o *rule) bool {
	for d := range dims {
		if r.has(d) && (!o.has(d) || o.vals[d] != r.vals[d]) {
			return false
		}
	}
	return true
}

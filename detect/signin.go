package detect

import "time"

// asksLogin reports whether a rule's route is one where people log in. Some sites
// answer a refused login 200.
func (e *Engine) asksLogin(c *cause) bool {
	return c.rule.has(dimRoute) && e.routes[c.rule.vals[dimRoute]].marks&routeLogin != 0
}

// accepted reports whether at least half of the logins beyond the usual ones are
// accepted: people who all have to sign in again, not stolen passwords.
func (e *Engine) accepted(c *cause) bool {
	yes, no := 0.0, 0.0
	count := func(list []weighed, sign float64) {
		clear(e.work.shared) // one good account replayed again and again is one
		for i := range list {
			f := list[i].f
			switch {
			case f.method != methodPost, c.rule.has(dimRoute) && uint64(f.route) != c.rule.vals[dimRoute], !c.rule.has(dimRoute) && f.marks&routeLogin == 0:
			case f.refusedLogin() || f.status == 401:
				no += sign * list[i].weight
			case f.status < 400 && !e.work.shared[list[i].key]:
				e.work.shared[list[i].key] = true
				yes += sign * list[i].weight
			}
		}
	}
	count(e.work.recent, 1)
	count(e.work.base, -1)
	return yes > 0 && yes >= no
}

// lockedOut reports whether next to nobody is let in any more where usually
// people are: whoever checks passwords is out of order, and everybody tries again.
// While stolen passwords are tried people go on signing in.
func (e *Engine) lockedOut(c *cause) bool {
	if !c.rule.has(dimRoute) {
		return false
	}
	w := &e.work
	in := func(f *feature) bool {
		return f.method == methodPost && f.status < 400 && uint64(f.route) == c.rule.vals[dimRoute]
	}
	usual, seen := 0.0, 0
	for i := range w.base {
		if in(w.base[i].f) {
			usual += w.base[i].weight
			seen++
		}
	}
	if seen < 5 {
		return false
	}
	for _, span := range []int64{15, 30, recentSeconds} { // what was before it began says nothing
		weight, all, now := 0.0, 0, 0
		for i := range w.recent {
			if x := &w.recent[i]; x.sample.time >= (e.sec-span)*int64(time.Second) {
				all++
				weight += x.weight
				if in(x.f) {
					now++
				}
			}
		}
		if all == 0 {
			continue
		}
		expected := usual * float64(all) / (weight * w.span / min(w.span, float64(span+1))) // samples of people let in
		if expected >= 8 && float64(now) <= 0.2*expected || expected >= 5 && now == 0 {
			return true
		}
	}
	return false
}

// lockout reports whether nobody could sign in to a service lately: those who
// waited longest try again last.
func (e *Engine) lockout(svc uint8) bool {
	s := &e.services[svc]
	return s.lockedAt != 0 && e.sec-s.lockedAt < stormEbb
}

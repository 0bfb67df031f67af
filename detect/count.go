package detect

import "time"

// sourceOf returns the state of client k, making it when it has none. fresh
// says that the client was never seen before.
func (e *Engine) sourceOf(c *client, sec int64) (s *source, fresh bool) {
	k, h, low := c.key, c.hash, c.low
	i := int(c.at)
	if i < 0 || e.sources.tags[i] != h|1 || e.sources.entries[i].key != k {
		i = e.sources.find(k, h)
	}
	if i >= 0 {
		s = &e.sources.entries[i]
		s.low = low
		return s, false
	}
	i, shed := e.sources.room(h, sec)
	s = &e.sources.entries[i]
	if s.seen > 0 {
		e.forget(s, int32(i))
	}
	if shed {
		e.sources.shed++
	}
	*s = source{}
	s.key, s.low, s.first, s.last, s.minute = k, low, sec, sec, sec/60
	fresh = !e.known.Add(h)
	if e.opt.Facts != nil {
		e.noteFacts(s)
	}
	return s, fresh
}

// countSource notes what the request says about its source.
func (e *Engine) countSource(r *Request, s *source, f *feature, sec int64, late bool) {
	if sec/60 != s.minute {
		if m := s.cur.hits; m > 0 {
			e.services[s.service].peers.Add(float64(m))
		}
		s.roll(sec)
	}
	gap := sec - s.last
	if !late {
		if gap > 0 && s.seen > 0 {
			d := float32(gap) - s.gapMean
			s.gapMean += d / 8
			s.gapDev += (max(d, -d) - s.gapDev) / 8
		}
		s.count(sec)
	}
	s.seen++
	t := &s.cur
	sat16(&t.hits)
	s.service, s.method, s.status = f.service, f.method, f.status
	if r.Peer.IsValid() {
		s.marks |= markProxied
	} else {
		s.marks |= markDirect
	}
	if e.actsOn(r.Origin) {
		s.marks |= markMayAct
	} else {
		s.marks |= markMayNot
	}
	if r.Kind == NoRequest {
		if r.Status == 408 || r.Status == 499 {
			sat16(&t.slow) // the connection said nothing until the server gave up
		} else {
			sat16(&t.garbage)
		}
		sat16(&t.err4)
		return
	}
	s.agent = f.agent
	if f.tool || f.noAgent {
		s.marks |= markTool
	}
	if f.attacks {
		s.marks |= markAttacks
	}
	if f.claims && s.marks&markClaims == 0 {
		s.marks |= markClaims
		if crawlerRange(s.key.addr(s.low)) {
			s.marks |= markVerified
		}
		if e.opt.Claims != nil {
			e.opt.Claims(s.key.addr(s.low))
		}
	}
	s.agents |= bit(f.agentSum * mixA)
	s.routes |= bit(uint64(f.route)*mixB + uint64(f.route)<<58)
	s.paths |= bit(f.exact)
	s.targets |= bit(f.target)
	if f.route == s.top {
		sat16(&s.topHits)
	} else if s.topHits <= 1 {
		s.top, s.topHits = f.route, 1
	} else {
		s.topHits--
	}
	if f.exact == s.topPath {
		sat16(&s.votes)
		sat16(&s.same)
	} else if s.votes <= 1 {
		s.topPath, s.votes, s.same = f.exact, 1, 1
	} else {
		s.votes--
	}
	e.countConduct(s, f, t)
	e.countAbuse(r, s, f, t)
}

// countConduct notes pages, assets and links.
func (e *Engine) countConduct(s *source, f *feature, t *tally) {
	switch {
	case f.marks&routeAsset != 0:
		if f.status < 400 {
			sat16(&t.assets)
		}
	case f.marks&(routeAPI|routeFeed) != 0, f.status == 206: // ranges are a download's
		sat16(&t.machine)
	case f.method == methodGet && (f.status >= 200 && f.status < 300 || f.status == 304):
		sat16(&t.pages)
	}
	if f.redirects() {
		sat16(&s.sent)
	}
	switch f.refer {
	case referNone:
		sat16(&t.noRef)
	case referOwn:
		sat16(&t.self)
		if s.asked(f.refPath) && (f.refPath != uint16(f.exact>>16)|1 || f.method != methodPost && e.services[f.service].assets.or(50, 0) < 0.1) { // what leads to itself leads nowhere
			sat16(&t.nav)
		}
	}
	if p := uint16(f.exact>>16) | 1; f.marks&routeAsset == 0 && p != uint16(s.trail) {
		s.trail = s.trail<<16 | uint64(p)
	}
	if s.marks&markPerson == 0 && s.browses(t) {
		s.marks |= markPerson
	}
}

// asked reports whether page is one of the last four that the source asked for.
func (s *source) asked(page uint16) bool {
	const four = 0x0001000100010001
	x := s.trail ^ uint64(page)*four
	return (x-four)&^x&(four<<15) != 0 // some 16 bits of x are 0
}

// countAbuse notes what people rarely do.
func (e *Engine) countAbuse(r *Request, s *source, f *feature, t *tally) {
	if f.status >= 500 {
		sat16(&t.err5)
	} else if f.status >= 400 {
		sat16(&t.err4)
		if s.marks&(markPerson|markMixed) != 0 && turnsAway(f.status) {
			s.turned++
		}
	}
	if f.query&queryRandom != 0 {
		sat16(&t.random)
	}
	if f.odd() {
		sat16(&t.odd)
	}
	if s.asked401 != 0 && f.status < 400 && s.asked401 == f.place() {
		e.letIn(s, f, t)
	}
	switch f.status {
	case 408, 499:
		sat16(&t.slow)
	case 400, 403, 404, 405, 410:
		if f.refer != referOwn && f.marks&routeLogin == 0 || f.marks&routeProbe != 0 {
			sat16(&t.missing)
			s.lost |= bit(f.exact)
			e.services[f.service].missing.cur++
		}
	}
	if r.Duration >= int64(10*time.Second) && (r.Status == 0 || r.Status >= 400) {
		sat16(&t.slow)
	}
	if f.marks&routeProbe != 0 && (f.status < 200 || f.status >= 300) {
		sat16(&t.probes)
		if f.status < 400 && f.method != methodPost { // a form that was taken sends on as well
			sat16(&t.missing) // sent elsewhere: it is not here either
			s.lost |= bit(f.exact)
		}
	}
	switch {
	case f.method == methodPost && f.marks&routeLogin != 0:
		switch {
		case f.refusedLogin():
			sat16(&t.fails)
			s.failed = true
			e.services[f.service].fails.cur++
			e.services[f.service].failRoute = f.route
			if len(r.User) > 0 {
				e.countAccount(r.User, s)
			}
		case f.status < 400:
			sat16(&t.logins)
		}
	case f.status == 401, f.refusedLogin():
		s.asked401 = f.place()
		sat16(&t.fails)
		s.failed = true
		if len(r.User) > 0 {
			e.countAccount(r.User, s)
		}
		e.services[f.service].fails.cur++
		if f.method == methodPost {
			e.services[f.service].failRoute = f.route
		}
	case f.marks&routeLogin != 0:
		sat16(&t.forms)
	}
}

// odd reports whether a request is of a kind that sites have little use for. What
// is written with PUT, PATCH or DELETE and taken is written as with POST.
func (f *feature) odd() bool {
	switch f.method {
	case methodGet, methodPost:
		return false
	case methodPut, methodPatch, methodDelete:
		return f.status >= 400
	}
	return true
}

// place is 16 bits of what is asked for, never 0.
func (f *feature) place() uint16 { return uint16(f.target>>32) | 1 }

// letIn notes that a source gave the name it was asked for: clients of calendars,
// repositories and registries ask without one first, are told to say who they are
// (401) and ask again. Such an answer was no refusal.
func (e *Engine) letIn(s *source, f *feature, t *tally) {
	s.asked401 = 0
	sat16(&s.let)
	if t.fails > 0 {
		t.fails--
	}
	if t.err4 > 0 {
		t.err4--
	}
	if c := &e.services[f.service].fails.cur; *c > 0 {
		*c--
	}
}

// answered reports whether a source is let in when it is asked who it is, as a
// rule: whoever runs the service knows it by name.
func (s *source) answered() bool {
	t := s.total()
	return s.let >= 3 && int(s.let) >= 4*int(t.fails)
}

// actsOn reports whether auto mode may act on the word of an input.
func (e *Engine) actsOn(origin uint16) bool {
	if e.opt.MayAct == nil {
		return true
	}
	if int(origin) >= len(e.mayAct) {
		return e.opt.MayAct(origin)
	}
	if e.mayAct[origin] == 0 {
		e.mayAct[origin] = -1
		if e.opt.MayAct(origin) {
			e.mayAct[origin] = 1
		}
	}
	return e.mayAct[origin] > 0
}

// denied reports whether something was sent and refused for want of a password
// or a token. Programs whose token has run out get the same answer.
func (f *feature) denied() bool { return f.method == methodPost && f.status == 401 }

// refusedLogin reports whether a request is a login that was refused, or a
// payment: stolen cards are tried as stolen passwords are. wp-login.php and
// xmlrpc.php answer 200 to those.
func (f *feature) refusedLogin() bool {
	if f.method == methodPost && f.status == 402 && f.marks&(routeAPI|routeFeed) == 0 {
		return true
	}
	if f.method != methodPost || f.marks&routeLogin == 0 {
		return false
	}
	switch f.status {
	case 400, 401, 403, 422, 429:
		return true
	}
	return f.status == 200 && f.marks&routeProbe != 0
}

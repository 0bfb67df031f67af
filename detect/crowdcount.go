package detect

import "time"

// add adds the weight of a request to what it is one of.
func (x *weighed) add(to *float64, yes bool) {
	if yes {
		*to += x.weight
	}
}

// seeRequest adds what a request itself says; app says that it comes from an app
// that is usual here.
func (e *Engine) seeRequest(k *crowd, x *weighed, app bool) {
	f := x.f
	k.samples++
	k.weight += x.weight
	if !app && f.status != 206 && f.method != methodHead { // an app owes no assets, wherever it asks, nor does a download
		k.human += x.weight * e.human(f.service, f.route, f.marks)
	}
	x.add(&k.app, app)
	x.add(&k.met, e.work.apps[f.agent] > 0)
	x.add(&k.own, e.app(f))
	if f.route != 0 {
		r := &e.routes[f.route]
		k.randomUsual += x.weight * r.random.or(20, 0)
		k.freshUsual += x.weight * r.fresh.or(20, 0)
		k.oddUsual += x.weight * r.odd.or(20, 0)
	}
	if !app || f.route != 0 && e.routes[f.route].random.n >= 20 { // what an app asks of a new route is not known to be unusual
		x.add(&k.random, f.query&queryRandom != 0)
		x.add(&k.fresh, f.query&queryFresh != 0)
	}
	x.add(&k.tool, f.tool || f.noAgent)
	x.add(&k.rare, f.agent == 0)
	x.add(&k.err4, f.status >= 400 && f.status < 500)
	x.add(&k.err5, f.status >= 500)
	x.add(&k.fails, f.refusedLogin())
	x.add(&k.denied, f.denied() && !e.app(f)) // an app renews tokens, too
	x.add(&k.missing, f.status == 404 || f.status == 403)
	x.add(&k.slow, f.status == 408 || f.status == 499)
	x.add(&k.odd, f.odd())
	x.add(&k.machine, f.marks&(routeAPI|routeFeed) != 0)
	x.add(&k.claims, f.claims)
	x.add(&k.signed, f.signed)
	x.add(&k.parts, f.status == 206)
	x.add(&k.browsers, e.browser(f))
	x.add(&k.previews, f.previews || f.signed)
	x.add(&k.untried, f.status < 400 && e.untried(f.route))
	x.add(&k.none, f.none)
	x.add(&k.post, f.method == methodPost)
	x.add(&k.unlinked, f.refer == referNone)
	x.add(&k.linked, f.refer >= referOthers)
}

// seeSource adds what is known of who made the request.
func (e *Engine) seeSource(k *crowd, x *weighed, since, began int64, app bool) {
	f, s := x.f, x.src
	x.add(&k.known, s.first < since-5)
	x.add(&k.settled, s.first < began-5)
	x.add(&k.old, s.first < since-oldSeconds && e.acquainted(s, f))
	t := s.total()
	x.add(&k.often, x.conduct != conductPerson && int(s.cur.hits)+int(s.prev.hits) > fewRequests)
	x.add(&k.sent, s.sent > 0 && s.seen > uint32(s.sent))
	x.add(&k.denied, f.status == 401 && f.method == methodGet && !e.app(f) && s.topPath == f.exact && s.same >= 5) // a page that asks for a password without a form
	x.add(&k.blind, f.marks&routeAsset != 0 && f.refer == referNone && t.pages == 0 && t.self == 0 && !f.tool && !app)
	if k.fails+k.denied > 0 {
		x.add(&k.busy, int(t.hits)-int(t.fails)-int(t.forms)-int(t.logins) >= 2)
		if (f.refusedLogin() || f.denied()) && x.sample.time < (e.sec-15)*int64(time.Second) {
			k.tried += x.weight
			x.add(&k.redeem, 6*int(t.logins) >= int(t.fails)) // a refused token counts as well
		}
	}
	x.add(&k.let, s.answered())
	x.add(&k.dressed, t.assets > 0)
	x.add(&k.mixed, s.marks&markMixed != 0 || edge(x.key.addr(0)))
	x.add(&k.drum, f.route != 0 && s.top == f.route && (s.topHits >= 10 || t.hits >= 16 && t.assets == 0 && distinct64(s.routes) <= 2))
	x.add(&k.hammer, !app && s.marks&markHammers != 0 && f.route == s.top)
	shared := distinct64(s.agents) >= 3 // the pace of an address with several agents is nobody's
	x.add(&k.churn, !app && shared)
	rate := s.rate(e.sec)
	k.each += x.weight * rate
	if shared {
		e.work.shared[x.key] = true
	} else if rate >= 4*s.formerly() {
		k.grown += x.weight
		k.hasty += x.weight * rate
		k.steady += x.weight * s.steady(e.sec)
	}
	k.repeat += x.weight * (float64(s.cur.hits) + float64(s.prev.hits))
}

// seeConduct adds whether a source behaves like a person, where that can be told.
func (e *Engine) seeConduct(k *crowd, x *weighed) {
	f, s := x.f, x.src
	t := s.total()
	switch {
	case x.conduct == conductYoung && (e.sec-s.first < 4 || e.services[f.service].assets.or(50, 0) < 0.1):
		return
	case x.conduct == conductOther && s.assets() >= 2 && s.marks&markHammers == 0:
		return // a page that asks on at every key looks like neither
	case x.conduct != conductPerson && (s.scripted() || f.redirects() && int(t.hits) < 6*distinct64(s.agents)):
		return // nor does one whose files are all at hand already, or who is sent elsewhere to sign in first
	case x.conduct == conductYoung && t.assets > 0:
		return // a part of a page or of a letter, and of one that has no more
	}
	k.judged += x.weight
	x.add(&k.person, x.conduct == conductPerson)
	x.add(&k.bare, x.conduct == conductBare)
}

package detect

import "time"

// crowd is what the sources behind an excess are like.
type crowd struct {
	samples                 int
	sources                 int
	equal                   float64 // as many sources of equal weight would make it
	weight                  float64
	person                  float64 // shares of the weight
	people                  float64 // the share of people among the excess, without the usual ones
	bare                    float64
	judged                  float64 // of those whose conduct can be told
	known                   float64 // seen before the excess began
	old                     float64 // here for minutes before it, and nothing was ever said against them
	signed                  float64 // of programs that say who runs them
	random                  float64
	fresh                   float64
	tool                    float64
	rare                    float64 // agents of no one else
	err4                    float64
	err5                    float64
	fails                   float64
	denied                  float64 // forms answered 401, wherever they were sent
	missing                 float64
	slow                    float64
	churn                   float64 // sources that change their agent
	repeat                  float64 // requests a source made this minute, mean over samples
	paths                   float64 // distinct paths a sample
	nets                    float64 // sources a prefix
	odd                     float64
	machine                 float64
	busy                    float64 // of sources that ask far more than logins
	human                   float64 // share of people that the routes asked usually see
	claims                  float64
	randomUsual, freshUsual float64 // how usual such queries are on the routes asked
	oddUsual                float64 // and such methods
	dressed                 float64 // of sources that fetched an asset at least
	let                     float64 // of sources that say who they are when asked, and are let in

	post     float64   // POST requests
	unlinked float64   // without a referer
	linked   float64   // with a referer of another site
	blind    float64   // requests of assets from who never asked a page, no referer
	hammer   float64   // of sources that ask one page for ever new things, far more often than its usual clients
	drum     float64   // of sources that ask little but this route, again and again
	app      float64   // of apps and launchers that are usual here
	met      float64   // of apps seen here before, however rarely
	here     float64   // requests/s that one source makes of what the rule takes
	mixed    float64   // from addresses with many people behind them
	none     float64   // unreadable request lines
	grown    float64   // of sources that ask four times as much as they used to, or are new
	hasty    float64   // requests/s that one of those makes
	each     float64   // requests/s that one source makes, mean over samples
	tried    float64   // weight of logins refused a quarter of a minute ago or longer
	redeem   float64   // share of those whose source was let in since
	belongs  *incident // the open attack that most of the sources were already seen in
}

// oldSeconds is how long before an excess a source must have been here to be an
// old acquaintance.
const oldSeconds = 300

// acquainted reports whether a source that came long ago did enough here to be
// known: it is a person's, or it kept coming and nothing was ever said against it.
// Where people browse it must not have leapt: bots may come early and wait.
func (e *Engine) acquainted(s *source, f *feature) bool {
	if s.told != 0 {
		return false
	}
	return s.marks&markPerson != 0 || s.long.hits >= 4 && (e.human(f.service, f.route, f.marks) < 0.4 || s.rate(e.sec) <= 20*s.formerly())
}

// inspect describes the sources whose requests c takes.
func (e *Engine) inspect(c *cause, since int64) (k crowd) {
	w := &e.work
	clear(w.seen)
	clear(w.shared)
	clear(w.count)
	clear(w.usual)
	e.tabulateApps()
	var overlap [maxIncidents]float64
	showsAssets := false
	if len(w.recent) > 0 {
		showsAssets = e.services[w.recent[0].f.service].assets.or(50, 0) >= 0.1
	}
	for i := range w.recent {
		x := &w.recent[i]
		if !c.takes(x) {
			continue
		}
		k.samples++
		k.weight += x.weight
		w.seen[x.key]++
		w.count[x.key.net().hash()] += x.weight
		w.usual[x.f.exact] += x.weight
		f := x.f
		app := e.usualApp(f)
		if !app && f.status != 206 && f.method != methodHead { // an app owes no assets, wherever it asks, nor does a download
			k.human += x.weight * e.human(f.service, f.route, f.marks)
		}
		add := func(to *float64, yes bool) {
			if yes {
				*to += x.weight
			}
		}
		add(&k.app, app)
		add(&k.met, e.work.apps[f.agent] > 0)
		if f.route != 0 {
			r := &e.routes[f.route]
			k.randomUsual += x.weight * r.random.or(20, 0)
			k.freshUsual += x.weight * r.fresh.or(20, 0)
			k.oddUsual += x.weight * r.odd.or(20, 0)
		}
		if !app || f.route != 0 && e.routes[f.route].random.n >= 20 { // what an app asks of a new route is not known to be unusual
			add(&k.random, f.query&queryRandom != 0)
			add(&k.fresh, f.query&queryFresh != 0)
		}
		add(&k.tool, f.tool || f.noAgent)
		add(&k.rare, f.agent == 0)
		add(&k.err4, f.status >= 400 && f.status < 500)
		add(&k.err5, f.status >= 500)
		add(&k.fails, f.refusedLogin())
		add(&k.denied, f.denied() && !e.app(f)) // an app renews tokens, too
		add(&k.missing, f.status == 404 || f.status == 403)
		add(&k.slow, f.status == 408 || f.status == 499)
		add(&k.odd, f.odd())
		add(&k.machine, f.marks&(routeAPI|routeFeed) != 0)
		add(&k.claims, f.claims)
		add(&k.signed, f.signed)
		add(&k.none, f.none)
		add(&k.post, f.method == methodPost)
		add(&k.unlinked, f.refer == referNone)
		add(&k.linked, f.refer >= referOthers)
		if x.src == nil {
			continue
		}
		add(&k.known, x.src.first < since-5)
		add(&k.old, x.src.first < since-oldSeconds && e.acquainted(x.src, f))
		for j, in := range e.incidents {
			add(&overlap[j], x.src.incident == in.number)
		}
		t := x.src.total()
		add(&k.blind, f.marks&routeAsset != 0 && f.refer == referNone && t.pages == 0 && t.self == 0 && !f.tool && !app)
		if k.fails+k.denied > 0 {
			add(&k.busy, int(t.hits)-int(t.fails)-int(t.forms)-int(t.logins) >= 2)
			if (f.refusedLogin() || f.denied()) && x.sample.time < (e.sec-15)*int64(time.Second) {
				k.tried += x.weight
				add(&k.redeem, 6*int(t.logins) >= int(t.fails)) // a refused token counts as well
			}
		}
		add(&k.let, x.src.answered())
		add(&k.dressed, t.assets > 0)
		add(&k.mixed, x.src.marks&markMixed != 0 || edge(x.key.addr(0)))
		add(&k.drum, f.route != 0 && x.src.top == f.route && x.src.topHits >= 10)
		add(&k.hammer, !app && x.src.marks&markHammers != 0 && f.route == x.src.top)
		add(&k.churn, !app && distinct64(x.src.agents) >= 3)
		rate := x.src.rate(e.sec)
		k.each += x.weight * rate
		shared := distinct64(x.src.agents) >= 3 // the pace of an address with several agents is nobody's
		if shared {
			w.shared[x.key] = true
		}
		if !shared && rate >= 4*x.src.formerly() {
			k.grown += x.weight
			k.hasty += x.weight * rate
		}
		k.repeat += x.weight * (float64(x.src.cur.hits) + float64(x.src.prev.hits))
		if x.conduct == conductYoung && (e.sec-x.src.first < 4 || !showsAssets) {
			continue
		}
		if x.conduct == conductOther && x.src.assets() >= 2 && x.src.marks&markHammers == 0 {
			continue // a page that asks on at every key looks like neither
		}
		if x.conduct != conductPerson && (x.src.scripted() || f.redirects() && int(t.hits) < 6*distinct64(x.src.agents)) {
			continue // nor does one whose files are all at hand already, or who is sent elsewhere to sign in first
		}
		if x.conduct == conductYoung && t.assets > 0 && f.refer != referNone {
			continue // a part of a page, and of one that has no more
		}
		k.judged += x.weight
		add(&k.person, x.conduct == conductPerson)
		add(&k.bare, x.conduct == conductBare)
	}
	if k.weight == 0 {
		return k
	}
	k.sources = len(w.seen)
	all, square := 0, 0
	for _, n := range w.seen {
		all += n
		square += n * n
	}
	k.equal = float64(all) * float64(all) / float64(max(1, square))
	pairs := 0 // of requests by one source: unlike means, a thin sample does not bend them
	for key, n := range w.seen {
		if w.shared[key] {
			continue
		}
		pairs += n * (n - 1)
	}
	k.here = float64(pairs) / float64(k.samples) * k.weight / float64(k.samples)
	seen, most := 0.0, 0.0 // members of one attack may have been counted for several
	for j, in := range e.incidents {
		if !in.Attack.Hostile() {
			continue
		}
		if seen += overlap[j]; overlap[j] > most {
			k.belongs, most = in, overlap[j]
		}
	}
	if seen < 0.4*k.weight {
		k.belongs = nil
	}
	k.paths = float64(len(w.usual)) / float64(k.samples)
	k.nets = float64(k.sources) / float64(max(1, len(w.count)))
	if k.grown > 0 {
		k.hasty /= k.grown
	}
	if k.tried > 0 {
		k.redeem /= k.tried
	}
	if k.judged > 0 {
		k.person /= k.judged
		k.bare /= k.judged
		k.people = k.person
		if extra := c.rate - c.usual; extra > 0 {
			k.people = min(1, max(0, (k.person*c.rate-k.human/k.weight*c.usual)/extra))
		}
	}
	for _, p := range []*float64{&k.random, &k.fresh, &k.tool, &k.rare, &k.err4, &k.err5, &k.fails, &k.denied, &k.missing, &k.slow, &k.odd, &k.known, &k.old, &k.signed, &k.none, &k.mixed, &k.churn, &k.each, &k.grown, &k.repeat, &k.machine, &k.busy, &k.human, &k.judged, &k.claims, &k.app, &k.met, &k.post, &k.unlinked, &k.linked, &k.blind, &k.drum, &k.hammer, &k.randomUsual, &k.freshUsual, &k.oddUsual, &k.let, &k.dressed} {
		*p /= k.weight
	}
	return k
}

// tabulateApps sums up which apps' agents are usual in the service looked at.
func (e *Engine) tabulateApps() {
	w := &e.work
	if w.apps == nil {
		w.apps = map[uint16]float64{}
	}
	clear(w.apps)
	all := 0.0
	for i := range w.base {
		x := &w.base[i]
		all += x.weight
		if e.app(x.f) {
			w.apps[x.f.agent] += x.weight
		}
	}
	w.common = 0.02 * all
}

// usualApp reports whether a request comes from an app that makes a fiftieth of
// the usual traffic at least.
func (e *Engine) usualApp(f *feature) bool {
	x := e.work.apps[f.agent]
	return x > 0 && x >= e.work.common
}

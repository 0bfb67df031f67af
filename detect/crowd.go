package detect

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
	settled                 float64 // seen before it began to grow, or a minute ago
	old                     float64 // here for minutes before it, and nothing was ever said against them
	signed                  float64 // of programs that say who runs them
	untried                 float64 // answered, at routes nobody asked before
	often                   float64 // of sources that are no person's and asked more than who looks at a link does
	parts                   float64 // parts of files
	browsers                float64 // of agents that call themselves browsers
	sent                    float64 // of sources that were sent elsewhere and went on
	previews                float64 // of programs that look at links for others, or say who runs them
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
	own      float64   // of apps, known here or not
	here     float64   // requests/s that one source makes of what the rule takes
	mixed    float64   // from addresses with many people behind them
	none     float64   // unreadable request lines
	grown    float64   // of sources that ask four times as much as they used to, or are new
	hasty    float64   // requests/s that one of those makes
	steady   float64   // and in the slower half of the last ten seconds
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

// inspect describes the sources whose requests c takes, looked at since one second,
// of an excess that has been growing since another.
func (e *Engine) inspect(c *cause, since, began int64) (k crowd) {
	w := &e.work
	clear(w.seen)
	clear(w.shared)
	clear(w.count)
	clear(w.usual)
	e.tabulateApps()
	var overlap [maxIncidents]float64
	for i := range w.recent {
		x := &w.recent[i]
		if !c.takes(x) {
			continue
		}
		w.seen[x.key]++
		w.count[x.key.net().hash()] += x.weight
		w.usual[x.f.exact] += x.weight
		app := e.usualApp(x.f)
		e.seeRequest(&k, x, app)
		if x.src == nil {
			continue
		}
		e.seeSource(&k, x, since, began, app)
		e.seeConduct(&k, x)
		for j, in := range e.incidents {
			if x.src.incident == in.number {
				overlap[j] += x.weight
			}
		}
	}
	if k.weight > 0 {
		e.sumUp(&k, c, &overlap)
	}
	return k
}

// sumUp makes shares of what was added up.
func (e *Engine) sumUp(k *crowd, c *cause, overlap *[maxIncidents]float64) {
	w := &e.work
	k.sources = len(w.seen)
	all, square := 0, 0
	pairs := 0 // of requests by one source: unlike means, a thin sample does not bend them
	for key, n := range w.seen {
		all += n
		square += n * n
		if !w.shared[key] {
			pairs += n * (n - 1)
		}
	}
	k.equal = float64(all) * float64(all) / float64(max(1, square))
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
		k.steady /= k.grown
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
	for _, p := range []*float64{&k.random, &k.fresh, &k.tool, &k.rare, &k.err4, &k.err5, &k.fails, &k.denied, &k.missing, &k.slow, &k.odd, &k.known, &k.old, &k.signed, &k.often, &k.sent, &k.browsers, &k.parts, &k.previews, &k.untried, &k.none, &k.mixed, &k.churn, &k.each, &k.grown, &k.repeat, &k.machine, &k.busy, &k.human, &k.judged, &k.claims, &k.app, &k.met, &k.post, &k.unlinked, &k.linked, &k.blind, &k.drum, &k.hammer, &k.randomUsual, &k.freshUsual, &k.oddUsual, &k.let, &k.dressed, &k.own, &k.settled} {
		*p /= k.weight
	}
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

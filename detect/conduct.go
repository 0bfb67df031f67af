package detect

// Conduct of a source: what its requests say about who sits behind it.
const (
	conductYoung  uint8 = iota // too few requests to tell
	conductPerson              // fetches assets, follows links
	conductBare                // asks pages and nothing a browser would ask with them
	conductOther               // neither: programs asking routes made for programs, failing answers
)

// conduct judges a source by what it did in the last quarter of an hour.
func (e *Engine) conduct(s *source) uint8 {
	if s.marks&(markPerson|markMixed) != 0 {
		return conductPerson
	}
	t := s.total()
	return e.conductOf(&t, s)
}

func (e *Engine) conductOf(t *tally, s *source) uint8 {
	switch {
	case e.walksBare(t, s):
		return conductBare
	case s.browses(t),
		t.nav >= 3 && int(t.nav)*4 >= int(t.hits) && distinct64(s.routes) >= 3:
		return conductPerson
	case t.pages >= 3 && int(t.assets)*200 < int(t.pages) && int(t.nav)*10 < int(t.pages) && t.nav < 3:
		return conductBare
	case t.hits < 3:
		return conductYoung
	}
	return conductOther
}

// walksBare reports whether a source has followed links for a dozen pages and never
// loaded a file, on a site where next to nobody who walks does so: a referer is
// easily made up.
func (e *Engine) walksBare(t *tally, s *source) bool {
	return t.assets == 0 && t.pages >= 12 && t.nav > 0 && e.services[s.service].walks.or(100, 1) < 0.02
}

// browses reports whether a source fetches assets as a browser does: several,
// and beside pages. One image asked again and again is no browsing.
func (s *source) browses(t *tally) bool {
	return t.assets >= 2 && int(t.assets)*10 >= int(t.hits) && int(t.pages)+int(t.machine)+int(t.self) > 0 && distinct64(s.paths) >= 3
}

// scripted reports whether the scripts of a page asked on: requests of routes made
// for programs that name a page of the site as the one they come from.
func (s *source) scripted() bool {
	t := s.total()
	return t.pages > 0 && t.machine > 0 && t.self >= t.machine && s.marks&markHammers == 0
}

// mixed reports whether many people share the address: many user agents, many
// different paths, assets and links followed.
func (s *source) mixed(t *tally) bool {
	return distinct64(s.agents) >= 4 && distinct64(s.routes) >= 5 && distinct64(s.paths) >= 12 &&
		int(t.assets)*5 >= int(t.hits) && int(t.self)*6 >= int(t.hits)
}

// hammers reports whether a source has for a minute or two been asking one page
// far more often than the page's usual clients do, for a dozen different things,
// without coming from a page it was shown: bots that fetch a file now and then to
// pass for people. Who reloads a page or keeps a tab open asks the same thing.
func (e *Engine) hammers(s *source) bool {
	if s.topHits < 12 || e.sec-s.first < 30 || s.marks&(markMixed|markClaims) != 0 || distinct64(s.targets) < 12 {
		return false
	}
	r := &e.routes[s.top]
	if s.top == 0 || r.marks&(routeAsset|routeAPI|routeFeed|routeLogin) != 0 || r.repeat.n < 20 || r.first > e.start+60 && e.sec-r.first < 900 {
		return false // what is new may be asked at every key
	}
	t := s.recent()
	asked := float64(t.hits) - float64(t.assets)
	span := float64(min(60+e.sec%60, e.sec-s.first+1))
	return asked >= 16 && asked*120/span >= max(24, 8*float64(r.repeat.mean)) && float64(s.topHits)*2 >= asked && int(t.assets)*2 < int(t.hits) && int(t.nav)-int(t.assets) < 3
}

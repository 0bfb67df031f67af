package detect

// Usual is what an attack's signature takes of usual traffic, beside what it
// does not: the measure of an act on that signature. Usual clients are those
// who behaved as people's browsers do, were here a minute before the excess
// began, and ask no more than they did. Both sides are the same clients', so
// that night, an outage or the end of a sale shows in both.
//
// Two things it can't tell apart from an act: people who leave because the
// attack has made the page slow, and a program's requests, which it does not
// count. A client whose address is blocked shows only where its requests still
// reach the log.
type Usual struct {
	Before     float64 // requests/s of usual clients that the signature takes, in the minute before the excess began
	RestBefore float64 // their other requests/s to the service, likewise; both 0 while too little was seen of that minute

	// Requests since the signature was found; all three begin again when
	// another one is.
	Passed uint64 // the signature takes them and the server answered
	Turned uint64 // it takes them and they were turned away: 403, 429 or 444
	Rest   uint64 // it does not take them and the server answered
}

const (
	usualKnown = 60 // seconds a usual client was here before the excess began
	usualLeast = 20 // seconds of the minute before it that must have been seen
)

// turnsAway reports whether a status is what blocks and limits answer.
func turnsAway(status uint16) bool { return status == 403 || status == 429 || status == 444 }

// sign gives an incident the rule that its signature puts into words, and
// measures what usual clients asked of it before the excess began.
func (e *Engine) sign(in *incident, r rule) {
	in.UsualOf = len(e.work.base)
	if in.shown == r {
		return
	}
	in.shown, in.Usual = r, Usual{}
	var takes, rest float64
	seen := int64(0)
	for t := max(in.began-usualKnown, e.start); t < in.began; t++ {
		s := &e.slots[t%recentSeconds]
		if s.sec != t {
			continue
		}
		seen++
		w := s.weight()
		for i := range s.kept[:s.n] {
			d := &s.kept[i]
			if d.service != in.service || turnsAway(d.status) {
				continue
			}
			j := e.sources.find(d.key, d.key.hash())
			if j < 0 || !e.sources.entries[j].usualAt(t-usualKnown) {
				continue
			}
			if r.matches(&d.feature, d.key) {
				takes += w
			} else {
				rest += w
			}
		}
	}
	if seen >= usualLeast {
		in.Usual.Before, in.Usual.RestBefore = takes/float64(seen), rest/float64(seen)
	}
}

// usualAt reports whether a source is a person's who was here before second t.
func (s *source) usualAt(t int64) bool {
	return s.marks&(markPerson|markMixed) != 0 && s.first < t
}

// countUsual notes a usual client's request in the open attacks on its service.
// It costs one comparison for everybody else's.
func (e *Engine) countUsual(s *source, f *feature) {
	if s.marks&(markPerson|markMixed) == 0 || int(s.cur.hits) > 3*int(s.prev.hits)+60 {
		return
	}
	away := turnsAway(f.status)
	for _, in := range e.incidents {
		if in.service != f.service || in.shown.set == 0 || !s.usualAt(in.began-usualKnown) {
			continue
		}
		r := &in.shown
		if away && r.has(dimStatus) { // the answer it had before is unknown
			bare := *r
			bare.set &^= 1 << dimStatus
			r = &bare
		}
		switch takes := r.matches(f, s.key); {
		case takes && away:
			in.Usual.Turned++
		case takes:
			in.Usual.Passed++
		case !away:
			in.Usual.Rest++
		}
	}
}

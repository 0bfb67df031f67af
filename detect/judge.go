package detect

// blockScore is the score from which a source is recommended for a block;
// showScore the one from which it is listed.
const (
	blockScore = 80
	showScore  = 30
)

// proofs gathers evidence without allocating; text is made of it when
// somebody reads it.
type proofs struct {
	list [20]proof
	n    int
	sum  float64
}

type proof struct {
	signal uint8
	points float32
	a, b   float32
	text   string // a name the sentence needs
}

func (p *proofs) add(signal uint8, points, a, b float64) {
	if p.n < len(p.list) {
		p.list[p.n] = proof{signal, float32(points), float32(a), float32(b), ""}
		p.n++
		p.sum += points
	}
}

func (p *proofs) score() float64 { return min(max(p.sum, 0), 100) }

// tripped reports whether this very request may have decided the matter, so
// that the judgment can't wait for the next step.
func (e *Engine) tripped(s *source, f *feature) bool {
	t := &s.cur
	switch {
	case f.status >= 400 && t.fails > 0 && t.fails&1 == 0,
		f.marks&routeProbe != 0 && t.probes > 0,
		t.missing >= 6 && f.status >= 400 && t.missing&1 == 0,
		s.marks&markAttacks != 0 && f.status >= 400,
		t.garbage >= 8 && t.garbage&3 == 0,
		t.slow >= 8 && t.slow&3 == 0:
		return true
	}
	return false
}

// judgeSource weighs all evidence against one source and says so if the
// verdict is new.
func (e *Engine) judgeSource(s *source) {
	s.due = s.cur.hits + max(4, s.cur.hits/8)
	if s.seen < 4 && s.cur.probes+s.prev.probes < 2 {
		return
	}
	s.marks &^= markBare | markHammers
	if e.hammers(s) {
		s.marks |= markHammers
	}
	if s.marks&(markPerson|markMixed) == 0 && s.pages() >= 3 {
		if t := s.total(); e.conductOf(&t, s) == conductBare {
			s.marks |= markBare
		}
	}
	if s.score == 0 && s.marks&(markEnrolled|markBlock) == 0 && e.harmless(s) {
		return
	}
	var p proofs
	a := e.weigh(s, &p)
	e.conclude(s, a, &p)
}

func (s *source) assets() int { return int(s.cur.assets) + int(s.prev.assets) + int(s.long.assets) }

func (s *source) pages() int { return int(s.cur.pages) + int(s.prev.pages) + int(s.long.pages) }

// harmless is the quick look that most judgments end with: nothing was counted
// that any signal could begin with.
func (e *Engine) harmless(s *source) bool {
	if s.marks&markAttacks != 0 {
		return false
	}
	c, p, l := &s.cur, &s.prev, &s.long
	return c.probes+p.probes+l.probes < 2 && c.fails+p.fails < 5 && c.fails+p.fails+l.fails < 8 && c.missing+p.missing+l.missing < 6 && c.garbage+p.garbage < 8 && c.slow+p.slow < 10 &&
		s.hitsIn(e.sec, 10) < 20
}

// conclude takes a judgment over into the source's state, lists it and tells
// of it when it is news.
func (e *Engine) conclude(s *source, a Attack, p *proofs) {
	if s.marks&markEnrolled != 0 {
		if e.sec-s.told >= 60 {
			e.renew(s, p)
		}
		return
	}
	score := p.score()
	was := float64(s.score)
	s.score = float32(score)
	s.attack = attackCode(a)
	if score >= showScore && s.marks&markListed == 0 {
		e.list(s)
	}
	block := score >= blockScore && a.Hostile() && e.mayBlock(s)
	switch {
	case block && s.marks&markBlock == 0:
		s.marks |= markBlock
		if e.violates(s) {
			e.unlearn(func(b *baseSample) bool { return b.key == s.key })
		}
		e.joinAbuse(s, a)
		e.tell(s, p)
	case block && e.sec-s.told >= 60:
		e.tell(s, p)
	case score >= 50 && was < 50 && s.marks&markBlock == 0:
		e.tell(s, p)
	}
}

// renew repeats the recommendation against a member of an incident while it
// goes on as before, and takes it back once a person uses the address.
func (e *Engine) renew(s *source, p *proofs) {
	t := s.recent()
	if in := e.incidentOf(s.incident); e.conductOf(&t, s) == conductPerson && (in == nil || s.marks&markHammers == 0) {
		s.marks &^= markEnrolled | markBlock
		s.score, s.incident, s.match, s.missed = 0, 0, 0, 0
		e.tell(s, &proofs{})
		return
	}
	still := p.score() >= 50 || e.conductOf(&t, s) == conductBare
	if in := e.incidentOf(s.incident); in != nil && !in.abuse {
		still = s.match != s.matchTold || s.match == 0xffff
	}
	if still {
		e.tell(s, p)
	}
}

// mayBlock asks whoever knows better, now that a verdict is about to fall.
func (e *Engine) mayBlock(s *source) bool {
	if s.marks&markVerified != 0 {
		return false
	}
	a := s.key.addr(s.low)
	if edge(a) || crawlerRange(a) && s.marks&markClaims == 0 || e.opt.Usual != nil && e.opt.Usual(a) {
		return false
	}
	if e.noteFacts(s); s.marks&markVerified != 0 || s.marks&markClaims != 0 && crawlerRange(a) {
		s.marks |= markVerified
		return false
	}
	return !e.carries(s)
}

// carries reports whether a source has been carrying a good part of the usual
// traffic: a CDN, a gateway, the only customer. Blocking it would cut off the
// service; the incident's other measures remain.
func (e *Engine) carries(s *source) bool {
	return e.sec-e.start > 120 && s.first < e.start+60 && e.usualShare(s) >= 0.05 && !e.violates(s)
}

// violates reports whether a source that calls itself a browser goes on over the
// limit, or over a tenth of it where people are seen to browse, for one path: no
// gateway does that, however long it has been there.
func (e *Engine) violates(s *source) bool {
	t := s.recent()
	if !e.pretends(s, &t) || int(s.same)*10 < 8*int(s.cur.hits) {
		return false
	}
	r := s.rate(e.sec)
	return r >= e.opt.SourceRate || r >= e.opt.SourceRate/10 && e.human(s.service, s.top, e.routes[s.top].marks) >= 0.4
}

// usualOfLeast is of how many samples a share of the usual traffic is counted at
// least.
const usualOfLeast = 200

// usualShare is the share of the usual traffic that a source carries.
func (e *Engine) usualShare(s *source) float64 {
	if len(e.base) < usualOfLeast {
		return 0
	}
	n, browsed := 0, false
	for i := range e.base {
		if b := &e.base[i]; b.key == s.key {
			n++
			browsed = browsed || b.conduct == conductPerson || b.marks&routeAsset != 0 || b.refer == referOwn
		}
	}
	if n > 0 && !browsed && e.waited(s) {
		return 0
	}
	return float64(n) / float64(len(e.base))
}

// Who came before an attack for a page now and then, and leaps by so much when it
// begins, came early to wait.
const (
	waitedPace = 20 // requests in 1,000 s
	waitedLeap = 20 // times what it asked before
)

// waited reports whether a member of an attack came early, asked a handful of
// pages and nothing a browser asks with them, and waited: what it asked then was
// no usual traffic, however long ago. Whoever asks at a person's pace now, or comes
// regularly, is none.
func (e *Engine) waited(s *source) bool {
	if s.marks&markEnrolled == 0 || s.marks&(markPerson|markMixed|markClaims) != 0 || s.before == 0 || s.before > waitedPace ||
		e.services[s.service].assets.or(50, 0) < 0.1 || e.human(s.service, s.top, e.routes[s.top].marks) < 0.4 {
		return false
	}
	t := s.total()
	return t.assets == 0 && t.nav == 0 && s.rate(e.sec) >= waitedLeap*float64(s.before)/1000
}

// facts asks what is known of a source beside the traffic.
func (e *Engine) facts(s *source) Facts {
	if e.opt.Facts == nil {
		return Facts{}
	}
	return e.opt.Facts(s.key.addr(s.low))
}

// noteFacts takes over what is known of a source beside the traffic.
func (e *Engine) noteFacts(s *source) {
	f := e.facts(s)
	s.asn = f.ASN
	if len(f.Country) >= 2 {
		s.country = uint16(f.Country[0])<<8 | uint16(f.Country[1])
	}
	switch f.Crawler {
	case CrawlerVerified:
		s.marks |= markVerified
	case CrawlerFalse:
		s.marks |= markFalse
	}
}

func attackCode(a Attack) uint8 {
	for i, b := range Attacks {
		if a == b {
			return uint8(i + 1)
		}
	}
	return 0
}

func attackOf(c uint8) Attack {
	if c == 0 {
		return ""
	}
	return Attacks[c-1]
}

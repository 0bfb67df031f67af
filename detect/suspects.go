package detect

import (
	"time"
)

const maxListed = 65536

// list adds a source to the suspects.
func (e *Engine) list(s *source) {
	if len(e.suspects) >= maxListed {
		return
	}
	s.marks |= markListed
	e.suspects = append(e.suspects, e.index(s))
	if s.detail == 0 {
		e.giveDetail(s)
	}
}

// index is the place of s in the table.
func (e *Engine) index(s *source) int32 {
	return int32(e.sources.find(s.key, s.key.hash()))
}

// trimSuspects forgets those who have been silent or turned harmless.
func (e *Engine) trimSuspects() {
	kept := e.suspects[:0]
	for _, i := range e.suspects {
		s := &e.sources.entries[i]
		if s.marks&markListed == 0 {
			continue
		}
		idle := e.sec - s.last
		if idle > 900 || s.marks&markBlock == 0 && (idle > 120 || s.score < showScore) {
			e.unlist(s)
			continue
		}
		kept = append(kept, i)
	}
	e.suspects = kept
	nets := e.netList[:0]
	for _, k := range e.netList {
		if n := e.netOf(k); n != nil && n.until > e.sec {
			nets = append(nets, k)
		}
	}
	e.netList = nets
}

// unlist takes back what being a suspect brought.
func (e *Engine) unlist(s *source) {
	s.marks &^= markListed | markBlock | markEnrolled
	s.score, s.incident, s.match, s.missed = 0, 0, 0, 0
	e.dropDetail(s)
}

// forget is called when the place of s is taken by another source.
func (e *Engine) forget(s *source, at int32) {
	e.dropDetail(s)
	if s.marks&markListed != 0 {
		for i, j := range e.suspects {
			if j == at {
				e.suspects[i] = e.suspects[len(e.suspects)-1]
				e.suspects = e.suspects[:len(e.suspects)-1]
				break
			}
		}
	}
}

// tell reports a suspect in an event.
func (e *Engine) tell(s *source, p *proofs) {
	s.told, s.matchTold = e.sec, s.match
	v := e.suspect(s)
	if s.first <= e.start+60 || e.sec-s.first >= 600 || distinct64(s.agents) > 1 { // what one program brought minutes ago is not usual, however much it is
		v.UsualShare = e.usualShare(s)
	}
	if p.n > 0 {
		v.Evidence = p.say()
		if s.detail != 0 {
			e.details[s.detail].evidence = v.Evidence
		}
	} else if s.detail != 0 {
		v.Evidence = e.details[s.detail].evidence
	}
	e.events = append(e.events, Event{Time: e.time(), Kind: SuspectSeen, Suspect: &v})
}

// suspect puts a source's state into the form people and actions read.
func (e *Engine) suspect(s *source) Suspect {
	t := s.recent()
	hits := float64(max(t.hits, 1))
	now := s.rate(e.sec)
	v := Suspect{
		Key: s.key.prefix(), Addr: s.key.addr(s.low), Service: e.services[s.service].name,
		Score: float64(s.score), Attack: attackOf(s.attack), Measure: Observe,
		First: time.Unix(s.first, 0).UTC(), Last: time.Unix(s.last, 0).UTC(),
		Rate: now, Delta: now - float64(s.prev.hits)/60, Hits: uint64(s.seen),
		ErrorShare: (float64(t.err4) + float64(t.err5)) / hits,
		Paths:      distinct64(s.routes), Agents: distinct64(s.agents),
		TopPath: e.routeWords.name(s.top), TopMethod: methodNames[s.method], TopStatus: s.status,
		MayAct: s.marks&markMayAct != 0, Proxied: s.marks&markProxied != 0 && s.marks&markDirect == 0,
	}
	if int(s.agent) < len(e.agents.words) {
		v.TopAgent = trim(e.agents.words[s.agent].full, 128)
	}
	if s.marks&markBlock != 0 {
		v.Measure = BlockSource
	}
	if s.marks&markEnrolled != 0 {
		if in := e.incidentOf(s.incident); in != nil {
			v.Incident = in.ID
			v.Traits = in.Traits
		}
	}
	if s.detail != 0 {
		d := &e.details[s.detail]
		v.Evidence = d.evidence
		d.fill(&v)
	}
	if v.Evidence == nil && s.score > 0 {
		v.Evidence = e.reasonsLately(s)
	}
	f := e.facts(s)
	v.ASN, v.ASName, v.Country = f.ASN, f.ASName, f.Country
	v.LongKnown = e.longKnown(s.key)
	return v
}

// reasons weighs a source anew to say why it is a suspect.
func (e *Engine) reasons(s *source) []Evidence {
	var p proofs
	if in := e.incidentOf(s.incident); in != nil && s.marks&markEnrolled != 0 && !in.abuse {
		e.weighMember(in, s, &p)
	} else {
		e.weigh(s, &p)
	}
	return p.say()
}

// spoken is a source's reasons as they were worded lately.
type spoken struct {
	score    float32
	until    int64 // the last second in which they serve
	evidence []Evidence
}

// Wording costs more than all else in a Snapshot: reasons are worded anew when
// the score changes, and every ten seconds.
const (
	wordingServes = 10
	maxSpoken     = 4096
)

// reasonsLately is reasons, at most ten seconds old.
func (e *Engine) reasonsLately(s *source) []Evidence {
	if w, ok := e.spoken[s.key]; ok && w.score == s.score && w.until >= e.sec {
		return w.evidence
	}
	if e.spoken == nil || len(e.spoken) >= maxSpoken {
		e.spoken = make(map[sourceKey]spoken, 64)
	}
	w := spoken{s.score, e.sec + wordingServes, e.reasons(s)}
	e.spoken[s.key] = w
	return w.evidence
}

func trim(s string, n int) string { return s[:min(len(s), n)] }

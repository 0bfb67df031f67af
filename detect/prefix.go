package detect

import (
	"net/netip"
	"time"
)

// prefixView is what is known of the clients of a prefix together: rates are
// summed up, and what it asks is what its busiest client asks. A verdict is the
// prefix's own only.
func (e *Engine) prefixView(p netip.Prefix) SourceView {
	v := SourceView{Suspect: Suspect{Key: p.Masked(), Addr: p.Addr(), Measure: Observe, MayAct: true}}
	var busiest *source
	proxied, mayNot := true, false
	e.inPrefix(p, func(s *source) {
		v.Known = true
		v.Hits += uint64(s.seen)
		v.Rate += float64(s.hitsIn(e.sec, 10)) / 10
		v.Delta -= float64(s.prev.hits) / 60
		if first := time.Unix(s.first, 0).UTC(); v.First.IsZero() || first.Before(v.First) {
			v.First = first
		}
		if last := time.Unix(s.last, 0).UTC(); last.After(v.Last) {
			v.Last = last
		}
		v.LongKnown = v.LongKnown || e.longKnown(s.key)
		proxied = proxied && s.marks&markProxied != 0 && s.marks&markDirect == 0
		mayNot = mayNot || s.marks&markMayAct == 0
		if busiest == nil || s.hitsIn(e.sec, 10) > busiest.hitsIn(e.sec, 10) {
			busiest = s
		}
	})
	if busiest != nil {
		b := e.suspect(busiest)
		v.Addr, v.Service, v.Incident, v.Traits = b.Addr, b.Service, b.Incident, b.Traits
		v.TopPath, v.TopMethod, v.TopAgent, v.TopStatus, v.ErrorShare, v.Paths, v.Agents = b.TopPath, b.TopMethod, b.TopAgent, b.TopStatus, b.ErrorShare, b.Paths, b.Agents
		v.ASN, v.ASName, v.Country = b.ASN, b.ASName, b.Country
		v.Proxied, v.MayAct = proxied, !mayNot
		v.Delta += v.Rate
	}
	k, _ := keyOf(p.Addr())
	if n := e.netOf(k.net()); n != nil && p.Masked() == k.netPrefix() {
		if n.until > e.sec {
			b := e.netSuspect(n)
			v.Score, v.Attack, v.Evidence, v.Measure, v.Incident, v.Traits, v.Service = b.Score, b.Attack, b.Evidence, b.Measure, b.Incident, b.Traits, b.Service
		}
		v.Rate = max(v.Rate, n.rate(e.sec)) // its clients may have left the table
	}
	v.UsualShare, v.UsualClients = e.usualIn(p)
	return v
}

// usualIn is the share of the usual traffic that the clients of a prefix carry,
// and how many of them are usual clients by name: a person's conduct, here for
// four minutes. The samples say what share all carry, whoever they are; what
// those known by name made is counted, and is believed where it is more.
func (e *Engine) usualIn(p netip.Prefix) (share float64, clients int) {
	rate := 0.0
	e.inPrefix(p, func(s *source) {
		if s.marks&(markPerson|markMixed) != 0 && s.marks&(markBlock|markEnrolled|markAttacks) == 0 {
			if f := s.formerly(); f > 0 {
				rate += f
				clients++
			}
		}
	})
	if u := e.usualTotal(); u > 0 {
		share = min(1, rate/u)
	}
	if len(e.base) < usualOfLeast {
		return share, clients
	}
	n := 0
	for i := range e.base {
		if p.Contains(e.base[i].key.addr(0)) {
			n++
		}
	}
	return max(share, float64(n)/float64(len(e.base))), clients
}

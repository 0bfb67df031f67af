package detect

import "time"

// Verdicts on whole prefixes are for those whose clients come once and never
// again, so that naming addresses stops nothing. Where addresses stay they are
// enrolled one by one and their neighbours are left alone.

const (
	rotateLeast = 16  // clients of one prefix that match before it is judged
	netHold     = 120 // seconds a recommendation stands after the last look
)

// countRotation notes one more client of a prefix that matches an incident,
// and judges the prefix each time their number has grown by half.
func (e *Engine) countRotation(in *incident, n *network) {
	if n.incident != in.number {
		n.incident, n.rotated = in.number, 0
	}
	sat16(&n.rotated)
	if n.until > e.sec || n.rotated < rotateLeast || n.rotated&(n.rotated/4|3) != 0 {
		return
	}
	alike, active, hits := e.members(n, in)
	if active < rotateLeast || alike*10 < active*9 || n.persons > 0 || 2*hits > 3*active {
		return
	}
	if n.key.is4() && (active < 64 || e.sec < in.Opened.Unix()+30) {
		return // slow clients that stay look like rotation until they come again
	}
	e.blockNet(in, n, alike, active)
}

// members looks at the clients of a prefix: how many are active, how many of
// them match the incident and nothing else. A person among them settles it.
func (e *Engine) members(n *network, in *incident) (alike, active, hits int) {
	look := func(k sourceKey) {
		i := e.sources.find(k, k.hash())
		if i < 0 {
			return
		}
		s := &e.sources.entries[i]
		if e.sec-s.last > 600 {
			return
		}
		active++
		hits += int(min(s.seen, 1000))
		switch {
		case s.marks&(markPerson|markMixed|markVerified) != 0:
			active += 1000
		case s.incident == in.number && s.missed*4 <= s.match:
			alike++
		}
	}
	if n.key.is4() {
		for b := range uint64(256) {
			look(sourceKey{v4Mark, n.key.lo | b})
		}
		return alike, active, hits
	}
	ids := e.nets.clients(n)
	for i, k := range ids {
		if !contains(ids[:i], k) {
			look(k)
		}
	}
	return alike, active, hits
}

func contains(list []sourceKey, k sourceKey) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// blockNet recommends a block of a whole prefix.
func (e *Engine) blockNet(in *incident, n *network, alike, active int) {
	if edge(n.key.addr(0)) || crawlerRange(n.key.addr(0)) || e.opt.Usual != nil && (e.opt.Usual(n.key.addr(0)) || e.opt.Usual(n.key.addr(1))) || len(e.netList) >= 1024 {
		return
	}
	n.until = e.sec + netHold
	e.netList = append(e.netList, n.key)
	in.Enrolled++
	in.changed = true
	in.Measures = append([]Measure{BlockPrefix}, in.measures(false)...)
	e.addTrait(in, PrefixFlood)
	e.nets.rest[n.at].active, e.nets.rest[n.at].alike = float32(active), float32(alike)
	e.tellNet(n)
}

// renewNet repeats the recommendation while requests go on.
func (e *Engine) renewNet(n *network, s *source) {
	if s.marks&(markPerson|markMixed|markVerified) != 0 {
		n.until = 0 // a person lives here after all
		e.dropNet(n.key)
		return
	}
	n.until = e.sec + netHold
	if e.sec-e.nets.rest[n.at].told >= 60 {
		e.tellNet(n)
	}
}

func (e *Engine) dropNet(k sourceKey) {
	for i, x := range e.netList {
		if x == k {
			e.netList = append(e.netList[:i], e.netList[i+1:]...)
			return
		}
	}
}

func (e *Engine) tellNet(n *network) {
	e.nets.rest[n.at].told = e.sec
	v := e.netSuspect(n)
	v.UsualShare, v.UsualClients = e.usualIn(v.Key)
	e.events = append(e.events, Event{Time: e.time(), Kind: SuspectSeen, Suspect: &v})
}

// netSuspect puts a prefix into the form people read.
func (e *Engine) netSuspect(n *network) Suspect {
	rest := &e.nets.rest[n.at]
	var p proofs
	p.add(sigPrefix, 45, float64(rest.active), float64(rest.alike/max(rest.active, 1)))
	if in := e.incidentOf(n.incident); in != nil {
		p.add(sigMatch, 45, in.Excess, in.Collateral)
	}
	v := Suspect{Key: n.key.netPrefix(), Addr: n.key.addr(0), Score: max(p.score(), blockScore), Attack: PrefixFlood, Evidence: p.say(), Measure: BlockPrefix,
		Last: time.Unix(n.last, 0).UTC(), Hits: uint64(n.cur) + uint64(n.prev), MayAct: true}
	v.First = time.Unix(rest.first, 0).UTC()
	v.Rate = n.rate(e.sec)
	v.Delta = v.Rate - float64(n.prev)/60
	if in := e.incidentOf(n.incident); in != nil {
		v.Incident, v.Service, v.Traits = in.ID, in.Service, in.Traits
		v.TopPath, v.TopMethod = in.Signature.Path, in.Signature.Method
	}
	last := rest.ids[(n.n+31)&31]
	if i := e.sources.find(last, last.hash()); i >= 0 && n.n > 0 {
		s := &e.sources.entries[i]
		v.Addr = s.key.addr(s.low)
		v.MayAct = s.marks&markMayAct != 0
		v.Proxied = s.marks&markProxied != 0 && s.marks&markDirect == 0
		v.TopStatus = s.status
		v.TopAgent = trim(e.agents.words[s.agent].full, 128)
	}
	return v
}

package detect

import (
	"fmt"
	"time"

	"levee/detect/sketch"
)

// incident is an open incident with what it takes to match and enrol.
type incident struct {
	Incident
	number   uint16
	service  uint8
	cause    cause   // what opened it
	arms     []cause // other excesses of the same sources
	usual    float64 // requests/s of usual traffic under cause and arms
	top      uint16  // the route its first source asked most
	abuse    bool    // made of single sources' verdicts, without a signature of its own
	need     uint16
	since    int64 // second its excess began
	cur      uint32
	ten      float64
	quiet    int64
	down     int64 // seconds below a fifth of the peak
	pulses   int
	errs     float64
	matched  float64
	distinct sketch.Distinct
	crowd    crowd
	told     int64
	changed  bool
	last     int64
}

const maxIncidents = 24

// quietClose is how many seconds without excess close an incident; one that
// pulses is kept longer.
const quietClose = 90

// openIncident opens an incident and tells of it.
func (e *Engine) openIncident(svc uint8, a Attack, c cause, k crowd, since int64) *incident {
	if len(e.incidents) >= maxIncidents {
		return nil
	}
	e.counter++
	now := e.time()
	in := &incident{number: uint16(e.counter), service: svc, cause: c, usual: c.usual, since: since, crowd: k, last: e.sec, told: e.sec}
	name := e.services[svc].name
	in.Incident = Incident{
		ID: fmt.Sprintf("%s-%s-%d", name, now.Format("20060102T150405Z"), e.counter), Service: name, Attack: a,
		Opened: now, Changed: now, Rate: c.rate, Baseline: c.usual, Peak: c.rate, Excess: c.covered, Collateral: c.collateral, Sources: k.sources,
	}
	in.ten = c.rate
	e.incidents = append(e.incidents, in)
	return in
}

func (e *Engine) time() time.Time { return time.Unix(0, max(e.clock.now, 0)).UTC() }

// matchIncidents notes a request in the incident whose signature it matches;
// attacks come before crowds, since a crowd's signature is wide.
func (e *Engine) matchIncidents(s *source, n *network, f *feature) {
	if s.marks&markEnrolled != 0 {
		if in := e.incidentOf(s.incident); in != nil {
			if in.abuse || in.takes(f, s) {
				e.countIncident(in, s, f)
			}
			return
		}
	}
	var crowd *incident
	for _, in := range e.incidents {
		switch {
		case in.abuse || in.service != f.service:
		case !in.takes(f, s):
			if s.incident == in.number {
				sat16(&s.missed)
			}
		case !in.Attack.Hostile():
			crowd = in
		default:
			e.countIncident(in, s, f)
			if s.incident != in.number {
				s.incident, s.match, s.missed = in.number, 0, 0
			}
			sat16(&s.match)
			if s.match == 1 {
				e.countRotation(in, n)
			}
			if s.match >= in.need {
				e.enrol(in, s)
			}
			return
		}
	}
	if crowd != nil {
		e.countIncident(crowd, s, f)
	}
}

func (e *Engine) countIncident(in *incident, s *source, f *feature) {
	in.cur++
	in.matched++
	in.last = e.sec
	if f.status >= 400 {
		in.errs++
	}
	in.distinct.Add(s.key.hash())
}

// updateIncidents closes a second for every incident.
func (e *Engine) updateIncidents(sec int64) {
	kept := e.incidents[:0]
	for _, in := range e.incidents {
		in.ten += (float64(in.cur) - in.ten) / 5
		x := float64(in.cur)
		in.cur = 0
		in.Rate = in.ten
		if in.Attack.Hostile() && !in.abuse {
			in.recommend(sec)
		}
		in.Peak = max(in.Peak, in.ten)
		if in.matched > 0 {
			in.ErrorShare = in.errs / in.matched
		}
		in.Sources = max(in.Sources, in.distinct.Count())
		active := x > max(0.1*in.Peak, 1.5*in.usual+1)
		if in.abuse {
			active = x > 0
		}
		if !active {
			in.quiet++
		} else {
			if in.quiet >= 8 && in.Peak > 2 {
				in.pulses++
				if in.pulses >= 2 {
					e.nowPulses(in)
				}
			}
			in.quiet = 0
		}
		limit := int64(quietClose)
		if in.pulses > 0 {
			limit = 300
		}
		if in.quiet >= limit {
			e.closeIncident(in)
			continue
		}
		kept = append(kept, in)
		if in.changed && sec-in.told >= 1 || sec-in.told >= 60 {
			in.changed = false
			in.told = sec
			in.Changed = e.time()
			e.tellIncident(IncidentChange, in)
		}
	}
	clear(e.incidents[len(kept):])
	e.incidents = kept
}

// recommend says what helps: blocks where sources can be named, the signature
// where each address comes once.
func (in *incident) recommend(sec int64) {
	named := in.Enrolled > 0 && (sec-in.Opened.Unix() < 15 || in.Enrolled*20 > in.Sources)
	if named != (len(in.Measures) == 3) {
		in.Measures = []Measure{Throttle, Harden}
		if named {
			in.Measures = []Measure{BlockSources, Throttle, Harden}
		}
		in.changed = true
	}
}

// nowPulses renames a flood that comes in pulses; a name that stands before it
// in the order stays.
func (e *Engine) nowPulses(in *incident) {
	switch in.Attack {
	case CacheBusting, Scraping, SingleSourceFlood, DistributedFlood:
		was := in.Attack
		in.Attack = PulseFlood
		e.addTrait(in, was)
	default:
		if in.Attack.Hostile() {
			e.addTrait(in, PulseFlood)
		}
	}
}

func (e *Engine) addTrait(in *incident, a Attack) {
	if in.Attack == a {
		return
	}
	for _, t := range in.Traits {
		if t == a {
			return
		}
	}
	in.Traits = append(append([]Attack(nil), in.Traits...), a)
	in.changed = true
}

func (e *Engine) closeIncident(in *incident) {
	in.Closed = e.time()
	in.Changed = in.Closed
	in.Rate = in.ten
	e.tellIncident(IncidentClose, in)
	e.closed = append([]Incident{in.Incident}, e.closed...)
	if len(e.closed) > 100 {
		e.closed = e.closed[:100]
	}
}

func (e *Engine) tellIncident(kind EventKind, in *incident) {
	in.Evidence = e.incidentEvidence(in)
	c := in.Incident
	e.events = append(e.events, Event{Time: e.time(), Kind: kind, Incident: &c})
}

// takes reports whether a request of s matches the incident.
func (in *incident) takes(f *feature, s *source) bool {
	if in.cause.rule.matches(f, s.key) && (!in.cause.bare || s.marks&markBare != 0) {
		return true
	}
	for i := range in.arms {
		if c := &in.arms[i]; c.rule.matches(f, s.key) && (!c.bare || s.marks&markBare != 0) {
			return true
		}
	}
	return false
}

// incidentOf returns the open incident with number n, or nil.
func (e *Engine) incidentOf(n uint16) *incident {
	for _, in := range e.incidents {
		if in.number == n {
			return in
		}
	}
	return nil
}

// explained reports whether a request is accounted for by a verdict that
// already fell, so that a new excess is not made of it.
func (e *Engine) explained(f *feature, s *source) bool {
	if s.marks&(markBlock|markEnrolled) != 0 {
		return true
	}
	for _, in := range e.incidents {
		if !in.abuse && in.Attack.Hostile() && in.service == f.service && in.takes(f, s) {
			return true
		}
	}
	return false
}

// frozen reports whether a service must not learn now.
func (e *Engine) frozen(svc uint8) bool {
	for _, in := range e.incidents {
		if in.service == svc && in.Attack.Hostile() && in.quiet < 20 {
			return true
		}
	}
	return false
}

func (e *Engine) frozenRoute(id uint16) bool {
	for _, in := range e.incidents {
		if !in.Attack.Hostile() || in.quiet >= 20 || e.routes[id].service != in.service {
			continue
		}
		if !in.cause.rule.has(dimRoute) || in.cause.rule.vals[dimRoute] == uint64(id) {
			return true
		}
		for i := range in.arms {
			if r := &in.arms[i].rule; !r.has(dimRoute) || r.vals[dimRoute] == uint64(id) {
				return true
			}
		}
	}
	return false
}

func (e *Engine) hostileOpen() bool {
	for _, in := range e.incidents {
		if in.Attack.Hostile() {
			return true
		}
	}
	return false
}

// joinAbuse enrols a source that was judged by itself in the incident of its
// kind, opening one for the first.
func (e *Engine) joinAbuse(s *source, a Attack) {
	var in *incident
	for _, o := range e.incidents {
		if o.service == s.service && o.Attack == a && (o.abuse || a != SingleSourceFlood) {
			in = o
			break
		}
	}
	if in == nil {
		rate := s.rate(e.sec)
		in = e.openIncident(s.service, a, cause{rate: rate, covered: 1}, crowd{sources: 1}, s.first)
		if in == nil {
			return
		}
		in.abuse, in.top = true, s.top
		r := rule{}
		if int(s.topHits)*10 >= 8*int(s.cur.hits) && s.top != 0 {
			r = r.with(dimRoute, uint64(s.top))
		}
		in.Signature = e.signature(&r, nil)
		if a == SingleSourceFlood || a == CacheBusting {
			in.Signature.Prefix = s.key.prefix().String()
		}
		if a == Scan {
			in.Signature = Signature{Status: "404"}
		} else if s.agent != 0 {
			in.Signature.UserAgent = e.agents.name(s.agent)
		}
		in.Measures = []Measure{BlockSources}
		in.Enrolled = 1
		e.tellIncident(IncidentOpen, in)
	} else {
		in.Enrolled++
		in.changed = true
	}
	s.incident = in.number
	s.marks |= markEnrolled
}

package detect

import (
	"fmt"
	"slices"
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
	shown    rule    // what Signature puts into words
	usual    float64 // requests/s of usual traffic under cause and arms
	top      uint16  // the route its first source asked most
	abuse    bool    // made of single sources' verdicts, without a signature of its own
	need     uint16
	apps     bystanders // agents of usual apps that have no part in it
	pace     float64    // requests/s a source must make to be enrolled, 0: any
	since    int64      // second its excess began
	began    int64      // the same of its first pulse
	cur      uint32
	away     uint32 // of cur, turned away
	ten      float64
	quiet    int64
	pulses   int
	errs     float64
	matched  float64
	refused  float64 // of matched, refused logins
	entered  float64 // and accepted ones
	distinct sketch.Distinct
	homes    sketch.Distinct // prefixes of those enrolled
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
	in := &incident{number: uint16(e.counter), service: svc, cause: c, usual: c.usual, since: since, began: since, crowd: k, last: e.sec, told: e.sec}
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

// updateIncidents closes a second for every incident.
func (e *Engine) updateIncidents(sec int64) {
	kept := e.incidents[:0]
	for _, in := range e.incidents {
		in.ten += (float64(in.cur) - in.ten) / 5
		in.Refused += (float64(in.away) - in.Refused) / 5
		x := float64(in.cur)
		in.cur, in.away = 0, 0
		in.Rate = in.ten
		if in.Attack.Hostile() && !in.abuse {
			in.recommend(sec)
			e.nowLogins(in)
		}
		in.Peak = max(in.Peak, in.ten)
		if in.matched > 0 {
			in.ErrorShare = in.errs / in.matched
		}
		in.Sources = max(in.Sources, in.distinct.Count(), in.Enrolled)
		active := x > max(0.1*in.Peak, 1.5*in.usual+1)
		switch {
		case in.abuse:
			active = x > 0
		case !in.Attack.Hostile():
			active = active && x > max(0.2*in.Peak, 2*in.usual+2) // a crowd that has ebbed is over
		}
		if !active {
			in.quiet++
		} else {
			if in.quiet >= 8 && in.Peak > 2 && (in.abuse || x > max(0.3*in.Peak, 3*in.usual+2)) {
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
		if in.changed && sec-in.told >= 5 || sec-in.told >= 60 {
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
	if len(in.Measures) > 0 && named == (in.Measures[0] == BlockSources) && in.throttles() == slices.Contains(in.Measures, Throttle) {
		return
	}
	m := in.measures(named)
	if !named && len(in.Measures) > 0 && in.Measures[0] == BlockPrefix {
		m = append([]Measure{BlockPrefix}, m...)
	}
	in.Measures = m
	in.changed = true
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

// nowLogins renames a flood that turns out to try secrets: bots that load the form
// first look like any flood of its page for their first seconds.
func (e *Engine) nowLogins(in *incident) {
	if in.refused < 30 || in.refused < 0.3*in.matched || in.entered*5 > in.refused || e.lockout(in.service) {
		return
	}
	switch in.Attack {
	case Scan, PrefixFlood, PulseFlood, CacheBusting, Scraping, SingleSourceFlood, DistributedFlood:
		was := in.Attack
		in.Attack = LoginAbuse
		in.crowd.fails = max(in.crowd.fails, 0.6)
		in.need = 3
		e.addTrait(in, was)
	}
}

// nowConcentrated renames a flood whose members turn out to live close together:
// five or more to a /24 or /48, as no ordinary clients do. A name that stands
// before it in the order stays.
func (e *Engine) nowConcentrated(in *incident) {
	if in.Enrolled < 40 || in.abuse || in.Enrolled < 5*in.homes.Count() {
		return
	}
	switch in.Attack {
	case PulseFlood, CacheBusting, Scraping, SingleSourceFlood, DistributedFlood:
		was := in.Attack
		in.Attack = PrefixFlood
		e.addTrait(in, was)
	case PrefixFlood:
	default:
		e.addTrait(in, PrefixFlood)
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
	if in.Attack == FlashCrowd {
		s := &e.services[in.service]
		s.crowdEnded, s.crowdPeak = e.sec, in.Peak
	}
	e.rest(in)
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

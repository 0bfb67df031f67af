package detect

import "time"

// What returns within restSeconds is the same attack: floods pause so that a
// detector forgets them.
const (
	restSeconds = 900
	maxResting  = 16
)

// rest remembers an attack's incident that closed.
func (e *Engine) rest(in *incident) {
	if in.abuse || !in.Attack.Hostile() {
		return
	}
	if len(e.resting) == maxResting {
		e.resting = append(e.resting[:0], e.resting[1:]...)
	}
	e.resting = append(e.resting, in)
}

// reopen opens the incident again whose attack a finding is, and counts a
// pulse. It returns nil when the finding is none that was met lately.
func (e *Engine) reopen(svc uint8, f *finding) *incident {
	if !f.attack.Hostile() || len(e.incidents) >= maxIncidents {
		return nil
	}
	for i := len(e.resting) - 1; i >= 0; i-- {
		in := e.resting[i]
		if in.service != svc || e.sec-in.Closed.Unix() > restSeconds || !in.resembles(f) {
			continue
		}
		e.awake(i)
		in.cause, in.usual, in.crowd, in.arms, in.ten = f.cause, f.cause.usual, f.crowd, nil, f.cause.rate
		in.Excess, in.Collateral, in.Baseline = f.cause.covered, f.cause.collateral, f.cause.usual
		return in
	}
	return nil
}

// awake opens resting incident i again under its own name and counts a pulse.
func (e *Engine) awake(i int) {
	in := e.resting[i]
	e.resting = append(e.resting[:i], e.resting[i+1:]...)
	for j := range e.closed {
		if e.closed[j].ID == in.ID {
			e.closed = append(e.closed[:j:j], e.closed[j+1:]...)
			break
		}
	}
	in.Closed, in.Changed = time.Time{}, e.time()
	in.since, in.quiet, in.cur, in.told, in.last = e.sec, 0, 0, e.sec, e.sec
	if in.pulses++; in.pulses >= 2 {
		e.nowPulses(in)
	}
	e.incidents = append(e.incidents, in)
}

// stir notes a request of a source that was enrolled in an incident by now
// closed. Members that come back together make no excess, since what they do
// is explained: they open their incident again themselves.
func (e *Engine) stir(s *source) {
	for i, in := range e.resting {
		if in.number != s.incident || e.sec-in.Closed.Unix() > restSeconds {
			continue
		}
		if in.last != e.sec {
			in.last, in.cur = e.sec, 0
		}
		if in.cur++; float64(in.cur) >= max(8, 0.2*in.Peak) && len(e.incidents) < maxIncidents {
			in.ten = float64(in.cur)
			e.awake(i)
			e.tellIncident(IncidentOpen, in)
		}
		return
	}
}

// resembles reports whether a finding is the incident's attack once more: the
// same signature, or the same kind on the same route.
func (in *incident) resembles(f *finding) bool {
	a, b := &in.cause.rule, &f.cause.rule
	if *a == *b && in.cause.bare == f.cause.bare {
		return true
	}
	kind := in.Attack
	if kind == PulseFlood && len(in.Traits) > 0 {
		kind = in.Traits[len(in.Traits)-1]
	}
	return kind == f.attack && a.has(dimRoute) && b.has(dimRoute) && a.vals[dimRoute] == b.vals[dimRoute]
}

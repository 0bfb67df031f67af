package actions

import (
	"time"

	"levee/detect"
)

const (
	// rollBackWithin is how long after an act it may be blamed.
	rollBackWithin = 5 * time.Minute
	// rollBackAfter is how long usual traffic must be down: a second's dip is
	// noise.
	rollBackAfter = 10 * time.Second
	// rollBackBelow is the share of its usual rate, beside what services that
	// were left alone still have, below which a service has lost usual traffic.
	rollBackBelow = 0.7
	// restAfter is how long a service is left alone after a roll-back.
	restAfter = 10 * time.Minute
)

// cover is what auto mode did to one service lately.
type cover struct {
	acts    []*stood // oldest first, of the last rollBackWithin
	fellAt  time.Time
	restsTo time.Time
	fell    bool
}

func (a *Autopilot) cover(st *stood) {
	if !st.auto || st.service == "" {
		return
	}
	c := a.covered[st.service]
	if c == nil {
		c = &cover{}
		a.covered[st.service] = c
	}
	c.acts = append(c.acts, st)
}

// Watch hears the traffic of every service, about once a second of event time.
// A service on which it acted and which falls clearly below its usual rate,
// while services it left alone keep theirs, has lost usual clients: what was
// done to it in the last five minutes is taken back, and it is left alone for
// ten.
func (a *Autopilot) Watch(now time.Time, services []detect.Service) {
	a.mu.Lock()
	defer a.mu.Unlock()
	others, n := 0.0, 0
	for i := range services {
		s := &services[i]
		if s.Baseline > 0 && !a.acted(now, s.Name) {
			others += min(1, s.Rate/s.Baseline)
			n++
		}
	}
	if n == 0 {
		return // nothing to compare with: a dip may be the night's, or the attack's own end
	}
	level := others / float64(n)
	for i := range services {
		s := &services[i]
		c := a.covered[s.Name]
		if c == nil {
			continue
		}
		// Without usual traffic worth the name nothing can be read from a dip.
		if s.Baseline < 1 || len(c.acts) == 0 || s.Rate/s.Baseline >= rollBackBelow*level {
			c.fellAt = time.Time{}
			continue
		}
		if c.fellAt.IsZero() {
			c.fellAt = now
		}
		c.fell = now.Sub(c.fellAt) >= rollBackAfter
	}
}

// acted says whether anything was done to service within rollBackWithin, and
// forgets what is older.
func (a *Autopilot) acted(now time.Time, service string) bool {
	c := a.covered[service]
	if c == nil {
		return false
	}
	n := 0
	for n < len(c.acts) && now.Sub(c.acts[n].began) > rollBackWithin {
		n++
	}
	if c.acts = c.acts[n:]; len(c.acts) == 0 && now.After(c.restsTo) {
		delete(a.covered, service)
	}
	return len(c.acts) > 0
}

// resting says whether service is left alone after a roll-back.
func (a *Autopilot) resting(service string) bool {
	c := a.covered[service]
	return c != nil && a.now.Before(c.restsTo)
}

// rollBack takes back what cost usual traffic.
func (a *Autopilot) rollBack(out *gathered) {
	for _, service := range sortedKeys(a.covered) {
		c := a.covered[service]
		if !c.fell {
			continue
		}
		for _, st := range c.acts {
			if now, ok := a.standing.Get(st.target.Prefix); !ok || now.id != st.id {
				continue
			}
			seen := detect.Suspect{Service: service, MayAct: true}
			out.add(gatherKey{verb: Unblock, service: service}, st.target, &seen,
				"usual traffic of "+service+" fell after it, and that of others did not", nil)
		}
		*c = cover{restsTo: a.now.Add(restAfter)}
		a.refused.note(a.now, "roll_back", "usual traffic of "+service+" fell after auto mode's acts: taken back, resting until "+
			c.restsTo.UTC().Format("15:04:05")+" UTC")
	}
}

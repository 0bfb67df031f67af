package actions

import (
	"fmt"
	"slices"
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
	fresh   []*stood // of them, those not looked into for usual clients
	dear    []*stood // of them, those with usual clients
	fellAt  time.Time
	restsTo time.Time
	fell    bool
	why     string // it fell, with both numbers
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
	c.acts, c.fresh = append(c.acts, st), append(c.fresh, st)
}

// Clientele knows the usual clients that blocks cover; a detect.Engine does,
// behind the lock that it needs.
type Clientele interface {
	// Covered returns for each block the usual clients in it, nil where there
	// are none.
	Covered(blocks []detect.Cover) []*detect.Clients
	// Heard returns what came of each of them up to now.
	Heard(list []*detect.Clients) []detect.Heard
}

// Watch looks, about once a second of event time, at what auto mode's acts cost
// usual traffic. clients may be nil: blocks are then compared with other
// services only.
//
// An act on a signature is measured within its service, by the requests of
// usual clients that the signature takes beside those that it does not (see
// detect.Usual), and so is a block, by the usual clients in it beside all
// others (see detect.Clients). When fewer than half of those expected get
// through, while the others do, the act is taken back, and its target is left
// alone for ten minutes.
//
// Whom a block covers and nobody knows can't be missed by name. But a service
// whose addresses were blocked and which falls clearly below its usual rate,
// while services that were left alone keep theirs, has lost usual clients: what
// was blocked on it in the last five minutes is taken back, and it is left
// alone for ten.
func (a *Autopilot) Watch(now time.Time, seen *detect.Snapshot, clients Clientele) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held != "" {
		a.takeBack = nil // it can't be, and is found again
		for _, c := range a.covered {
			c.fell, c.fellAt = false, time.Time{}
		}
		return
	}
	a.watchSigned(now, seen.Incidents)
	if clients != nil {
		a.watchBlocks(now, seen, clients)
	}
	a.watchRests(now, seen.Incidents, clients)
	a.watchServices(now, seen.Services)
}

func (a *Autopilot) watchServices(now time.Time, services []detect.Service) {
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
		if now.Sub(c.fellAt) < rollBackAfter {
			continue
		}
		c.acts = slices.DeleteFunc(c.acts, func(st *stood) bool { return !a.inForce(st) })
		if c.fell = len(c.acts) > 0; c.fell {
			c.why = fmt.Sprintf("traffic of %s fell to %.0f%% of its usual rate after it, that of services left alone is at %.0f%%",
				s.Name, 100*s.Rate/s.Baseline, 100*level)
		}
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
			if !a.inForce(st) {
				continue
			}
			seen := detect.Suspect{Service: service, MayAct: true}
			r := out.add(gatherKey{verb: Unblock, service: service}, st.target, &seen, "roll-back of block: "+c.why, nil)
			r.Only = append(r.Only, st.id)
		}
		// What could not be taken back stands, and is asked for again.
		*c = cover{acts: c.acts, restsTo: a.now.Add(restAfter), why: c.why}
	}
}

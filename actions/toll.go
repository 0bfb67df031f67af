package actions

import (
	"fmt"
	"math"
	"time"

	"levee/detect"
)

const (
	// tollLeast is how many requests of usual clients must have been expected,
	// of what an act covers and of what it does not, before a fall is believed.
	// Of 20 expected ones fewer than half come by chance once in 200 times; the
	// fall must stand for rollBackAfter besides.
	tollLeast = 20
	// tollBelow is the share of what was expected below which usual traffic has
	// fallen.
	tollBelow = 0.5
)

// toll is what an act has cost usual traffic since from.
type toll struct {
	incident string
	from     time.Time
	mark     detect.Usual    // as it stood then
	clients  *detect.Clients // of a block: the usual clients in it
	heard    detect.Heard    // what had come of them then
	fellAt   time.Time
}

// reading is what a toll says.
type reading struct {
	covered  float64 // share that is left of what the act covers, beside what is left of the rest
	others   float64 // share that is left of what it does not cover
	expected float64 // requests of what it covers
	passed   uint64  // of them, answered
	turned   uint64  // of them, turned away
}

// read compares what came of usual clients since the toll began with what they
// made before the attack: the share that is left of what the act covers, over
// the share that is left of what it does not. ok is false while there was too
// little to tell, and when the rest fell too: then it is an outage, or the
// night. h is what came of the clients of a block.
func (t *toll) read(now time.Time, u detect.Usual, h detect.Heard) (r reading, ok bool) {
	if t.stale(u, h) {
		return r, false
	}
	span := now.Sub(t.from).Seconds()
	r.passed, r.turned = u.Passed-t.mark.Passed, u.Turned-t.mark.Turned
	others, before, restBefore := float64(u.Rest-t.mark.Rest), u.Before, u.RestBefore
	if t.clients != nil {
		others += float64(r.passed)
		r.passed, r.turned = h.Passed-t.heard.Passed, h.Turned-t.heard.Turned
		others = max(0, others-float64(r.passed))
		before, restBefore = t.clients.Usual, u.Before+u.RestBefore-t.clients.Usual
	}
	if before*span < tollLeast || restBefore*span < tollLeast {
		return r, false
	}
	r.others = others / (restBefore * span)
	r.expected = before * span * min(1, r.others)
	if r.others < tollBelow || r.expected < tollLeast {
		return r, false
	}
	r.covered = float64(r.passed) / r.expected
	return r, true
}

// stale reports whether what is counted is no longer what was counted when the
// toll began: the signature is another one, or a client's state was lost.
func (t *toll) stale(u detect.Usual, h detect.Heard) bool {
	return t.mark.Before != u.Before || t.mark.RestBefore != u.RestBefore || u.Passed < t.mark.Passed || u.Rest < t.mark.Rest ||
		t.heard.Held != h.Held || t.clients != nil && h.Held < t.clients.Known
}

// fell notes a reading and reports whether usual traffic has been down for long
// enough to be believed.
func (t *toll) fell(now time.Time, r reading, ok bool) bool {
	switch {
	case !ok || r.covered >= tollBelow:
		t.fellAt = time.Time{}
	case t.fellAt.IsZero():
		t.fellAt = now
	}
	return !t.fellAt.IsZero() && now.Sub(t.fellAt) >= rollBackAfter
}

// words is why an act is taken back, with both numbers.
func (t *toll) words(now time.Time, r reading) string {
	who := ""
	if t.clients != nil {
		who = fmt.Sprintf(" of %d usual clients", t.clients.Known)
		if t.clients.Known == 1 {
			who = " of a usual client"
		}
	}
	return fmt.Sprintf("usual traffic that it covered fell to %.0f%% (%d requests%s of %.0f expected in %s, %d turned away), what it did not cover is at %.0f%%",
		100*r.covered, r.passed, who, math.Round(r.expected), now.Sub(t.from).Round(time.Second), r.turned, 100*r.others)
}

// watchSigned looks at what the throttles and hardens in force cost usual
// traffic, each in its own service, and notes those that must be taken back.
func (a *Autopilot) watchSigned(now time.Time, incidents []detect.Incident) {
	for _, key := range sortedKeys(a.signed) {
		st := a.signed[key]
		if !st.auto || st.target.Signature == nil {
			continue
		}
		in := openWith(incidents, st.target)
		if in == nil || in.Usual.Before <= 0 || a.cleared[st.target.Key()] == in.ID {
			st.toll = nil
			continue
		}
		t := st.toll
		if t == nil || t.incident != in.ID || now.Sub(t.from) > rollBackWithin || t.stale(in.Usual, detect.Heard{}) {
			st.toll = &toll{incident: in.ID, from: now, mark: in.Usual}
			continue
		}
		r, ok := t.read(now, in.Usual, detect.Heard{})
		if t.fell(now, r, ok) {
			why := t.words(now, r)
			a.takeBack = append(a.takeBack, taking{st, why})
			a.restFor(now, st, why, toll{incident: in.ID, from: now, mark: in.Usual})
			st.toll = nil
		}
	}
}

// openWith returns the open incident whose signature t is, or nil.
func openWith(incidents []detect.Incident, t Target) *detect.Incident {
	for i := range incidents {
		if in := &incidents[i]; in.Closed.IsZero() && in.Service == t.Service && in.Signature == *t.Signature {
			return in
		}
	}
	return nil
}

// taking is an act to be taken back, and why.
type taking struct {
	st  *stood
	why string
}

// takeBackEach asks for the end of the acts that cost usual traffic.
func (a *Autopilot) takeBackEach(out *gathered) {
	for _, x := range a.takeBack {
		if !a.inForce(x.st) {
			continue // it has ended meanwhile
		}
		seen := detect.Suspect{Service: x.st.service, MayAct: true}
		r := out.add(gatherKey{verb: Unblock, service: x.st.service, incident: x.st.incident, attack: x.st.attack, id: x.st.id}, x.st.target, &seen,
			"roll-back of "+string(x.st.verb)+": "+x.why, nil)
		r.Only = append(r.Only, x.st.id)
	}
	a.takeBack = nil
}

// inForce reports whether an act still stands.
func (a *Autopilot) inForce(st *stood) bool {
	now := a.signed[place(st.verb, st.target.Key())]
	if p := st.target.Prefix; p.IsValid() && st.verb == Block {
		now, _ = a.standing.Get(p)
	}
	return now != nil && now.id == st.id
}

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
	// tollAgain is how long after a roll-back usual traffic is watched: when it
	// does not come back, it was not the act that kept it away.
	tollAgain = time.Minute
)

// toll is what an act on a signature has cost usual traffic since from.
type toll struct {
	incident string
	from     time.Time
	mark     detect.Usual // as it stood then
	fellAt   time.Time
}

// rest is a signature that auto mode leaves alone after a roll-back.
type rest struct {
	until time.Time
	what  string // what was taken back and why, in one line
	toll  toll   // of the minute after it
	told  bool   // that minute is over
}

// measured compares what came of usual clients since the toll began with what
// was expected of them by the minute before the attack: the share that is left
// of what the signature takes, over the share that is left of what it does
// not. ok is false while there was too little to tell, and when the rest fell
// too: then it is an outage, or the night.
func (t *toll) measured(now time.Time, u detect.Usual) (covered, others, expected float64, ok bool) {
	span := now.Sub(t.from).Seconds()
	if u.Before*span < tollLeast || u.RestBefore*span < tollLeast {
		return 0, 0, 0, false
	}
	others = float64(u.Rest-t.mark.Rest) / (u.RestBefore * span)
	expected = u.Before * span * min(1, others)
	if others < tollBelow || expected < tollLeast {
		return 0, others, 0, false
	}
	return float64(u.Passed-t.mark.Passed) / expected, others, expected, true
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
		if in == nil || a.cleared[st.target.Key()] == in.ID {
			st.toll = nil
			continue
		}
		t := st.toll
		if t == nil || t.incident != in.ID || t.mark.Before != in.Usual.Before || now.Sub(t.from) > rollBackWithin {
			st.toll = &toll{incident: in.ID, from: now, mark: in.Usual}
			continue
		}
		covered, others, expected, ok := t.measured(now, in.Usual)
		switch {
		case !ok || covered >= tollBelow:
			t.fellAt = time.Time{}
		case t.fellAt.IsZero():
			t.fellAt = now
		case now.Sub(t.fellAt) >= rollBackAfter:
			passed, turned := in.Usual.Passed-t.mark.Passed, in.Usual.Turned-t.mark.Turned
			why := fmt.Sprintf("usual traffic that it covered fell to %.0f%% (%d requests of %.0f expected in %s, %d turned away), what it did not cover is at %.0f%%",
				100*covered, passed, math.Round(expected), now.Sub(t.from).Round(time.Second), turned, 100*others)
			a.takeBack = append(a.takeBack, taking{st, why})
			a.rests[st.target.Key()] = &rest{until: now.Add(restAfter), what: string(st.verb) + " of " + st.target.String() + " was taken back: " + why,
				toll: toll{incident: in.ID, from: now, mark: in.Usual}}
			st.toll = nil
		}
	}
	a.watchRests(now, incidents)
}

// watchRests ends the rest of a signature without which usual traffic did not
// come back either: something else keeps it away, and for this incident the
// act is not blamed again.
func (a *Autopilot) watchRests(now time.Time, incidents []detect.Incident) {
	for _, key := range sortedKeys(a.rests) {
		r := a.rests[key]
		if !now.Before(r.until) {
			delete(a.rests, key)
			continue
		}
		if r.told || r.toll.incident == "" || now.Sub(r.toll.from) < tollAgain {
			continue
		}
		r.told = true
		for i := range incidents {
			in := &incidents[i]
			if in.ID != r.toll.incident || !in.Closed.IsZero() || in.Usual.Before != r.toll.mark.Before {
				continue
			}
			if covered, others, _, ok := r.toll.measured(now, in.Usual); ok && covered < tollBelow {
				a.cleared[key] = in.ID
				delete(a.rests, key)
				a.refused.note(now, "roll_back", fmt.Sprintf("without the act usual traffic did not come back (%.0f%%, the rest %.0f%%): it was not to blame and may be done again",
					100*covered, 100*others))
			}
		}
	}
}

// openWith returns the open incident whose signature t is and in which usual
// clients are counted, or nil.
func openWith(incidents []detect.Incident, t Target) *detect.Incident {
	for i := range incidents {
		in := &incidents[i]
		if in.Closed.IsZero() && in.Service == t.Service && in.Signature == *t.Signature && in.Usual.Before > 0 {
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

// takeBackSigned asks for the end of the acts that cost usual traffic.
func (a *Autopilot) takeBackSigned(out *gathered) {
	for _, x := range a.takeBack {
		now := a.signed[place(x.st.verb, x.st.target.Key())]
		if now == nil || now.id != x.st.id {
			continue // it has ended meanwhile
		}
		seen := detect.Suspect{Service: x.st.service, MayAct: true}
		r := out.add(gatherKey{verb: Unblock, service: x.st.service, incident: x.st.incident, attack: x.st.attack, id: x.st.id}, x.st.target, &seen,
			"roll-back of "+string(x.st.verb)+": "+x.why, nil)
		r.Only = append(r.Only, x.st.id)
	}
	a.takeBack = nil
}

// leftAlone reports whether a signature is left alone after a roll-back.
func (a *Autopilot) leftAlone(t Target) bool {
	r := a.rests[t.Key()]
	return r != nil && a.now.Before(r.until)
}

// line says what rests, why and for how long.
func (r *rest) line() string {
	return fmt.Sprintf("%s; it rests until %s UTC", r.what, r.until.UTC().Format("15:04:05"))
}

package actions

import (
	"fmt"
	"time"

	"levee/detect"
)

// tollAgain is how long after a roll-back usual traffic is watched: when it
// does not come back, it was not the act that kept it away.
const tollAgain = time.Minute

// rest is a target that auto mode leaves alone after a roll-back.
type rest struct {
	until time.Time
	what  string // what was taken back and why, in one line
	act   *stood // nil: it was taken back before a restart
	toll  toll   // of the minute after it
	told  bool   // that minute is over
}

// restFor leaves the target of st alone after it was taken back because of why;
// t measures whether that helped.
func (a *Autopilot) restFor(now time.Time, st *stood, why string, t toll) {
	a.rests[st.target.Key()] = &rest{until: now.Add(restAfter), what: string(st.verb) + " of " + st.target.String() + " was taken back: " + why,
		act: st, toll: t}
}

// restFrom leaves a target alone that was taken back at a time.
func (a *Autopilot) restFrom(at time.Time, key, what string) {
	if until := at.Add(restAfter); a.rests[key] == nil && until.After(a.now) {
		a.rests[key] = &rest{until: until, what: what + " was taken back at " + at.UTC().Format("15:04:05") + " UTC"}
	}
}

// watchRests ends the rest of a target without whose act usual traffic did not
// come back either: something else keeps it away, and for this incident the
// act is not blamed again.
func (a *Autopilot) watchRests(now time.Time, incidents []detect.Incident, clients Clientele) {
	for _, key := range sortedKeys(a.rests) {
		r := a.rests[key]
		if !now.Before(r.until) {
			delete(a.rests, key)
			continue
		}
		if r.told || r.act == nil {
			continue
		}
		in := openIncident(incidents, r.toll.incident)
		if in == nil {
			r.told = true
			continue
		}
		var h detect.Heard
		if r.toll.clients != nil {
			if clients == nil {
				continue
			}
			h = clients.Heard([]*detect.Clients{r.toll.clients})[0]
		}
		if a.inForce(r.act) { // it is not taken back yet
			r.toll.from, r.toll.mark, r.toll.heard = now, in.Usual, h
			continue
		}
		if now.Sub(r.toll.from) < tollAgain {
			continue
		}
		r.told = true
		if got, ok := r.toll.read(now, in.Usual, h); ok && got.covered < tollBelow {
			a.acquit(now, key, in.ID, fmt.Sprintf("without the act usual traffic did not come back (%.0f%%, the rest %.0f%%): it was not to blame and may be done again",
				100*got.covered, 100*got.others))
		}
	}
}

// acquit ends a rest; in this incident an act on its target is not blamed
// again.
func (a *Autopilot) acquit(now time.Time, key, incident, why string) {
	if incident != "" {
		a.cleared[key] = incident
	}
	delete(a.rests, key)
	a.refused.note(now, "roll_back", why)
}

// leftAlone reports whether a target is left alone after a roll-back.
func (a *Autopilot) leftAlone(t Target) bool {
	r := a.rests[t.Key()]
	return r != nil && a.now.Before(r.until)
}

// spared reports whether a block that is wished for is left alone after a
// roll-back. It is not when what its usual clients never asked comes from it:
// then the attack is back.
func (a *Autopilot) spared(s *detect.Suspect) bool {
	if len(a.rests) == 0 {
		return false
	}
	t := Target{Prefix: s.Key.Masked()}
	if !a.leftAlone(t) {
		return false
	}
	c := a.rests[t.Key()].toll.clients
	if c == nil || !attackIn(c, s.Rate) {
		return true
	}
	a.acquit(a.now, t.Key(), s.Incident, fmt.Sprintf("%s makes %.0f requests/s after it was given back, its usual clients made %.1f: it may be blocked again", t, s.Rate, c.Usual))
	return false
}

// restsShown is how many of those that rest are told one by one.
const restsShown = 8

// restLines says what rests after a roll-back, why and for how long.
func (a *Autopilot) restLines() []string {
	var out []string
	more := 0
	for _, key := range sortedKeys(a.rests) {
		r := a.rests[key]
		switch {
		case !a.now.Before(r.until):
		case len(out) == restsShown:
			more++
		default:
			out = append(out, fmt.Sprintf("roll_back: %s; it rests until %s UTC", r.what, r.until.UTC().Format("15:04:05")))
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("roll_back: %d more rest after one", more))
	}
	return out
}

func openIncident(incidents []detect.Incident, id string) *detect.Incident {
	for i := range incidents {
		if in := &incidents[i]; in.ID == id && in.Closed.IsZero() {
			return in
		}
	}
	return nil
}

package actions

import (
	"fmt"
	"maps"
	"time"

	"levee/detect"
)

// run is an incident and how far its playbook went.
type run struct {
	in    *detect.Incident
	since time.Time
	done  map[int]time.Time // steps asked for, by index, and when
}

// fleet is what auto mode knows of a service's servers.
type fleet struct {
	ups      int       // scale-ups not taken back yet
	lastUp   time.Time // decided
	lastAsk  time.Time
	lastCalm time.Time // since when there is no incident; zero while there is one
}

// incident hears one change of an incident.
func (a *Autopilot) incident(at time.Time, in *detect.Incident) {
	if !in.Closed.IsZero() {
		delete(a.incidents, in.ID)
		maps.DeleteFunc(a.cleared, func(_, id string) bool { return id == in.ID })
		if !a.troubled(in.Service) {
			a.fleet(in.Service).lastCalm = at
		}
		return
	}
	a.fleet(in.Service).lastCalm = time.Time{}
	r := a.incidents[in.ID]
	switch {
	case r == nil:
		a.incidents[in.ID] = &run{in: in, since: at, done: map[int]time.Time{}}
	case r.in.Attack != in.Attack:
		r.in, r.done = in, map[int]time.Time{} // another playbook
	default:
		r.in = in
	}
}

func (a *Autopilot) troubled(service string) bool {
	for _, r := range a.incidents {
		if r.in.Service == service {
			return true
		}
	}
	return false
}

func (a *Autopilot) fleet(service string) *fleet {
	f := a.servers[service]
	if f == nil {
		f = &fleet{}
		a.servers[service] = f
	}
	return f
}

// renewAhead is how long before its end a throttle or harden is renewed.
const renewAhead = 2 * time.Minute

// steps asks for what the playbooks of the open incidents have due.
func (a *Autopilot) steps(out *gathered) {
	for key, at := range a.signing {
		if a.now.Sub(at) >= answered {
			delete(a.signing, key)
		}
	}
	for _, id := range sortedKeys(a.incidents) {
		r := a.incidents[id]
		rank := a.level(r.in.Service).rank()
		for i, s := range a.o.Playbooks.steps(r.in.Attack) {
			needs := LevelThrottle.rank()
			if s.Do == Notify {
				needs = LevelSuggest.rank()
			}
			if rank >= needs && a.now.Sub(r.since) >= s.After && s.When.holds(r.in) {
				a.step(out, r, i, s)
			}
		}
	}
}

func (a *Autopilot) step(out *gathered, r *run, i int, s Step) {
	in, done := r.in, !r.done[i].IsZero()
	service := Target{Service: in.Service}
	switch s.Do {
	case Throttle, Harden:
		t := service
		if in.Signature != (detect.Signature{}) {
			sig := in.Signature
			t.Signature = &sig
		}
		if !a.maySign(in, s.Do, t) || a.leftAlone(t) {
			return
		}
		// One cadence for each act on a signature, however many incidents ask.
		key := place(s.Do, t.Key())
		if st := a.signed[key]; st != nil && st.until.Sub(a.now) > min(st.ttl/3, renewAhead) || a.now.Sub(a.signing[key]) < answered {
			return
		}
		a.signing[key] = a.now
		a.take(out, r, i, s.Do, t)
	case ScaleUp:
		f := a.fleet(in.Service)
		if a.now.Sub(f.lastAsk) < a.o.CoolDown || a.now.Sub(f.lastUp) < a.o.CoolDown {
			return
		}
		if n := a.hour.spent(a.now); n >= a.o.Budget.ScaleUpsPerHour {
			a.refused.note(a.now, "budget", fmt.Sprintf("scale_ups_per_hour is spent: %d of %d", n, a.o.Budget.ScaleUpsPerHour))
			return
		}
		f.lastAsk = a.now
		a.hour.spend(a.now, 1)
		a.take(out, r, i, ScaleUp, service)
	case Notify, ScaleDown:
		if key := place(s.Do, in.ID); !done && a.now.Sub(a.signing[key]) >= answered {
			a.signing[key] = a.now
			a.take(out, r, i, s.Do, service)
		}
	}
}

// maySign says whether a signature is narrow enough to act upon.
func (a *Autopilot) maySign(in *detect.Incident, v Verb, t Target) bool {
	if v == Harden {
		return in.Attack.Hostile()
	}
	if t.Signature == nil {
		a.refused.note(a.now, "bad_target", "the excess on "+in.Service+" has nothing in common to throttle")
		return false
	}
	if in.Untried || in.CollateralMost() > a.o.Collateral {
		a.refused.note(a.now, "heavy_usual", touchesTooMuch(in, a.o.Collateral))
		return false
	}
	return true
}

func (a *Autopilot) take(out *gathered, r *run, i int, v Verb, t Target) {
	r.done[i] = a.now
	in := r.in
	seen := detect.Suspect{Service: in.Service, Rate: in.Excess * max(0, in.Rate-in.Baseline), UsualShare: 0, MayAct: true}
	out.add(gatherKey{verb: v, service: in.Service, incident: in.ID, attack: in.Attack}, t, &seen,
		fmt.Sprintf("%s on %s", in.Attack, in.Service), in.Evidence)
}

// scaleDown takes servers away again, one step a cool-down, once a service has
// been calm for long enough: a bill can be attacked too.
func (a *Autopilot) scaleDown(out *gathered) {
	for _, service := range sortedKeys(a.servers) {
		f := a.servers[service]
		if f.ups <= 0 || f.lastCalm.IsZero() || a.now.Sub(f.lastCalm) < a.o.Calm ||
			a.now.Sub(f.lastAsk) < a.o.CoolDown || a.level(service).rank() < LevelThrottle.rank() {
			continue
		}
		f.lastAsk = a.now
		seen := detect.Suspect{Service: service, MayAct: true}
		out.add(gatherKey{verb: ScaleDown, service: service}, Target{Service: service}, &seen,
			"calm for "+a.now.Sub(f.lastCalm).Round(time.Minute).String(), nil)
	}
}

// changedScale counts the servers that auto mode added and nobody took away
// again, each act once.
func (a *Autopilot) changedScale(d Decision) {
	if d.DryRun || d.State == Intent || d.State == Failed || d.State == Undone || a.counted[d.ID] {
		return
	}
	a.counted[d.ID] = true
	f := a.fleet(d.Target.Service)
	if d.Verb == ScaleDown {
		f.ups = max(0, f.ups-1)
		return
	}
	if d.Actor.Via != Auto.Via {
		return // who added servers by hand takes them away by hand
	}
	f.ups++
	if d.Created.After(f.lastUp) {
		f.lastUp = d.Created
	}
	if f.lastCalm.IsZero() && !a.troubled(d.Target.Service) {
		f.lastCalm = d.Created // after a restart nobody says that it ended
	}
}

package actions

import (
	"maps"
	"slices"
	"time"
)

// Settings are the options of a Dispatcher that may change while it runs. The
// zero value of each field is its documented default.
type Settings struct {
	Guardrails *Guardrails // nil: NewGuardrails(GuardrailOptions{})
	Auto       AutoOptions // TTL, MaxTTL and Budget hold for the dispatcher too
	DryRun     bool
}

// Reconfigure changes what may be done from now on. What the new guardrails
// forbid is lifted as it is after a restart; every other decision stands as it
// was made.
func (d *Dispatcher) Reconfigure(s Settings) error {
	o, err := Options{Guardrails: s.Guardrails, AutoTTL: s.Auto.TTL, MaxTTL: s.Auto.MaxTTL, Budget: s.Auto.Budget}.withDefaults()
	if err != nil {
		return err
	}
	if d.o.Auto != nil {
		d.o.Auto.Reconfigure(s.Auto)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.guard = o.Guardrails
	d.o.AutoTTL, d.o.MaxTTL, d.o.Budget, d.o.DryRun = o.AutoTTL, o.MaxTTL, o.Budget, s.DryRun
	d.divide()
	for _, r := range d.records {
		if !r.durable || r.end != "" || r.verb == Allow {
			continue
		}
		if no := d.guards(r.target, r.actor, &noSuspect, nil); no != nil {
			d.lift(r, Undone, Actor{Name: "guardrail", Via: "reload"}, no.String())
		}
	}
	d.nudge()
	return nil
}

// Reconfigure changes how far auto mode goes and what it does. What it asked
// for already is not asked back, and what a playbook under way did already is
// not done again by the new one.
func (a *Autopilot) Reconfigure(o AutoOptions) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.o.Playbooks
	a.o = o.withDefaults()
	for _, r := range a.incidents {
		did := map[Verb]time.Time{}
		for i, s := range before.steps(r.in.Attack) {
			if at := r.done[i]; at.After(did[s.Do]) {
				did[s.Do] = at
			}
		}
		r.done = map[int]time.Time{}
		for i, s := range a.o.Playbooks.steps(r.in.Attack) {
			if at, ok := did[s.Do]; ok {
				r.done[i] = at
			}
		}
	}
	a.requeue()
}

// requeue puts what waits where the level and the playbooks have it now.
func (a *Autopilot) requeue() {
	waiting := slices.Collect(maps.Values(a.wished))
	for _, w := range waiting {
		w.heap.drop(w)
		w.heap = nil
	}
	for _, w := range waiting {
		step, blocks := a.o.Playbooks.does(w.s.Attack, Block)
		if !blocks {
			delete(a.wished, w.s.Key.Masked())
			continue
		}
		w.notBefore = w.first.Add(step.After)
		w.heap = a.queueOf(w.s.Service)
		if lost := w.heap.add(w); lost != nil {
			delete(a.wished, lost.s.Key.Masked())
		}
	}
}

// queueOf is where a wish to block for a service waits: to be done, or to be
// suggested.
func (a *Autopilot) queueOf(service string) *wishes {
	if a.level(service).rank() >= LevelBlock.rank() {
		return &a.ready
	}
	return &a.suggested
}

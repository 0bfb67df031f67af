package actions

import (
	"net/netip"
	"time"

	"levee/detect"
)

// Row is one thing auto mode would have done, in event time.
type Row struct {
	Time     time.Time
	Verb     Verb // block (again when renewed), unblock, throttle, harden, scale_up, scale_down, notify
	Target   Target
	Service  string
	Attack   detect.Attack
	Incident string
	Score    float64
	TTL      time.Duration
	Evidence []string
	Reason   string
	First    time.Time // of a block: when its source was first seen
	Usual    float64   // of a block: the share of usual traffic that its source carries, 0 to 1
}

// Rehearsal drives auto mode over a recorded log: budgets and guardrails
// apply, and nothing is done. It belongs to one goroutine.
type Rehearsal struct {
	Auto  *Autopilot
	guard *Guardrails
	facts func(netip.Addr) detect.Facts
	o     AutoOptions
	due   expiry
	on    map[netip.Prefix]*record
	sign  map[string]*record // throttles and hardens, by verb and target
	past  map[netip.Prefix]past
}

// NewRehearsal returns a rehearsal of auto mode with o behind the guardrails
// g. facts may be nil.
func NewRehearsal(o AutoOptions, g *Guardrails, facts func(netip.Addr) detect.Facts) *Rehearsal {
	return &Rehearsal{Auto: NewAutopilot(o), guard: g, facts: facts, o: o.withDefaults(),
		on: map[netip.Prefix]*record{}, sign: map[string]*record{}, past: map[netip.Prefix]past{}}
}

// Step tells auto mode what was detected up to now and appends what it would
// have done to dst, in order of time. Its cost is that of the events, however
// much stands.
func (h *Rehearsal) Step(dst []Row, now time.Time, events []detect.Event) []Row {
	dst = h.expire(dst, now)
	h.Auto.Observe(events...)
	for _, r := range h.Auto.Tick(now) {
		for i, t := range r.Targets {
			dst = h.do(dst, now, &r, t, &r.Seen[i])
		}
	}
	return dst
}

func (h *Rehearsal) expire(dst []Row, now time.Time) []Row {
	for len(h.due) > 0 && !h.due[0].expires.After(now) {
		r := h.due[0]
		at := r.expires
		h.end(r, Expired, at)
		dst = append(dst, Row{Time: at, Verb: Unblock, Target: r.target, Service: r.target.Service, Attack: r.attack,
			Incident: r.incident, Reason: "its TTL ended"})
	}
	return dst
}

func (h *Rehearsal) end(r *record, s State, at time.Time) {
	r.state, r.changed = s, at
	h.due.schedule(r)
	if p := r.target.Prefix; p.IsValid() {
		delete(h.on, p)
		h.past[p] = past{returns: r.returns, ended: at}
	}
	delete(h.sign, place(r.verb, r.key))
	h.Auto.Changed(r.decision())
}

func (h *Rehearsal) do(dst []Row, now time.Time, q *Request, t Target, seen *detect.Suspect) []Row {
	row := Row{Time: now, Verb: q.Verb, Target: t, Service: seen.Service, Attack: q.Attack, Incident: q.Incident,
		Score: seen.Score, Evidence: q.Evidence, Reason: q.Reason}
	if len(seen.Evidence) > 0 {
		row.Evidence = words(seen.Evidence)
	}
	if q.Verb == Unblock {
		if r := h.on[t.Prefix]; r != nil {
			h.end(r, Undone, now)
			return append(dst, row)
		}
		return dst
	}
	if no := h.refuse(t, seen); no != nil {
		h.Auto.Refused([]Refusal{*no})
		return dst
	}
	r := h.sign[place(q.Verb, t.Key())]
	if q.Verb == Block {
		r = h.on[t.Prefix]
	}
	if r == nil {
		o := &origin{verb: q.Verb, actor: Auto, attack: q.Attack, incident: q.Incident}
		r = &record{origin: o, id: "rehearsed", key: t.Key(), target: t, state: Applied, created: now, changed: now, ttl: h.o.TTL, due: -1}
	}
	switch q.Verb {
	case Block:
		if h.on[t.Prefix] == nil {
			r.ttl, r.returns = h.past[t.Prefix].returning(now, h.o.TTL, h.o.MaxTTL)
			h.on[t.Prefix] = r
		}
		row.TTL, row.First, row.Usual = r.ttl, seen.First, seen.UsualShare
		r.expires = now.Add(r.ttl)
		h.due.schedule(r)
	case Throttle, Harden:
		row.TTL = r.ttl
		if r.expires.IsZero() {
			r.expires = now
		}
		r.expires = r.expires.Add(r.ttl) // renewed from its end: a row once per TTL
		h.sign[place(r.verb, r.key)] = r
		h.due.schedule(r)
	default:
		r.id = q.Incident + " " + now.String() // counted once
	}
	h.Auto.Changed(r.decision())
	return append(dst, row)
}

func (h *Rehearsal) refuse(t Target, seen *detect.Suspect) *Refusal {
	if no := h.guard.Check(t, Auto, seen); no != nil {
		return no
	}
	if h.facts != nil && t.Prefix.IsValid() {
		return h.guard.CheckFacts(t, h.facts(t.Prefix.Addr()))
	}
	return nil
}

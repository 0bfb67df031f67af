package jenkins

import (
	"slices"
	"time"

	"levee/actions"
)

// take returns what goes into the next builds: not what was begun meanwhile for
// another caller, and of what is done and taken back to one target only what
// came first. The rest waits for the next builds. The caller holds mu.
func (e *Enforcer) take() []*ticket {
	var batch, later []*ticket
	lifts := map[string]bool{}
	for _, t := range e.waiting {
		if r := e.standing(t.d, t.lift); r != nil {
			t.run <- r
			continue
		}
		at := place(t.d)
		if lift, known := lifts[at]; at != "" && known && lift != t.lift {
			later = append(later, t)
			continue
		}
		lifts[at] = t.lift
		batch = append(batch, t)
	}
	e.waiting = later
	return batch
}

// place names the target of a decision on addresses, "" of any other.
func place(d actions.Decision) string {
	if !d.Target.Prefix.IsValid() {
		return ""
	}
	return string(d.Verb) + " " + d.Target.Key()
}

// group is what goes into one build.
type group struct {
	verb    actions.Verb
	job     Job
	facts   facts
	tickets []*ticket
}

// group sorts tickets into builds: same job, same aim, at most MaxTargets.
func (e *Enforcer) group(batch []*ticket) []*group {
	var all []*group
	open := map[string]*group{}
	for _, t := range batch {
		verb := t.d.Verb
		if t.lift && verb == actions.Block {
			if _, ok := e.o.Jobs[actions.Unblock]; ok {
				verb = actions.Unblock
			}
		}
		job := e.o.Jobs[verb]
		f := job.aim(t.d, e.ttl(t.d))
		f.verb = string(verb)
		if t.lift { // lifts join whatever build goes to the same job
			f.ttl = 0
		}
		key := job.Job + "\x00" + f.key()
		g := open[key]
		if g == nil || len(g.tickets) >= e.o.MaxTargets || !t.d.Target.Prefix.IsValid() {
			g = &group{verb: verb, job: job, facts: f}
			all = append(all, g)
			if t.d.Target.Prefix.IsValid() { // a build for a whole service is no other's
				open[key] = g
			}
		}
		g.tickets = append(g.tickets, t)
		if p := t.d.Target.Prefix; p.IsValid() {
			if t.lift {
				g.facts.removed = append(g.facts.removed, p.Masked())
			} else {
				g.facts.added = append(g.facts.added, p.Masked())
			}
		}
	}
	return merge(all, e.o.MaxTargets)
}

// ttl is how long a build is told that d lasts: its TTL while that is about
// right, else what is left of it, in whole minutes so that decisions still
// share builds.
func (e *Enforcer) ttl(d actions.Decision) time.Duration {
	if d.Expires.IsZero() {
		return d.TTL
	}
	left := d.Expires.Sub(e.o.Now())
	if d.TTL > 0 && (d.TTL-left).Abs() < 30*time.Second {
		return d.TTL
	}
	return max((left + time.Minute - 1).Truncate(time.Minute), time.Minute)
}

// merge lets a build that only removes join one that adds through the same job
// and with the same aim, so that changes of both kinds travel together.
func merge(all []*group, most int) []*group {
	var out []*group
	for _, g := range all {
		only := len(g.facts.added) == 0 && len(g.facts.removed) > 0
		i := slices.IndexFunc(all, func(h *group) bool {
			same := h.facts
			same.ttl = g.facts.ttl // what is removed has none
			return only && h.job.Job == g.job.Job && len(h.facts.added) > 0 && same.key() == g.facts.key() && len(h.tickets)+len(g.tickets) <= most
		})
		if i < 0 {
			out = append(out, g)
			continue
		}
		h := all[i]
		h.tickets = append(h.tickets, g.tickets...)
		h.facts.removed = append(h.facts.removed, g.facts.removed...)
	}
	return out
}

package actions

import (
	"fmt"

	"levee/actions/internal/safe"
)

// hearLate takes over how jobs ended whose enforcer had only said that they
// were taken: a build that fails minutes later must not read as applied. It is
// not sent again by itself, for what a failed build did is for people to see.
func (d *Dispatcher) hearLate(l *lane, jobs []Job) {
	for i := range jobs {
		j := &jobs[i]
		unknown := j.State == "lost"
		switch j.State {
		case "failure", "aborted", "cancelled", "error", "lost":
		default:
			continue
		}
		d.mu.Lock()
		if d.heard[j.Request] == j.State {
			d.mu.Unlock()
			continue
		}
		d.heard[j.Request] = j.State
		n := 0
		for _, r := range d.records {
			if d.endedLate(l, r, j, unknown) {
				n++
			}
		}
		d.mu.Unlock()
		if n > 0 {
			d.notices.add(d.now(), "error", fmt.Sprintf("%s: job %s #%d for %s ended: %s", l.enforcer.Name(),
				safe.Text(j.Name, 80), j.Number, j.Verb, j.State))
		}
	}
}

// endedLate marks r if its receipt rests on j. The caller holds mu.
func (d *Dispatcher) endedLate(l *lane, r *record, j *Job, unknown bool) bool {
	for _, c := range r.receipts {
		if c.Enforcer != l.enforcer.Name() || !c.OK || c.Job == nil || c.Job.Request != j.Request || r.end != "" || r.pending&l.bit != 0 {
			continue
		}
		c.OK, c.Unknown, c.At, c.Job = false, unknown, d.now(), j
		c.Note = fmt.Sprintf("job %s #%d ended: %s", safe.Text(j.Name, 80), j.Number, j.State)
		r.tries = mostTries
		r.took &^= l.bit
		r.pending |= l.bit
		d.answer(l, order{r: r}, c)
		return true
	}
	return false
}

// forgetHeard keeps the memory of ended jobs as small as what enforcers list.
func (d *Dispatcher) forgetHeard(jobs []Job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.heard) <= 2*len(jobs)+100 {
		return
	}
	listed := make(map[string]bool, len(jobs))
	for i := range jobs {
		listed[jobs[i].Request] = true
	}
	for request := range d.heard {
		if !listed[request] {
			delete(d.heard, request)
		}
	}
}

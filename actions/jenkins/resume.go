package jenkins

import (
	"context"

	"levee/actions"
)

// Resume says what became of decisions that may have been sent before a
// restart. The journal knows the run; without one, an earlier receipt's
// request id is looked for in Jenkins. What neither names reads Unknown: a
// build could have been triggered by a process whose journal is gone.
func (e *Enforcer) Resume(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		receipts[i] = e.resumeOne(ctx, d)
	}
	return receipts, nil
}

func (e *Enforcer) resumeOne(ctx context.Context, d actions.Decision) actions.Receipt {
	e.mu.Lock()
	r := e.latest[want{Decision: d.ID}.key()]
	e.mu.Unlock()
	if r != nil {
		patience, cancel := context.WithTimeout(ctx, e.o.Wait)
		defer cancel()
		wait(patience, r.taken) // a run from before is looked for right now
		return r.receipt(e.o.Name, d.ID, e.client.base, e.o.Now())
	}
	c := actions.Receipt{Decision: d.ID, Enforcer: e.o.Name, At: e.o.Now()}
	job := e.o.Jobs[d.Verb]
	for _, old := range d.Receipts {
		if old.Job == nil || old.Enforcer != e.o.Name || old.Job.Request == "" {
			continue
		}
		past := newRun(line{Request: old.Job.Request, Verb: d.Verb, Job: job.Job, ID: job.idParameter(), State: queued,
			Queue: old.Job.QueueID, Number: old.Job.Number, Began: old.Job.Triggered, Wants: []want{{Decision: d.ID, Until: d.Expires}}})
		e.mu.Lock()
		if past.number > 0 {
			past.state = running
		}
		e.remember(past)
		e.mu.Unlock()
		e.work.Go(func() { e.pursue(e.ctx, past) })
		return past.receipt(e.o.Name, d.ID, e.client.base, e.o.Now())
	}
	if e.journal.path != "" {
		return c // every run is written down before it is sent: this one never was
	}
	c.Unknown, c.Note = true, "whether its job was triggered before the restart is not known; look at "+word(job.Job)+" in Jenkins"
	return c
}

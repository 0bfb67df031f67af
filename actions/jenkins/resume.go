package jenkins

import (
	"context"
	"slices"

	"levee/actions"
)

// Resume says what became of decisions that may have been sent before a
// restart, or were lost sight of. The journal knows the run; without one, an
// earlier receipt's request id is looked for in Jenkins. What neither names
// reads Unknown: a build could have been triggered by a process whose journal is
// gone. It waits for answers for Options.Wait; what comes later, the next call
// tells.
func (e *Enforcer) Resume(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	runs, looked := make([]*run, len(ds)), make([]<-chan struct{}, len(ds))
	e.mu.Lock()
	for i, d := range ds {
		runs[i], looked[i] = e.lookUp(d)
	}
	e.mu.Unlock()
	patience, cancel := context.WithTimeout(ctx, e.o.Wait)
	defer cancel()
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		if runs[i] == nil {
			receipts[i] = e.untraced(d)
			continue
		}
		wait(patience, looked[i])
		receipts[i] = e.latestOf(d, runs[i]).receipt(e.o.Name, d.ID, e.client.base, e.o.Now())
	}
	return receipts, nil
}

// lookUp returns the run that carries d out, as far as anything names one, and
// what is closed when more is known of it. The caller holds mu.
func (e *Enforcer) lookUp(d actions.Decision) (*run, <-chan struct{}) {
	r := e.latest[want{Decision: d.ID}.key()]
	if r == nil {
		job := e.o.Jobs[d.Verb]
		i := slices.IndexFunc(d.Receipts, func(c actions.Receipt) bool { return c.Job != nil && c.Enforcer == e.o.Name && c.Job.Request != "" })
		if i < 0 {
			return nil, nil
		}
		old := d.Receipts[i].Job
		r = newRun(line{Request: old.Request, Verb: d.Verb, Job: job.Job, ID: job.idParameter(), State: lost, Why: "it is looked for in Jenkins",
			Queue: old.QueueID, Number: old.Number, Began: old.Triggered, Wants: []want{{d.ID, false, d.Expires, place(d)}}})
		e.remember(r)
	}
	if r.stateNow() == lost {
		return r, e.lookAgain(r)
	}
	return r, r.taken // one from before the restart is looked for right now
}

// latestOf returns what took the place of r for d, or r.
func (e *Enforcer) latestOf(d actions.Decision, r *run) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.latest[want{Decision: d.ID}.key()]; x != nil {
		return x
	}
	return r
}

// untraced is the receipt of a decision that nothing names a run of.
func (e *Enforcer) untraced(d actions.Decision) actions.Receipt {
	c := actions.Receipt{Decision: d.ID, Enforcer: e.o.Name, At: e.o.Now()}
	if e.journal.path != "" {
		return c // every run is written down before it is sent: this one never was
	}
	c.Unknown, c.Note = true, "whether its job was triggered before the restart is not known; look at "+word(e.o.Jobs[d.Verb].Job)+" in Jenkins"
	return c
}

// lookAgain looks once more for a lost run: Jenkins may have come back since.
// Until it is found it stays lost, and nobody is told that it went well. What is
// returned is closed when the look is over. The caller holds mu.
func (e *Enforcer) lookAgain(r *run) <-chan struct{} {
	if r.looking != nil {
		return r.looking
	}
	over := make(chan struct{})
	if e.closed {
		close(over)
		return over
	}
	r.looking = over
	e.work.Go(func() {
		where, err := e.client.find(e.ctx, r)
		var again *run
		if err == nil && where != nil {
			l := r.line(e.o.Now())
			l.State, l.Why, l.Queue, l.Number = queued, "", where.queue, where.number
			if l.Number > 0 {
				l.State = running
			}
			again = newRun(l)
			_ = e.journal.write(l) // without it, it is looked for again after a restart
		}
		e.mu.Lock()
		if r.looking = nil; again != nil {
			e.runs = slices.DeleteFunc(e.runs, func(x *run) bool { return x == r })
			e.remember(again)
		}
		e.mu.Unlock()
		close(over)
		if again != nil {
			e.pursue(e.ctx, again)
		}
	})
	return over
}

package jenkins

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"levee/actions"
)

// ticket is one decision waiting to be put into a run.
type ticket struct {
	d    actions.Decision
	lift bool
	run  chan *run // capacity 1; nil when the run could not be written down
	err  error     // why, set before nil is sent
}

// Apply triggers the jobs for ds, gathered, and waits: until Jenkins took them
// (Options.Accept), then a little for their results (Options.Wait). OK means
// that Jenkins took the build and, if it ended meanwhile, that it succeeded.
func (e *Enforcer) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return e.carry(ctx, ds, false), nil
}

// Revoke triggers the jobs that lift ds: the unblock job, or the block job
// with {{removed}}. Where there is neither, the job ends it by its TTL.
func (e *Enforcer) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return e.carry(ctx, ds, true), nil
}

func (e *Enforcer) carry(ctx context.Context, ds []actions.Decision, lift bool) []actions.Receipt {
	now := e.o.Now()
	receipts := make([]actions.Receipt, len(ds))
	runs := make([]*run, len(ds))
	tickets := make([]*ticket, len(ds))
	e.mu.Lock()
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: e.o.Name, At: now}
		switch {
		case e.closed:
			receipts[i].Note = errStopping.Error()
		case lift && !e.lifts(d):
			receipts[i].OK, receipts[i].Note = true, "no job lifts it: job "+word(e.o.Jobs[d.Verb].Job)+" ends it by itself"
		case !lift && !e.Handles(d):
			receipts[i].Note = "no job is configured for this " + string(d.Verb)
		default:
			if runs[i] = e.standing(d, lift); runs[i] == nil {
				tickets[i] = &ticket{d: d, lift: lift, run: make(chan *run, 1)}
				e.waiting = append(e.waiting, tickets[i])
			}
		}
	}
	if len(e.waiting) > 0 && !e.busy {
		e.busy = true
		e.work.Go(e.gather)
	}
	e.mu.Unlock()

	accept, cancel := context.WithTimeout(ctx, e.o.Gather+e.o.Accept)
	defer cancel()
	for i := range ds {
		if tickets[i] != nil {
			select {
			case runs[i] = <-tickets[i].run:
				if runs[i] == nil && tickets[i].err != nil {
					receipts[i].Note = tickets[i].err.Error()
				}
			case <-accept.Done():
				receipts[i].Unknown, receipts[i].Note = true, "levee stopped waiting for Jenkins"
			}
		}
		if r := runs[i]; r != nil {
			select {
			case <-r.taken:
			case <-r.held: // it may take minutes: whoever asks again hears how it stands
			case <-accept.Done():
			}
		}
	}
	patience, cancel2 := context.WithTimeout(ctx, e.o.Wait)
	defer cancel2()
	for i, d := range ds {
		if runs[i] != nil {
			wait(patience, runs[i].over)
			receipts[i] = runs[i].receipt(e.o.Name, d.ID, e.client.base, e.o.Now())
		}
	}
	return receipts
}

func wait(ctx context.Context, c <-chan struct{}) {
	select {
	case <-c:
	case <-ctx.Done():
	}
}

// lifts reports whether a job can undo d.
func (e *Enforcer) lifts(d actions.Decision) bool {
	if !d.Target.Prefix.IsValid() {
		return false
	}
	_, unblock := e.o.Jobs[actions.Unblock]
	return d.Verb == actions.Block && unblock || e.o.Jobs[d.Verb].uses("removed")
}

// standing returns the run that carries d out already, nil when one is needed:
// there was none, it failed, or its job was told an earlier end. The caller
// holds mu.
func (e *Enforcer) standing(d actions.Decision, lift bool) *run {
	r := e.latest[want{Decision: d.ID, Lift: lift}.key()]
	if r == nil {
		return nil
	}
	switch r.stateNow() {
	case failed, aborted, cancelled, errored:
		return nil
	case lost:
		e.lookAgain(r)
		return r
	}
	if !lift && e.o.Jobs[d.Verb].uses("ttl_s") {
		for _, w := range r.wants {
			if w.Decision == d.ID && d.Expires.Sub(w.Until) > 10*time.Second {
				return nil
			}
		}
	}
	return r
}

// gather turns what waits into runs, at most once in Options.Gather.
func (e *Enforcer) gather() {
	for {
		e.mu.Lock()
		wait := min(e.last.Add(e.o.Gather).Sub(e.o.Now()), e.o.Gather) // a clock set back must not stop us
		e.mu.Unlock()
		if wait > 0 && pause(e.ctx, wait) != nil {
			e.turnAway()
			return
		}
		e.mu.Lock()
		if len(e.waiting) == 0 {
			e.busy = false
			e.mu.Unlock()
			return
		}
		batch := e.take()
		e.last = e.o.Now()
		e.mu.Unlock()
		for _, g := range e.group(batch) {
			e.begin(g)
		}
	}
}

// turnAway answers what still waits when the Enforcer closes.
func (e *Enforcer) turnAway() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.waiting {
		t.err = errStopping
		t.run <- nil
	}
	e.waiting, e.busy = nil, false
}

// begin writes a run down and starts it.
func (e *Enforcer) begin(g *group) {
	g.facts.id = "levee-" + strings.ToLower(rand.Text()[:16])
	l := line{
		At: e.o.Now(), Request: g.facts.id, Verb: g.verb, Job: g.job.Job, Form: g.job.fill(g.facts), State: sending, Began: e.o.Now(),
	}
	l.ID = g.job.idParameter()
	for _, t := range g.tickets {
		l.Wants = append(l.Wants, want{t.d.ID, t.lift, t.d.Expires, place(t.d)})
	}
	err := e.journal.write(l)
	r := newRun(l)
	if err == nil {
		e.mu.Lock()
		e.remember(r)
		e.mu.Unlock()
		e.work.Go(func() { e.pursue(e.ctx, r) })
	}
	for _, t := range g.tickets {
		if err != nil { // what can't be written down is not done
			t.err = err
			t.run <- nil
			continue
		}
		t.run <- r
	}
}

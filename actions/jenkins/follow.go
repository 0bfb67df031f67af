package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"levee/actions/internal/safe"
)

// pause waits d, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pace is the back-off of polls and retries: 200 ms, growing by half, at most
// most.
type pace struct{ last, most time.Duration }

func (p *pace) next() time.Duration {
	p.last = min(max(p.last*3/2, 200*time.Millisecond), p.most)
	return p.last
}

// pursue takes a run from where it is to its end. It returns early only when
// ctx ends; the journal then says where it stood.
func (e *Enforcer) pursue(ctx context.Context, r *run) {
	if state, _, _ := r.now(); state == sending && !e.send(ctx, r) {
		return
	}
	if state, _, number := r.now(); state == queued && number == 0 && !e.awaitBuild(ctx, r) {
		return
	}
	if state, _, _ := r.now(); state == running {
		e.awaitResult(ctx, r)
	}
}

// move records a step of the run, first on disk.
func (e *Enforcer) move(r *run, state, why string) {
	now := e.o.Now()
	l := r.line(now)
	l.State, l.Why = state, safe.Text(why, 200)
	if err := e.journal.write(l); err != nil {
		why = strings.TrimPrefix(why+"; "+err.Error(), "; ")
	}
	r.set(state, why, now)
}

// send triggers the run, trying again while the controller is away. It returns
// whether the run is queued or running.
func (e *Enforcer) send(ctx context.Context, r *run) bool {
	if !e.awaitTurn(ctx, r) {
		return false
	}
	// The deadline counts from here: of the runs that gathered while the
	// controller was away, each has its own and not what the others left.
	deadline := e.o.Now().Add(e.o.SendDeadline)
	lane := e.lane(r.job)
	select { // runs of one job are sent one after the other: their order is the order of the changes
	case lane <- struct{}{}:
		defer func() { <-lane }()
	case <-ctx.Done():
		return false
	}
	wait := pace{most: 10 * time.Second}
	for {
		if e.stopped(r) {
			e.move(r, cancelled, "cancelled before it was sent")
			return false
		}
		if !e.resolve(ctx, r) {
			state, _, _ := r.now()
			return !ended(state) && state != sending
		}
		if r.late(e.o.Now()) {
			e.move(r, errored, "its time was over before Jenkins could be told")
			return false
		}
		r.mu.Lock()
		r.sentAt = e.o.Now()
		r.mu.Unlock()
		item, err := e.client.trigger(ctx, r.job, r.form)
		if err == nil {
			r.mu.Lock()
			r.queue, r.sentAt = item, time.Time{}
			r.mu.Unlock()
			e.move(r, queued, "")
			return true
		}
		r.mu.Lock()
		var f *failure
		r.took = errors.As(err, &f) && f.took
		if !maybe(err) {
			r.sentAt = time.Time{}
		}
		r.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if !temporary(err) {
			e.move(r, errored, err.Error())
			return false
		}
		r.set(sending, err.Error(), e.o.Now())
		if !e.o.Now().Before(deadline) {
			return e.giveUp(ctx, r, err)
		}
		if pause(ctx, wait.next()) != nil {
			return false
		}
	}
}

// awaitTurn waits for the runs that r must not overtake.
func (e *Enforcer) awaitTurn(ctx context.Context, r *run) bool {
	for i, before := range e.ahead(r) {
		if i == 0 {
			close(r.held)
		}
		r.set(sending, "waits for job "+before.job+" to end, which does the opposite to the same address", e.o.Now())
		for !ended(before.stateNow()) && !e.stopped(r) {
			one, cancel := context.WithTimeout(ctx, time.Second)
			wait(one, before.over)
			cancel()
			if ctx.Err() != nil {
				return false
			}
		}
	}
	return true
}

// resolve finds out about an attempt whose outcome is not known, and says
// whether the run must still be sent. Until Jenkins has been asked nothing is
// sent a second time.
func (e *Enforcer) resolve(ctx context.Context, r *run) (send bool) {
	r.mu.Lock()
	at, took := r.sentAt, r.took
	r.mu.Unlock()
	if at.IsZero() {
		return true
	}
	if r.idParameter == "" {
		e.move(r, lost, "its outcome is not known, and without an {{id}} parameter it can't be looked for")
		return false
	}
	wait := pace{most: 10 * time.Second}
	for end := at.Add(e.o.SendDeadline); ; {
		where, err := e.client.find(ctx, r)
		switch {
		case err == nil && where != nil:
			e.met(r, where)
			return false
		case err == nil && e.o.Now().Sub(at) >= e.o.Call && took:
			e.move(r, lost, "Jenkins said it took it, but it is neither in its queue nor among its builds")
			return false
		case err == nil && e.o.Now().Sub(at) >= e.o.Call:
			return true // no exchange is under way any more, and it is not there
		case ctx.Err() != nil:
			return false
		case err != nil && !e.o.Now().Before(end):
			e.move(r, lost, "its outcome is not known: "+err.Error())
			return false
		}
		if pause(ctx, wait.next()) != nil {
			return false
		}
	}
}

// giveUp ends a run that could not be sent in time.
func (e *Enforcer) giveUp(ctx context.Context, r *run, err error) bool {
	r.mu.Lock()
	unknown := !r.sentAt.IsZero()
	r.mu.Unlock()
	if unknown {
		if !e.resolve(ctx, r) {
			state, _, _ := r.now()
			return !ended(state) && state != sending
		}
	}
	e.move(r, errored, err.Error())
	return false
}

// met notes where a run was found again.
func (e *Enforcer) met(r *run, where *found) {
	r.mu.Lock()
	r.queue, r.number, r.sentAt = where.queue, where.number, time.Time{}
	r.mu.Unlock()
	if where.number > 0 {
		e.move(r, running, "")
	} else {
		e.move(r, queued, "")
	}
}

// awaitBuild follows the queue item until a build begins. It returns whether
// one did.
func (e *Enforcer) awaitBuild(ctx context.Context, r *run) bool {
	deadline := e.o.Now().Add(e.o.QueueDeadline)
	wait := pace{most: 3 * time.Second}
	missed, late := 0, false
	for {
		_, id, _ := r.now()
		item, err := e.client.item(ctx, id)
		switch {
		case ctx.Err() != nil:
			return false
		case status(err) == http.StatusNotFound:
			// Five minutes after it left, and after a restart, an item is unknown.
			where, err := e.client.find(ctx, r)
			if err == nil && where != nil && where.number > 0 {
				e.met(r, where)
				return true
			}
			if err == nil && where == nil {
				if missed++; missed >= 3 {
					e.move(r, lost, "its queue item is gone and no build carries its number; look at the job's history")
					return false
				}
			}
		case err != nil:
			r.set(queued, err.Error(), e.o.Now())
		case item.Cancelled || item.left() && item.Executable == nil:
			e.move(r, cancelled, "cancelled in Jenkins' queue")
			return false
		case item.Executable != nil:
			if item.Executable.Number <= 0 {
				e.move(r, lost, "Jenkins named no build")
				return false
			}
			r.mu.Lock()
			r.number = item.Executable.Number
			r.mu.Unlock()
			e.move(r, running, "")
			return true
		default:
			r.set(queued, item.Why, e.o.Now())
		}
		if !late && (e.stopped(r) || !e.o.Now().Before(deadline)) {
			late = e.client.cancelItem(ctx, id) == nil // the next look sees what came of it
		}
		if e.o.Now().After(deadline.Add(e.o.Accept)) {
			e.move(r, lost, fmt.Sprintf("still in Jenkins' queue after %s; cancel item %d there", e.o.QueueDeadline, id))
			return false
		}
		if pause(ctx, wait.next()) != nil {
			return false
		}
	}
}

var results = map[string]string{"SUCCESS": success, "UNSTABLE": unstable, "FAILURE": failed, "ABORTED": aborted, "NOT_BUILT": aborted}

// awaitResult follows a build and its console to the end.
func (e *Enforcer) awaitResult(ctx context.Context, r *run) {
	deadline := e.o.Now().Add(e.o.BuildDeadline)
	wait := pace{most: 3 * time.Second}
	gone := 0
	for {
		_, queue, number := r.now()
		build, err := e.client.build(ctx, r.job, number)
		if ctx.Err() != nil {
			return
		}
		e.readConsole(ctx, r, number)
		switch {
		case status(err) == http.StatusNotFound:
			if gone++; gone >= 3 {
				e.move(r, lost, "its build was deleted")
				return
			}
		case err != nil:
			r.set(running, err.Error(), e.o.Now())
		case build.Number != number || queue > 0 && build.QueueID != queue:
			e.move(r, lost, fmt.Sprintf("build #%d belongs to another request", number))
			return
		case !build.Building && build.Result != "":
			state, known := results[build.Result]
			why := ""
			if !known {
				state, why = failed, "result "+safe.Text(build.Result, 40)
			}
			e.readConsole(ctx, r, number)
			e.move(r, state, why)
			return
		default:
			gone = 0
			r.set(running, "", e.o.Now())
		}
		if e.stopped(r) {
			if err := e.client.stop(ctx, r.job, number); err == nil {
				r.mu.Lock()
				r.stopped = false // once is enough
				r.mu.Unlock()
			}
		}
		if !e.o.Now().Before(deadline) {
			e.move(r, lost, fmt.Sprintf("no result after %s; look at it in Jenkins", e.o.BuildDeadline))
			return
		}
		if pause(ctx, wait.next()) != nil {
			return
		}
	}
}

// readConsole reads what the console has more. A console that can't be read
// is no reason to lose the build.
func (e *Enforcer) readConsole(ctx context.Context, r *run, number int64) {
	for range 64 { // a build that writes without end must not hold the poll
		r.mu.Lock()
		start := r.offset
		r.mu.Unlock()
		text, next, _, err := e.client.logFrom(ctx, r.job, number, start)
		if err != nil || next == start {
			return
		}
		r.append(text, next)
		if len(text) < 32<<10 {
			return
		}
	}
}

func (e *Enforcer) stopped(r *run) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

var (
	errNoRun    = errors.New("no such Jenkins job is known here")
	errStopping = errors.New("levee is stopping, it was not sent")
)

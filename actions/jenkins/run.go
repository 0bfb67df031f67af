package jenkins

import (
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"levee/actions"
	"levee/actions/internal/safe"
)

// States of a run, as actions.Job names them.
const (
	sending   = "sending"
	queued    = "queued"
	running   = "running"
	success   = "success"
	failed    = "failure"
	unstable  = "unstable"
	aborted   = "aborted"
	cancelled = "cancelled"
	lost      = "lost"  // it may or may not have run
	errored   = "error" // it surely did not run
)

func ended(state string) bool { return state != sending && state != queued && state != running }

// consoleMost is how much of a console is kept.
const consoleMost = 64 << 10

// run is one build, from the wish to its end.
type run struct {
	request     string
	verb        actions.Verb
	job         string
	idParameter string // which parameter carries the request id, "" none
	form        url.Values
	wants       []want
	began       time.Time

	taken chan struct{} // closed when Jenkins took it, or it ended before
	over  chan struct{} // closed when it ended
	held  chan struct{} // closed when it waits for another run to end

	mu      sync.Mutex
	state   string
	queue   int64
	number  int64
	why     string
	url     string
	endedAt time.Time
	sentAt  time.Time // of an attempt whose outcome is not known
	took    bool      // that attempt was answered with a yes
	raw     []byte    // console
	clean   string    // raw, sanitised; "" when it must be made again
	offset  int64
	stopped bool // somebody cancelled it

	looking chan struct{} // closed when a look for a lost run is over; guarded by Enforcer.mu
}

func newRun(l line) *run {
	r := &run{
		request: l.Request, verb: l.Verb, job: l.Job, idParameter: l.ID, form: l.Form, wants: l.Wants, began: l.Began,
		state: l.State, queue: l.Queue, number: l.Number, why: l.Why,
		taken: make(chan struct{}), over: make(chan struct{}), held: make(chan struct{}),
	}
	if r.state != sending {
		close(r.taken)
	}
	if ended(r.state) {
		r.endedAt = l.At
		close(r.over)
	}
	return r
}

func (r *run) line(now time.Time) line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return line{
		At: now, Request: r.request, Verb: r.verb, Job: r.job, ID: r.idParameter, Form: r.form, Wants: r.wants,
		State: r.state, Queue: r.queue, Number: r.number, Why: r.why, Began: r.began,
	}
}

func (r *run) now() (state string, queue, number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state, r.queue, r.number
}

// late reports whether all that the run wants was over by now.
func (r *run) late(now time.Time) bool {
	return len(r.wants) > 0 && !slices.ContainsFunc(r.wants, func(w want) bool { return w.Lift || w.Until.IsZero() || now.Before(w.Until) })
}

// set moves the run on. A run that ended stays as it ended.
func (r *run) set(state, why string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ended(r.state) {
		return
	}
	was := r.state
	r.state, r.why = state, safe.Text(why, 200)
	if was == sending && state != sending {
		close(r.taken)
	}
	if ended(state) {
		r.endedAt = now
		close(r.over)
	}
}

// snapshot is the run as a console shows it.
func (r *run) snapshot(base string, console bool) actions.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := actions.Job{
		Request: r.request, Verb: r.verb, Name: r.job, QueueID: r.queue, Number: r.number, State: r.state, Why: r.why,
		URL: r.url, Triggered: r.began, Ended: r.endedAt,
	}
	if j.URL == "" {
		if path, err := jobPath(r.job); err == nil {
			j.URL = base + path + "/"
			if r.number > 0 {
				j.URL += fmt.Sprintf("%d/", r.number)
			}
		}
	}
	if console {
		if r.clean == "" {
			r.clean = safe.Lines(string(r.raw))
		}
		j.Console = r.clean
	}
	return j
}

// append adds console text read up to next; a log that shrank was replaced and
// begins anew.
func (r *run) append(text string, next int64) {
	text = text[max(0, len(text)-consoleMost):]
	r.mu.Lock()
	defer r.mu.Unlock()
	if next < r.offset {
		r.raw = r.raw[:0]
	}
	r.raw, r.clean = append(r.raw, text...), ""
	if over := len(r.raw) - consoleMost; over > 0 {
		r.raw = append(r.raw[:0], r.raw[over:]...)
	}
	r.offset = next
}

// receipt is what the run means for one decision.
func (r *run) receipt(name, decision, base string, now time.Time) actions.Receipt {
	job := r.snapshot(base, false)
	c := actions.Receipt{Decision: decision, Enforcer: name, At: now, Job: &job}
	what := "job " + job.Name
	if job.Number > 0 {
		what += fmt.Sprintf(" #%d", job.Number)
	} else if job.QueueID > 0 {
		what += fmt.Sprintf(" (queue item %d)", job.QueueID)
	}
	c.Note = what + ": " + job.State
	if job.Why != "" {
		c.Note += ": " + job.Why
	}
	c.Note = safe.Text(c.Note, 300)
	switch job.State {
	case queued, running, success, unstable:
		c.OK = true
	case sending, lost:
		c.Unknown = true
	}
	return c
}

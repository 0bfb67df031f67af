package jenkins

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"levee/actions"
)

// Enforcer carries decisions out through jobs. It implements
// actions.Enforcer, actions.JobLister and actions.Resumer.
type Enforcer struct {
	o       Options
	client  *client
	journal *journal

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	runs    []*run          // oldest first
	latest  map[string]*run // by decision and direction
	lanes   map[string]chan struct{}
	waiting []*ticket
	busy    bool // a goroutine gathers
	last    time.Time
	closed  bool
}

var (
	_ actions.Enforcer  = (*Enforcer)(nil)
	_ actions.JobLister = (*Enforcer)(nil)
	_ actions.Resumer   = (*Enforcer)(nil)
)

// runsMost is how many runs are remembered.
const runsMost = 200

// New returns an Enforcer for o and goes on following the runs that the
// journal remembers. It sends nothing else.
func New(o Options) (*Enforcer, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	j, lines, err := openJournal(o.Journal, o.Now())
	if err != nil {
		return nil, err
	}
	e := &Enforcer{o: o, client: c, journal: j, latest: map[string]*run{}, lanes: map[string]chan struct{}{}}
	e.ctx, e.stop = context.WithCancel(context.Background())
	for _, l := range lines {
		r := newRun(l)
		if r.state == sending {
			r.sentAt = o.Now() // it may have been on its way until levee died
		}
		e.remember(r)
		if !ended(r.state) {
			e.work.Go(func() { e.pursue(e.ctx, r) })
		}
	}
	return e, nil
}

// Close ends the following of runs; builds go on in Jenkins, and the journal
// says where to find them.
func (e *Enforcer) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.work.Wait()
	e.client.close()
	return e.journal.close()
}

// Name returns Options.Name.
func (e *Enforcer) Name() string { return e.o.Name }

// Central says that a controller is the same one from every host of a fleet: only the
// host that decided asks it. It implements actions.Central.
func (e *Enforcer) Central() {}

// Handles reports whether there is a job for d that can express its target.
func (e *Enforcer) Handles(d actions.Decision) bool {
	job, ok := e.o.Jobs[d.Verb]
	switch {
	case !ok || d.Verb == actions.Unblock: // unblock is how a block is lifted, not a decision
		return false
	case d.Target.Prefix.IsValid():
		return job.uses("added")
	case d.Target.Signature != nil:
		return job.uses("signature")
	}
	return d.Verb != actions.Block && d.Verb != actions.Throttle
}

// List returns actions.ErrNoList: a job's effect can't be read back.
func (e *Enforcer) List(context.Context) ([]actions.Held, error) { return nil, actions.ErrNoList }

// Check asks for every job: is it there, may it be built?
func (e *Enforcer) Check(ctx context.Context) error {
	for _, verb := range slices.Sorted(maps.Keys(e.o.Jobs)) {
		if err := e.client.check(ctx, e.o.Jobs[verb].Job, slices.Sorted(maps.Keys(e.o.Jobs[verb].Parameters))); err != nil {
			return err
		}
	}
	return nil
}

// Jobs returns the runs of this program's life and those the journal
// remembers, latest first, at most 100.
func (e *Enforcer) Jobs() []actions.Job {
	e.mu.Lock()
	runs := slices.Clone(e.runs[max(0, len(e.runs)-100):])
	e.mu.Unlock()
	slices.Reverse(runs)
	jobs := make([]actions.Job, len(runs))
	for i, r := range runs {
		jobs[i] = r.snapshot(e.client.base, true)
	}
	return jobs
}

// Console returns the last 64 KiB of a run's console, sanitised.
func (e *Enforcer) Console(request string) string {
	if r := e.byRequest(request); r != nil {
		return r.snapshot(e.client.base, true).Console
	}
	return ""
}

// Cancel takes a run out of Jenkins' queue or stops its build. It returns at
// once; Jobs shows what came of it.
func (e *Enforcer) Cancel(_ context.Context, request string) error {
	r := e.byRequest(request)
	if r == nil {
		return errNoRun
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ended(r.state) {
		return fmt.Errorf("job %s has ended: %s", r.job, r.state)
	}
	r.stopped = true
	return nil
}

func (e *Enforcer) byRequest(request string) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		if r.request == request {
			return r
		}
	}
	return nil
}

// remember makes r the latest run of its decisions. The caller holds mu, or is
// alone.
func (e *Enforcer) remember(r *run) {
	e.runs = append(e.runs, r)
	for _, w := range r.wants {
		e.latest[w.key()] = r
	}
	for len(e.runs) > runsMost && ended(e.runs[0].stateNow()) {
		for _, w := range e.runs[0].wants {
			if e.latest[w.key()] == e.runs[0] {
				delete(e.latest, w.key())
			}
		}
		e.runs = e.runs[1:]
	}
}

func (r *run) stateNow() string {
	s, _, _ := r.now()
	return s
}

func (w want) key() string {
	if w.Lift {
		return "-" + w.Decision
	}
	return "+" + w.Decision
}

// ahead returns the runs that began before r, have not ended, and do the
// opposite of what r does to one of its targets. Jenkins runs builds of
// different jobs, and often of one, in any order: a block that is built after
// its own undo would stay.
func (e *Enforcer) ahead(r *run) []*run {
	e.mu.Lock()
	defer e.mu.Unlock()
	lifts := map[string]bool{}
	for _, w := range r.wants {
		if w.Place != "" {
			lifts[w.Place] = w.Lift
		}
	}
	var before []*run
	for _, x := range e.runs {
		if x == r {
			break
		}
		if !ended(x.stateNow()) && slices.ContainsFunc(x.wants, func(w want) bool { lift, both := lifts[w.Place]; return both && lift != w.Lift }) {
			before = append(before, x)
		}
	}
	return before
}

func (e *Enforcer) lane(job string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lanes[job] == nil {
		e.lanes[job] = make(chan struct{}, 1)
	}
	return e.lanes[job]
}

package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"levee/actions/internal/safe"
	"levee/detect"
)

// mostInBatch bounds what an enforcer is given at once.
const mostInBatch = 10000

// callLasts bounds one call of an enforcer: its own deadlines are shorter, and
// one that ignores them must not stop the lane for good.
const callLasts = 2 * time.Minute

// lane is the queue of one enforcer. Enforcers don't wait for each other: a
// packet filter acts in milliseconds while a build server thinks.
type lane struct {
	bit      uint64
	enforcer Enforcer

	mu    sync.Mutex
	queue []order
	wake  chan struct{}

	health EnforcerHealth // guarded by Dispatcher.mu
	failed uint64         // likewise
	noList bool           // guarded by Dispatcher.mu: List said ErrNoList
}

// order asks a lane to bring one record to the enforcer or take it away.
type order struct {
	r    *record
	lift bool // take it away
	ask  bool // find out whether it arrived, see Resumer
}

func newLane(i int, e Enforcer) *lane {
	return &lane{bit: 1 << i, enforcer: e, wake: make(chan struct{}, 1), health: EnforcerHealth{Name: e.Name(), OK: true}}
}

func (l *lane) push(o order) {
	l.mu.Lock()
	l.queue = append(l.queue, o)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next takes the run of orders of one kind at the head of the queue.
func (l *lane) next() []order {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.queue) && n < mostInBatch && l.queue[n].lift == l.queue[0].lift && l.queue[n].ask == l.queue[0].ask {
		n++
	}
	batch := l.queue[:n:n]
	if l.queue = l.queue[n:]; len(l.queue) == 0 {
		l.queue = nil
	}
	return batch
}

// send queues r where it must go: to every enforcer that takes it, or, when
// it ends, to every enforcer that may hold it. The caller holds mu.
func (d *Dispatcher) send(r *record) {
	lift := r.end != ""
	asked := r.pending
	r.pending, r.more = 0, 0
	var to []*lane
	if !r.dryRun && (!lift || r.verb.lasting()) {
		x := r.decision()
		for _, l := range d.lanes {
			if lift && (r.took|r.unsure)&l.bit != 0 || !lift && d.takes(l, &x) {
				r.pending |= l.bit
				to = append(to, l)
			}
		}
	}
	for _, l := range to {
		if !lift {
			// From here on it may have arrived, whatever happens next.
			r.unsure |= l.bit
			r.more |= asked & l.bit
		}
		l.push(order{r: r, lift: lift})
	}
	if len(to) == 0 {
		d.settled(r)
	}
}

// checkEvery is how often an idle enforcer is asked whether it is well, and
// relistEvery how often what it holds is compared with what should stand:
// somebody may have flushed it.
const (
	checkEvery  = 30 * time.Second
	relistEvery = 10 * time.Minute
)

// runLane gives l's enforcer its orders until ctx ends.
func (d *Dispatcher) runLane(ctx context.Context, l *lane) {
	d.keepOpen(ctx, l)
	d.reconcileUntilDone(ctx, l)
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	relist := time.NewTicker(relistEvery)
	defer relist.Stop()
	for ctx.Err() == nil { // what is not sent by then has its intent on disk
		if batch := d.nextOf(l); len(batch) > 0 {
			d.carryOut(ctx, l, batch)
			continue
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-check.C:
			d.keepOpen(ctx, l)
			d.checkHealth(ctx, l)
		case <-relist.C:
			if err := d.reconcile(ctx, l); err != nil && ctx.Err() == nil {
				d.unwell(l, err)
			}
		}
	}
}

// nextOf takes l's next orders, but not while others are on their way: an
// enforcer that is given three of a thousand may keep the rest waiting.
func (d *Dispatcher) nextOf(l *lane) []order {
	d.mu.Lock() // whoever queues orders holds it
	defer d.mu.Unlock()
	return l.next()
}

// keepOpen tells l's enforcer for whom SSH stays open.
func (d *Dispatcher) keepOpen(ctx context.Context, l *lane) {
	door, ok := l.enforcer.(Doorkeeper)
	if !ok || d.o.Known == nil {
		return
	}
	call, cancel := context.WithTimeout(ctx, checkEvery)
	defer cancel()
	if err := door.KeepOpen(call, d.o.Known()); err != nil && ctx.Err() == nil {
		d.unwell(l, fmt.Errorf("keep SSH open for operators: %w", err))
	}
}

func (d *Dispatcher) carryOut(ctx context.Context, l *lane, batch []order) {
	ready, ds := d.recheck(l, batch)
	if len(ready) == 0 {
		d.writeChanges(ctx)
		return
	}
	call, cancel := context.WithTimeout(ctx, callLasts)
	defer cancel()
	var receipts []Receipt
	var err error
	if asked, ok := l.enforcer.(Resumer); ok && batch[0].ask {
		receipts, err = asked.Resume(call, ds)
	} else if batch[0].lift {
		receipts, err = l.enforcer.Revoke(call, ds)
	} else {
		receipts, err = l.enforcer.Apply(call, ds)
	}
	if ctx.Err() != nil && err != nil {
		return // levee is stopping; the next start finds out
	}
	d.hear(l, ready, receipts, err)
	d.writeChanges(ctx)
}

// recheck drops orders that are out of date, and those that the guardrails
// forbid by now.
func (d *Dispatcher) recheck(l *lane, batch []order) ([]order, []Decision) {
	seen := d.seenNow(batch)
	d.mu.Lock()
	defer d.mu.Unlock()
	var operators *check
	ready := make([]order, 0, len(batch))
	ds := make([]Decision, 0, len(batch))
	for i, o := range batch {
		r := o.r
		if o.lift != (r.end != "") || r.pending&l.bit == 0 {
			continue // it was undone before it was sent, or asked twice
		}
		if !o.lift {
			if operators == nil {
				operators = d.newCheck(&Request{})
			}
			if !r.expires.IsZero() && !d.now().Before(r.expires) {
				r.unsure &^= l.bit
				d.lift(r, Expired, r.actor, ttlEnded)
				continue
			}
			if no := d.lastWord(r, &seen[i], operators); no != nil {
				r.unsure &^= l.bit
				d.lift(r, Undone, Actor{Name: "guardrail", Via: "restart"}, no.String())
				continue
			}
		}
		ready = append(ready, o)
		ds = append(ds, r.decision())
	}
	return ready, ds
}

const (
	// seenLasts is how long what auto mode saw of a target is good for.
	seenLasts = 30 * time.Second
	// lookMost bounds how many targets are looked up while the detector waits.
	lookMost = 500
)

// seenNow returns what the traffic shows of the targets that batch is about to
// hit, in its order: what was light when it was planned may be heavy by now.
// What auto mode has just seen for itself is not looked up again: under attack
// there are thousands, and the detector has better to do.
func (d *Dispatcher) seenNow(batch []order) []detect.Suspect {
	seen := make([]detect.Suspect, len(batch))
	if d.o.Traffic == nil || batch[0].lift {
		return seen
	}
	now := d.now()
	var ps []netip.Prefix
	var at []int
	for i, o := range batch {
		fresh := o.r.auto() && o.r.host == d.o.Host && now.Sub(o.r.created) < seenLasts
		if p := o.r.target.Prefix; p.IsValid() && o.r.verb != Allow && !fresh {
			ps, at = append(ps, p), append(at, i)
		}
	}
	for from := 0; from < len(ps); from += lookMost {
		for i, s := range d.o.Traffic.Suspects(ps[from:min(from+lookMost, len(ps))]) {
			seen[at[from+i]] = s
		}
	}
	return seen
}

// lastWord is the guardrails right before r is sent. The caller holds mu.
func (d *Dispatcher) lastWord(r *record, seen *detect.Suspect, c *check) *Refusal {
	if r.auto() && !d.switches.Armed && r.state == Intent {
		return &Refusal{Target: r.target, Rule: "disarmed", Value: "automation was stopped by " + d.switches.By, Mend: "arm it again"}
	}
	if r.verb == Allow {
		return nil
	}
	return d.guards(r.target, r.actor, seen, c.operators)
}

// errMissing is what stands in a receipt that an enforcer owes.
var errMissing = errors.New("the enforcer gave no answer for it")

// hear takes an enforcer's answer to orders.
func (d *Dispatcher) hear(l *lane, orders []order, receipts []Receipt, err error) {
	now := d.now()
	answers := make(map[string]*Receipt, len(receipts))
	for i := range receipts {
		answers[receipts[i].Decision] = &receipts[i]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	told := err != nil && !l.health.OK && l.health.Note == safe.Text(err.Error(), lineMost)
	// One that was down and refuses everything is not well again.
	if err != nil || l.health.OK || slices.ContainsFunc(receipts, func(c Receipt) bool { return c.OK }) {
		l.health = EnforcerHealth{Name: l.enforcer.Name(), OK: err == nil, At: now}
	}
	if err != nil {
		l.health.Note = safe.Text(err.Error(), lineMost)
		if !told { // people hear of it once, not with each try
			d.notices.add(now, "error", fmt.Sprintf("%s: %s", l.enforcer.Name(), l.health.Note))
		}
	}
	sum := tally{by: map[tallyKey]*tallyLine{}}
	defer func() { sum.tell(d, now) }()
	for _, o := range orders {
		was := o.r.state
		c := Receipt{Decision: o.r.id, Enforcer: l.enforcer.Name(), Unknown: true, At: now}
		if a := answers[o.r.id]; a != nil {
			c = *a
			c.Enforcer = l.enforcer.Name()
			c.At = cmp.Or(c.At, now)
			c.Note = safe.Text(c.Note, lineMost)
		} else if err != nil {
			c.Note = l.health.Note
		} else {
			c.Note = errMissing.Error()
		}
		if !c.OK {
			l.failed++
		}
		d.answer(l, o, c)
		sum.add(o.r, was)
	}
}

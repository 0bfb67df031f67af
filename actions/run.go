package actions

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// publishEvery bounds how often the Board changes: consoles look at it four
// times a second at most.
const publishEvery = 250 * time.Millisecond

// Run sends what was committed and lifts what ends, until ctx ends. It returns
// when all it started has stopped; what was not sent by then is on disk and is
// taken up by the next start.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.resurrect()
	var lanes sync.WaitGroup
	for _, l := range d.lanes {
		lanes.Go(func() { d.runLane(ctx, l) })
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			lanes.Wait()
			// The last words of the enforcers must not be lost to the ledger.
			d.writeChanges(context.WithoutCancel(ctx))
			d.publish()
			return ctx.Err()
		case <-d.wake:
			// Gather what comes within a moment: one Board for all of it.
			tick.Reset(publishEvery / 5)
		case <-tick.C:
			tick.Reset(d.step(ctx))
		}
	}
}

// resurrect takes up what the last run left: what it was undoing is lifted,
// and what may not stand any more.
func (d *Dispatcher) resurrect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.records {
		if r.durable && r.end != "" && r.pending == 0 {
			d.due.schedule(r)
			d.send(r)
			continue
		}
		if r.durable && r.verb != Allow {
			if no := d.guards(r.target, r.actor, &noSuspect, nil); no != nil {
				d.lift(r, Undone, Actor{Name: "guardrail", Via: "restart"}, no.String())
				continue
			}
		}
		if r.durable && r.took|r.unsure|r.pending == 0 && r.state == Intent {
			d.send(r)
		}
	}
}

// step does what is due and returns how long nothing will be.
func (d *Dispatcher) step(ctx context.Context) time.Duration {
	now := d.now()
	d.expire(now)
	d.retry(now)
	d.sweep(now)
	d.measureEffects(now)
	d.writeChanges(ctx)
	dirty := d.dirty.Swap(false)
	if dirty || d.hasJobs() {
		d.publish()
	}
	if dirty {
		return publishEvery
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// Never longer than a second: the wall clock may jump.
	wait := time.Second
	if len(d.due) > 0 {
		wait = min(wait, max(publishEvery/5, d.due[0].expires.Sub(now)))
	}
	return wait
}

func (d *Dispatcher) hasJobs() bool {
	for _, l := range d.lanes {
		if _, ok := l.enforcer.(JobLister); ok {
			return true
		}
	}
	return false
}

// While the data is stale, a block of auto mode is kept staleAhead before its
// end, each time for at least staleStep.
const (
	staleAhead = 2 * time.Second
	staleStep  = 30 * time.Second
)

// expire lifts what has ended by now. While the data is stale, auto mode's
// blocks stay instead: or staleness would be an off switch for attackers.
func (d *Dispatcher) expire(now time.Time) {
	stale, _ := d.stale()
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.due) > 0 {
		r := d.due[0]
		if stale && d.o.Traffic != nil && r.auto() && r.verb.lasting() && !r.expires.After(now.Add(staleAhead)) &&
			now.Sub(r.created) < d.o.MaxTTL && r.stands() {
			// Far enough for it to leave the head of the queue: whatever the TTL,
			// a pass takes each record once.
			d.extend(r, now, max(min(r.ttl, 10*time.Minute), staleStep))
			continue
		}
		if r.expires.After(now) {
			break
		}
		if !r.durable {
			heap.Remove(&d.due, r.due)
			continue
		}
		d.lift(r, Expired, r.actor, ttlEnded)
		if r.due >= 0 { // it can't stay at the head, whatever happened
			heap.Remove(&d.due, r.due)
		}
		d.dirty.Store(true)
	}
}

// sweep forgets what nothing asks for any more, once a minute.
func (d *Dispatcher) sweep(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.swept) < time.Minute {
		return
	}
	d.swept = now
	d.exempt.forget(now)
	for key, p := range d.past {
		if now.Sub(p.ended) > pastLasts {
			delete(d.past, key)
		}
	}
	keep := make(map[string]bool, len(d.records)+len(d.recent))
	for _, r := range d.records {
		keep[r.request] = true
	}
	for i := range d.recent {
		keep[d.recent[i].Request] = true
	}
	for id := range d.requests {
		if !keep[id] {
			delete(d.requests, id)
		}
	}
}

// pastLasts is how long the returns of a source are remembered.
const pastLasts = 48 * time.Hour

// ttlEnded is Decision.EndedBy of what nobody ended.
const ttlEnded = "its TTL ended"

// extend moves r's end to now+ttl and has the enforcers move theirs. r must not
// be ending. The caller holds mu.
func (d *Dispatcher) extend(r *record, now time.Time, ttl time.Duration) {
	r.expires = now.Add(ttl)
	if r.expires.Sub(r.created) > r.ttl {
		r.changed = now
	}
	d.due.schedule(r)
	d.changes = append(d.changes, Entry{Kind: Renewed, At: now, Actor: Auto, Decision: r.decision()})
	d.send(r)
	d.dirty.Store(true)
}

// retry sends again what failed and is due.
func (d *Dispatcher) retry(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting := d.retries
	d.retries = nil
	for _, x := range waiting {
		if now.Before(x.at) {
			d.retries = append(d.retries, x)
			continue
		}
		if d.records[x.r.id] == x.r && x.r.pending == 0 {
			d.sendAgain(x.r)
		}
	}
}

// sendAgain queues r for the enforcers that don't hold it yet, or still do
// when it ends. The caller holds mu.
func (d *Dispatcher) sendAgain(r *record) {
	if r.end != "" {
		d.send(r)
		return
	}
	x := r.decision()
	for _, l := range d.lanes {
		if r.took&l.bit != 0 || !d.takes(l, &x) {
			continue
		}
		_, canTell := l.enforcer.(Resumer)
		ask := l.noList && r.unsure&l.bit != 0
		if ask && !canTell {
			continue // it can only be looked up by a person
		}
		r.pending |= l.bit
		r.unsure |= l.bit
		l.push(order{r: r, ask: ask})
	}
}

package actions

import (
	"time"

	"levee/detect"
)

// noSuspect is what is known of a source nothing is known of.
var noSuspect detect.Suspect

// retry is an act to be tried again at a time.
type retry struct {
	at time.Time
	r  *record
}

// answer notes one enforcer's answer for one record. The caller holds mu.
func (d *Dispatcher) answer(l *lane, o order, c Receipt) {
	r := o.r
	if o.ask && !c.OK && !c.Unknown && r.end == "" {
		// It never arrived: now it may be sent without doing it twice.
		l.push(order{r: r})
		return
	}
	if r.pending&l.bit == 0 || o.lift != (r.end != "") {
		// It answers a question that is no longer asked, but what it took it
		// holds.
		if !o.lift && (c.OK || c.Unknown) {
			d.tookLate(l, r, c)
		}
		return
	}
	if r.more&l.bit == 0 {
		r.pending &^= l.bit
	}
	r.more &^= l.bit // what it was asked since, it has still to answer
	r.keep(c)
	switch {
	case o.lift && c.OK:
		r.took &^= l.bit
		r.unsure &^= l.bit
	case o.lift: // it still holds it, as far as anybody knows
	case c.OK:
		r.took |= l.bit
		r.unsure &^= l.bit
	case c.Unknown:
		r.unsure |= l.bit
	default:
		r.unsure &^= l.bit
	}
	if r.pending == 0 {
		d.settled(r)
	}
}

// tookLate is for an act that was undone while the enforcer was taking it: the
// undo did not know, so it is sent again.
func (d *Dispatcher) tookLate(l *lane, r *record, c Receipt) {
	r.keep(c)
	r.took |= l.bit
	if r.end != "" && d.records[r.id] == r && r.pending&l.bit == 0 {
		r.pending |= l.bit
		l.push(order{r: r, lift: true})
	}
}

// mostTries is how often an enforcer that says no is asked again.
const mostTries = 3

// settled is called when every enforcer asked has answered. The caller holds
// mu.
func (d *Dispatcher) settled(r *record) {
	now := d.now()
	if r.end != "" {
		d.settledLift(r, now)
		return
	}
	was := r.state
	asked, failed := len(r.receipts) > 0, false
	for _, c := range r.receipts {
		failed = failed || !c.OK && !c.Unknown
	}
	switch {
	case r.unsure != 0:
		r.state = Unknown
	case r.took != 0 || !asked:
		if r.state != Verified {
			r.state = Applied
		}
	default:
		r.state = Failed
	}
	if was == Intent {
		d.inFlight--
	}
	if r.state == Failed && r.tries >= mostTries || r.state == Failed && !r.verb.lasting() {
		d.close(r, Failed, now)
		return
	}
	if failed && r.tries < mostTries || r.state == Unknown || r.state == Failed {
		if r.state == Failed {
			r.state = Intent // not yet given up
			d.inFlight++
		}
		d.again(r, now)
	} else {
		r.tries = 0
	}
	if was != r.state || r.took != r.written {
		r.written = r.took
		d.changed(r, now, r.actor)
	}
	if r.state == Applied && was != Applied && r.predicts > 0 && (r.verb == Block || r.target.Signature != nil) && !r.dryRun {
		d.measure = append(d.measure, measuring{now.Add(measureAfter), r})
	}
}

func (d *Dispatcher) settledLift(r *record, now time.Time) {
	if d.records[r.id] != r {
		return // it has ended already
	}
	if r.state == Intent {
		d.inFlight--
	}
	if (r.took|r.unsure) == 0 || r.dryRun || !r.verb.lasting() {
		d.close(r, r.end, now)
		return
	}
	if r.state == Intent {
		r.state = Unknown
	}
	// Nothing stays that nobody wants: it is tried until it is gone.
	d.again(r, now)
	if r.tries == 1 {
		d.notices.add(now, "error", "lifting "+r.target.String()+" failed, it is tried again: "+r.lastNote())
		d.changed(r, now, *r.ender)
	}
}

func (r *record) lastNote() string {
	for _, c := range r.receipts {
		if !c.OK {
			return c.Enforcer + ": " + c.Note
		}
	}
	return ""
}

// again queues r for another try, later each time, at most a minute away.
func (d *Dispatcher) again(r *record, now time.Time) {
	r.tries++
	wait := min(time.Second<<min(r.tries-1, 6), time.Minute)
	d.retries = append(d.retries, retry{now.Add(wait), r})
}

// close ends r. The caller holds mu.
func (d *Dispatcher) close(r *record, end State, now time.Time) {
	r.state = end
	ender := r.actor
	if r.ender != nil {
		ender = *r.ender
	}
	d.changed(r, now, ender)
	d.remove(r)
}

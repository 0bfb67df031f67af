package actions

import (
	"net/netip"
	"time"

	"levee/detect"
)

// measureAfter is how long after an act its effect is measured: the rates are
// over 10 s, so by then they show only what came after it.
const measureAfter = 12 * time.Second

// measuring is a decision whose effect is to be looked at.
type measuring struct {
	at time.Time
	r  *record
}

// stillComes returns, for each act, how many requests/s of what it hits still
// get through; -1 where nothing is known of them.
func (d *Dispatcher) stillComes(ms []measuring) []float64 {
	left := make([]float64, len(ms))
	incidents := d.o.Traffic.Snapshot().Incidents
	var ps []netip.Prefix
	var at []int
	for i := range ms {
		t := ms[i].r.target
		switch {
		case t.Prefix.IsValid():
			ps, at = append(ps, t.Prefix), append(at, i)
		case t.Signature != nil:
			left[i] = excessLeft(incidents, t)
		}
	}
	if len(ps) > 0 {
		for i, s := range d.o.Traffic.Suspects(ps) {
			switch s.TopStatus {
			case 403, 429, 444:
			default:
				left[at[i]] = s.Rate
			}
		}
	}
	return left
}

// excessLeft is how many requests/s beyond the usual ones still get through of
// what the signature t takes; -1 where no incident has it.
func excessLeft(incidents []detect.Incident, t Target) float64 {
	left := -1.0
	for i := range incidents {
		if in := &incidents[i]; in.Service == t.Service && in.Signature == *t.Signature {
			left = max(left, 0)
			if in.Closed.IsZero() {
				left = max(left, in.Rate-in.Refused-in.Baseline)
			}
		}
	}
	return left
}

// measureEffects compares what acts were predicted to remove with what fell
// away. A request that the server turned away counts as removed.
func (d *Dispatcher) measureEffects(now time.Time) {
	if d.o.Traffic == nil {
		return
	}
	d.mu.Lock()
	n := 0
	for n < len(d.measure) && n < mostInBatch && !now.Before(d.measure[n].at) {
		n++
	}
	ready := d.measure[:n]
	d.measure = d.measure[n:]
	d.mu.Unlock()
	if stale, _ := d.stale(); n == 0 || stale {
		return // silence of the log is no effect
	}
	left := d.stillComes(ready)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, m := range ready {
		r := m.r
		if r.end != "" || !r.state.Active() {
			continue
		}
		if left[i] < 0 {
			continue // nothing is known of it
		}
		r.effect = &Effect{Predicted: r.predicts, Measured: max(0, r.predicts-left[i])}
		if r.state == Applied && r.effect.Measured >= 0.8*r.effect.Predicted {
			r.state = Verified
		}
		d.changed(r, now, r.actor)
	}
}

package actions

import (
	"net/netip"
	"time"
)

// measureAfter is how long after an act its effect is measured: the rates are
// over 10 s, so by then they show only what came after it.
const measureAfter = 12 * time.Second

// measuring is a decision whose effect is to be looked at.
type measuring struct {
	at time.Time
	r  *record
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
	ps := make([]netip.Prefix, n)
	for i := range ready {
		ps[i] = ready[i].r.target.Prefix
	}
	seen := d.o.Traffic.Suspects(ps)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, m := range ready {
		r := m.r
		if r.end != "" || !r.state.Active() {
			continue
		}
		left := seen[i].Rate
		switch seen[i].TopStatus {
		case 403, 429, 444:
			left = 0
		}
		r.effect = &Effect{Predicted: r.predicts, Measured: max(0, r.predicts-left)}
		if r.state == Applied && r.effect.Measured >= 0.8*r.effect.Predicted {
			r.state = Verified
		}
		d.changed(r, now, r.actor)
	}
}

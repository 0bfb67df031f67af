package station

import (
	"sync/atomic"
	"time"

	"levee/detect"
)

// past is the traffic of the last day, coarser than the snapshots' seconds: a
// chart of a day needs no more. The judge writes it, consoles read it.
type past struct {
	shown atomic.Pointer[[]detect.Point] // whole points, oldest first; never written again once stored
	sum   detect.Point                   // of the point that is filling
	base  float64
	n     uint32 // seconds in sum
	last  int64  // newest second taken, Unix seconds
}

const (
	pastStep = 10           // seconds a point
	pastKept = 86400 / 10   // points: a day
	pastRoom = pastKept / 8 // points by which the slice may outgrow that before it is cut
)

// take adds the seconds of s that are whole and were not taken yet.
func (p *past) take(s *detect.Snapshot) {
	h := s.History
	if len(h) < 2 {
		return
	}
	h = h[:len(h)-1] // the newest second is still filling
	if h[len(h)-1].Time <= p.last {
		return
	}
	from := len(h)
	for from > 0 && h[from-1].Time > p.last {
		from--
	}
	var whole []detect.Point
	for i := range h[from:] {
		x := &h[from+i]
		if at := x.Time - x.Time%pastStep; at != p.sum.Time {
			if p.n > 0 {
				whole = append(whole, p.mean())
			}
			p.sum, p.base, p.n = detect.Point{Time: at, P95: -1}, 0, 0
		}
		p.n++
		p.sum.Requests += x.Requests
		p.sum.Errors += x.Errors
		p.sum.Refused += x.Refused
		p.sum.P95 = max(p.sum.P95, x.P95)
		p.sum.Incident = p.sum.Incident || x.Incident
		p.base += float64(x.Baseline)
		p.last = x.Time
	}
	if len(whole) == 0 {
		return
	}
	var old []detect.Point
	if was := p.shown.Load(); was != nil {
		old = *was
	}
	if len(old) >= pastKept+pastRoom {
		old = append(make([]detect.Point, 0, pastKept+2*pastRoom), old[len(old)-pastKept:]...)
	}
	all := append(old, whole...) // behind what readers hold: they never look past their length
	p.shown.Store(&all)
}

// mean is the point that has filled: averages a second, the greatest latency.
func (p *past) mean() detect.Point {
	m := p.sum
	m.Requests, m.Errors, m.Refused = m.Requests/p.n, m.Errors/p.n, m.Refused/p.n
	m.Baseline = float32(p.base / float64(p.n))
	return m
}

// History returns the traffic of the last span, at most a day: one point for
// every ten seconds, each the mean of its seconds, oldest first. What is
// returned is never written again.
func (s *Station) History(span time.Duration) []detect.Point {
	p := s.judge.past.shown.Load()
	if p == nil {
		return nil
	}
	all := *p
	return all[max(0, len(all)-min(pastKept, int(span/time.Second)/pastStep)):]
}

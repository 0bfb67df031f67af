package detect

import "levee/detect/sketch"

// openSecond makes room for second e.sec.
func (e *Engine) openSecond() {
	s := &e.slots[e.sec%recentSeconds]
	s.sec, s.n, s.total = e.sec, 0, 0
	for i := range e.services {
		e.services[i].open(e.sec)
	}
	e.total.open(e.sec)
	e.history[e.sec%historySeconds] = Point{Time: e.sec, P95: -1}
}

func (s *service) open(sec int64) {
	s.ring[sec%10] = second{}
	if q := sec / 15; uint64(q) != s.minutes {
		s.minutes = uint64(q)
		s.distinct[q%4] = sketch.Distinct{}
		s.peers.Decay(0.97)
	}
	if sec%5 == 0 {
		s.took.Decay(0.6)
	}
}

// countService notes a request in its service's second.
func (e *Engine) countService(r *Request, f *feature, src *source, h uint64, sec int64, fresh, late bool) {
	s := &e.services[f.service]
	s.requests++
	s.note(r, h, sec, fresh)
	e.total.note(r, h, sec, fresh)
	if late {
		return
	}
	s.rate.cur++
	if f.status >= 500 {
		s.failing.cur++
	}
	if f.status == 408 || f.status == 499 || r.Kind == NoRequest {
		s.broken.cur++
		s.brokenStatus = value(f, src.key, dimStatus)
	}
	if src.marks&markBare != 0 {
		s.bare.cur++
	}
	if f.route != 0 {
		e.routes[f.route].rate.cur++
	}
	p := &e.history[sec%historySeconds]
	p.Requests++
	if r.Status >= 400 {
		p.Errors++
	}
	if r.Status == 403 || r.Status == 429 || r.Status == 444 {
		p.Refused++
	}
}

func (s *service) note(r *Request, h uint64, sec int64, fresh bool) {
	w := &s.ring[sec%10]
	w.requests++
	if c := r.Status / 100; c < 6 {
		w.status[c]++
	} else {
		w.status[0]++
	}
	if fresh {
		w.fresh++
	}
	s.distinct[sec/15%4].Add(h)
	if r.Duration >= 0 {
		s.took.Add(float64(r.Duration) / 1000)
	}
}

// closeSecond ends e.sec: series take it in, what happened is judged, and what
// is old enough is learnt.
func (e *Engine) closeSecond() {
	sec := e.sec
	e.copyChosen()
	e.updateIncidents(sec)
	for i := range e.services {
		s := &e.services[i]
		frozen := e.frozen(uint8(i)) || e.planned(uint8(i), sec)
		s.rate.close(sec, frozen)
		s.slowFails.cur += s.fails.cur
		s.slowBare.cur += s.bare.cur
		if sec%10 == 9 {
			s.slowFails.close(sec, frozen)
			s.slowBare.close(sec, frozen)
		}
		s.fails.close(sec, frozen)
		s.missing.close(sec, frozen)
		s.bare.close(sec, frozen)
		s.failing.close(sec, frozen)
		if e.failing(uint8(i)) {
			s.failedAt = sec
		}
		s.broken.close(sec, frozen)
		if !frozen && s.rate.n > 60 {
			s.week[hourOfWeek(sec)].add(s.rate.ten, 7200)
		}
	}
	for i := range e.services {
		if e.services[i].rate.ten > e.services[e.busiest].rate.ten {
			e.busiest = uint8(i)
		}
		e.services[i].factor = e.expected(uint8(i), sec)
		e.services[i].loud, e.services[i].loudBy = [loudRoutes]uint16{}, [loudRoutes]float64{}
	}
	for i := 1; i < len(e.routes); i++ {
		r := &e.routes[i]
		if r.rate.n > 0 || r.rate.cur > 0 {
			r.rate.close(sec, e.frozenRoute(uint16(i)))
			if x, ok := r.rate.alarm(2, e.services[r.service].factor); ok {
				e.services[r.service].heard(uint16(i), r, x)
			}
		}
	}
	e.total.rate.cur = e.history[sec%historySeconds].Requests
	e.total.rate.close(sec, e.hostileOpen())
	p := &e.history[sec%historySeconds]
	p.Baseline = float32(e.usualTotal())
	p.Incident = e.hostileOpen()
	if e.total.took.Weight() > 0 {
		p.P95 = float32(e.total.took.At(0.95) / 1e6)
	}
	age := int64(8)
	if sec-e.start > 120 {
		age = 40
	}
	e.learn(sec - age)
	for i := range e.services {
		e.seekExcess(uint8(i), sec)
	}
	if sec%8 == 0 {
		e.trimSuspects()
	}
}

func hourOfWeek(sec int64) int { return int((sec/3600 + 96) % 168) }

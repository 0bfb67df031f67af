package detect

import "time"

// planned is an event people told of.
type planned struct {
	from, to int64
	factor   float64
}

// Expect tells the baseline of a planned event: between from and to, service
// ("" for all) is expected to see factor times its usual traffic.
func (e *Engine) Expect(service string, from, to time.Time, factor float64) {
	if factor <= 0 || !to.After(from) {
		return
	}
	p := planned{from.Unix(), to.Unix(), factor}
	found := service == ""
	for i := range e.services {
		if s := &e.services[i]; service == "" || s.name == service {
			s.plan = append(s.plan, p)
			found = true
		}
	}
	if !found {
		if i := e.addService(service); i != otherService {
			e.services[i].plan = append(e.services[i].plan, p)
		}
	}
}

// expected is how many times the usual rate of the last minutes a service is
// expected to see at second sec: because people said so, or because this hour
// of the week is a busy one.
func (e *Engine) expected(svc uint8, sec int64) float64 {
	s := &e.services[svc]
	f := 1.0
	for _, p := range s.plan {
		if sec >= p.from && sec < p.to {
			f = max(f, p.factor)
		}
	}
	if w := &s.week[hourOfWeek(sec)]; w.n >= weekLeast && s.rate.mean > 0 {
		f = max(f, min(float64(w.mean)/float64(s.rate.mean), 20))
	}
	return f
}

// planned reports whether a planned event is on, which teaches nothing.
func (e *Engine) planned(svc uint8, sec int64) bool {
	for _, p := range e.services[svc].plan {
		if sec >= p.from && sec < p.to {
			return true
		}
	}
	return false
}

// weekLeast is how many seconds of an hour of the week must have been seen
// before that hour says what to expect: two weeks' worth.
const weekLeast = 6000

// learning reports whether the baseline is still cold.
func (e *Engine) learning() bool { return !e.warm && e.sec-e.start < 120 }

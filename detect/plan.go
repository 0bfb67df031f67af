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
		if i := e.addService(service, hashBytes([]byte(service), 31)); i != otherService {
			e.services[i].plan = append(e.services[i].plan, p)
		}
	}
}

// planned is the factor expected of a service at second sec.
func (e *Engine) planned(svc uint8, sec int64) float64 {
	f := 1.0
	for _, p := range e.services[svc].plan {
		if sec >= p.from && sec < p.to {
			f = max(f, p.factor)
		}
	}
	return f
}

package detect

// countAnonymous takes a request without a client's address into the rates: a
// log that names hosts instead can't be judged by source, but its traffic is
// no less.
func (e *Engine) countAnonymous(r *Request, c *client) {
	sec, late := e.tick(r)
	e.requests++
	e.nobody++
	s := &e.services[e.serviceOf(r, c.of(r).host)]
	s.requests++
	for _, w := range []*second{&s.ring[sec%10], &e.total.ring[sec%10]} {
		w.requests++
		if class := r.Status / 100; class < 6 {
			w.status[class]++
		} else {
			w.status[0]++
		}
	}
	if late {
		return
	}
	s.rate.cur++
	if r.Status >= 500 {
		s.failing.cur++
	}
	p := &e.history[sec%historySeconds]
	p.Requests++
	if r.Status >= 400 {
		p.Errors++
	}
}

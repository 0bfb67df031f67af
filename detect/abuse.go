package detect

// joinAbuse enrols a source that was judged by itself in the incident of its
// kind, opening one for the first.
func (e *Engine) joinAbuse(s *source, a Attack) {
	var in *incident
	for _, o := range e.incidents {
		if o.service == s.service && o.Attack == a && (o.abuse || a != SingleSourceFlood) {
			in = o
			break
		}
	}
	if in == nil {
		rate := s.rate(e.sec)
		in = e.openIncident(s.service, a, cause{rate: rate, covered: 1}, crowd{sources: 1}, s.first)
		if in == nil {
			return
		}
		in.abuse, in.top = true, s.top
		r := rule{}
		if int(s.topHits)*10 >= 8*int(s.cur.hits) && s.top != 0 {
			r = r.with(dimRoute, uint64(s.top))
		}
		in.Signature = e.signature(&r, nil)
		if a == SingleSourceFlood || a == CacheBusting {
			in.Signature.Prefix = s.key.prefix().String()
		}
		if a == Scan {
			in.Signature = Signature{Status: "404"}
		} else if s.agent != 0 {
			in.Signature.UserAgent = e.agents.name(s.agent)
		}
		in.Measures = []Measure{BlockSources}
		in.Enrolled = 1
		e.tellIncident(IncidentOpen, in)
	} else {
		in.Enrolled++
		in.changed = true
	}
	s.incident = in.number
	s.marks |= markEnrolled
}

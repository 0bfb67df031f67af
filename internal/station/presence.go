package station

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"levee/actions"
	"levee/internal/status"
)

// person is somebody who is connected now.
type person struct {
	op    *Operator
	since time.Time
	looks string
	last  string
	at    time.Time
}

// Join returns an Operator for a person who sits at a console now, and what to
// call when they leave.
func (s *Station) Join(a actions.Actor) (*Operator, func()) {
	return s.JoinAs(a, func() (actions.Actor, error) { return a, nil })
}

// JoinAs is Join for somebody whose rights may change while they are here: who
// is asked at each act, and its error is the answer to the act.
func (s *Station) JoinAs(a actions.Actor, who func() (actions.Actor, error)) (*Operator, func()) {
	o := &Operator{s: s, joined: a, who: who}
	s.mu.Lock()
	s.people = append(s.people, &person{op: o, since: s.o.Now()})
	s.mu.Unlock()
	s.known.met(a, s.o.Now())
	return o, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.people = slices.DeleteFunc(s.people, func(p *person) bool { return p.op == o })
	}
}

// did notes what this person did last, for the others to see.
func (o *Operator) did(verb string, done []actions.Decision) {
	what := verb + " " + done[0].Target.String()
	if len(done) > 1 {
		what = fmt.Sprintf("%s %d targets", verb, len(done))
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	for _, p := range o.s.people {
		if p.op == o {
			p.last, p.at = what, o.s.o.Now()
		}
	}
}

// Looks notes what this person looks at, for the others to see. It does not
// wait for anything.
func (o *Operator) Looks(at string) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	for _, p := range o.s.people {
		if p.op == o {
			p.looks = said(at)
		}
	}
}

// present lists who is connected, in the order they came.
func (s *Station) present() []status.Person {
	s.mu.Lock()
	people := slices.Clone(s.people)
	out := make([]status.Person, len(people))
	for i, p := range people {
		out[i] = status.Person{Via: p.op.joined.Via, Addr: p.op.joined.Addr, Since: p.since, Looks: p.looks, Last: p.last, At: p.at}
	}
	s.mu.Unlock()
	for i, p := range people { // who may ask elsewhere: not under the lock
		a := p.op.Actor()
		out[i].Name, out[i].Role = a.Name, a.Role
	}
	return out
}

// operators lists where people are connected from.
func (s *Station) operators() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []netip.Addr
	for _, p := range s.people {
		if a := p.op.joined.Addr; a.IsValid() && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

package station

import (
	"context"
	"net/netip"
	"slices"

	"levee/actions"
	"levee/internal/status"
)

// Operator acts for one authenticated actor. Roles are checked where acts are
// committed, not here.
type Operator struct {
	s     *Station
	actor actions.Actor
}

// person is somebody at a console.
type person struct {
	actor actions.Actor
	id    *Operator
}

// Join returns an Operator for a person who sits at a console now, and what to
// call when they leave.
func (s *Station) Join(a actions.Actor) (*Operator, func()) {
	o := &Operator{s, a}
	s.mu.Lock()
	s.people = append(s.people, person{a, o})
	s.mu.Unlock()
	return o, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.people = slices.DeleteFunc(s.people, func(p person) bool { return p.id == o })
	}
}

func (s *Station) present() []status.Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]status.Person, 0, len(s.people))
	for _, p := range s.people {
		out = append(out, status.Person{Name: p.actor.Name, Role: p.actor.Role})
	}
	return out
}

// operators lists where people are connected from.
func (s *Station) operators() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []netip.Addr
	for _, p := range s.people {
		if p.actor.Addr.IsValid() {
			out = append(out, p.actor.Addr)
		}
	}
	return out
}

// Actor returns who acts.
func (o *Operator) Actor() actions.Actor { return o.actor }

// Plan previews a request made by this actor, whoever it says it is from.
func (o *Operator) Plan(ctx context.Context, r actions.Request) (actions.Plan, error) {
	r.Actor = o.actor
	return o.s.dispatcher.Plan(ctx, r)
}

// Commit carries a plan of this actor out.
func (o *Operator) Commit(ctx context.Context, token string, a actions.Answer) ([]actions.Decision, error) {
	return o.s.dispatcher.Commit(ctx, token, o.actor, a)
}

// Undo plans the undo of a decision.
func (o *Operator) Undo(ctx context.Context, decision string) (actions.Plan, error) {
	return o.s.dispatcher.PlanUndo(ctx, decision, o.actor)
}

// SetAuto turns auto mode on or off.
func (o *Operator) SetAuto(ctx context.Context, on bool) error {
	return o.s.dispatcher.SetAuto(ctx, on, o.actor)
}

// Disarm stops all automation at once.
func (o *Operator) Disarm(ctx context.Context) error { return o.s.dispatcher.Disarm(ctx, o.actor) }

// Arm lets automation act again.
func (o *Operator) Arm(ctx context.Context) error { return o.s.dispatcher.Arm(ctx, o.actor) }

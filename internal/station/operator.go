package station

import (
	"context"

	"levee/actions"
)

// Operator acts for one authenticated actor. Roles are checked where acts are
// committed, not here; who the actor is and may do is asked anew at each act.
type Operator struct {
	s      *Station
	joined actions.Actor                 // as they came
	who    func() (actions.Actor, error) // as they are now
}

// Actor returns who acts, as they are now.
func (o *Operator) Actor() actions.Actor {
	a, err := o.who()
	if err != nil {
		a = o.joined
		a.Role = "" // nobody who may do anything
	}
	return a
}

// Plan previews a request made by this actor, whoever it says it is from.
func (o *Operator) Plan(ctx context.Context, r actions.Request) (actions.Plan, error) {
	a, err := o.who()
	if err != nil {
		return actions.Plan{}, err
	}
	r.Actor = a
	return o.s.dispatcher.Plan(ctx, r)
}

// Commit carries a plan of this actor out. A second person in the answer
// counts only when they approved: see Approval.
func (o *Operator) Commit(ctx context.Context, token string, a actions.Answer) ([]actions.Decision, error) {
	actor, err := o.who()
	if err != nil {
		return nil, err
	}
	a.Second = o.s.approvals.take(token)
	done, err := o.s.dispatcher.Commit(ctx, token, actor, a)
	if err == nil && len(done) > 0 {
		o.did(string(done[0].Verb), done)
		if a.BreakGlass {
			o.s.o.Log.Warn("break glass: no second person was asked", "user", actor.Name, "via", actor.Via, "key", actor.Key, "verb", done[0].Verb, "targets", len(done), "reason", done[0].Reason)
		}
	}
	return done, err
}

// Undo plans the undo of a decision.
func (o *Operator) Undo(ctx context.Context, decision string) (actions.Plan, error) {
	a, err := o.who()
	if err != nil {
		return actions.Plan{}, err
	}
	return o.s.dispatcher.PlanUndo(ctx, decision, a)
}

// UndoMany plans the undo of every block, throttle and harden that f chooses.
func (o *Operator) UndoMany(ctx context.Context, f actions.UndoFilter) (actions.Plan, error) {
	a, err := o.who()
	if err != nil {
		return actions.Plan{}, err
	}
	return o.s.dispatcher.UndoMany(ctx, f, a)
}

// Settled waits until the enforcers have answered for the decisions named, or
// ctx ends, and returns them as they are then.
func (o *Operator) Settled(ctx context.Context, ids ...string) ([]actions.Decision, error) {
	return o.s.dispatcher.Settled(ctx, ids...)
}

// SetAuto turns auto mode on or off.
func (o *Operator) SetAuto(ctx context.Context, on bool) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	return o.s.dispatcher.SetAuto(ctx, on, a)
}

// Disarm stops all automation at once.
func (o *Operator) Disarm(ctx context.Context) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	return o.s.dispatcher.Disarm(ctx, a)
}

// Arm lets automation act again.
func (o *Operator) Arm(ctx context.Context) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	return o.s.dispatcher.Arm(ctx, a)
}

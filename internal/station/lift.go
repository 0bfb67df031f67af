package station

import (
	"context"
	"errors"
	"time"

	"levee/actions"
)

// byStop is who lifts what stands when levee is stopped.
var byStop = actions.Actor{Name: "levee", Role: actions.Admin, Via: "stop"}

// LiftAll undoes every block, throttle and harden in force and waits until the
// enforcers have answered, or ctx ends. It returns how many it undid. Auto
// mode may block the same sources again at once after the next start.
func (s *Station) LiftAll(ctx context.Context) (int, error) {
	p, err := s.dispatcher.UndoMany(ctx, actions.UndoFilter{Since: time.Unix(0, 0)}, byStop)
	if errors.Is(err, actions.ErrNoMatch) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	done, err := s.dispatcher.Commit(ctx, p.Token, byStop, actions.Answer{Typed: p.Type, BreakGlass: true})
	if err != nil {
		return 0, err
	}
	ids := make([]string, 0, len(done))
	for i := range done {
		ids = append(ids, done[i].ID)
	}
	_, err = s.dispatcher.Settled(ctx, ids...)
	return len(ids), err
}

package station

import (
	"context"
	"errors"
	"sync"
	"time"

	"levee/actions"
	"levee/detect"
)

// mostWishes bounds the verdicts that wait for auto mode. What is dropped past
// it is said again by the detector within a minute while it goes on.
const mostWishes = 1 << 17

// wishes is the mailbox between the judge, which never waits, and auto mode,
// which writes to disk.
type wishes struct {
	mu      sync.Mutex
	waiting []detect.Event
	dropped uint64
	wake    chan struct{}
}

func (w *wishes) init() { w.wake = make(chan struct{}, 1) }

// put copies the events in; they are immutable, their slice is not.
func (w *wishes) put(ev []detect.Event) {
	w.mu.Lock()
	room := mostWishes - len(w.waiting)
	if len(ev) > room {
		w.dropped += uint64(len(ev) - room)
		ev = ev[:room]
	}
	w.waiting = append(w.waiting, ev...)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take swaps the waiting events for an empty slice.
func (w *wishes) take(empty []detect.Event) []detect.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	full := w.waiting
	w.waiting = empty[:0]
	return full
}

// automate lets auto mode observe every verdict as it falls and carries out
// what it asks for. Its clock is event time, which goes on in silence too.
func (s *Station) automate(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var events []detect.Event
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wishes.wake:
		case <-tick.C:
		}
		events = s.wishes.take(events)
		now := s.judge.shown.Load().Now
		for _, e := range events {
			s.pilot.Observe(e)
			s.tellPeople(e)
			if e.Time.After(now) {
				now = e.Time
			}
		}
		if now.IsZero() {
			continue
		}
		s.pilot.Watch(now, s.judge.shown.Load(), s.judge)
		for _, q := range s.pilot.Tick(now) {
			s.carryOut(ctx, q)
		}
	}
}

// carryOut takes one wish of auto mode through the same guardrails as a
// person's. What they refuse, auto mode is told and the board says.
func (s *Station) carryOut(ctx context.Context, q actions.Request) {
	if s.peers.wish(&q) {
		return // the leader carries it out
	}
	var refused *actions.RefusedError
	_, err := s.dispatcher.Act(ctx, q)
	if err != nil && !errors.As(err, &refused) && ctx.Err() == nil {
		s.o.Log.Warn("auto mode's request was not carried out", "verb", q.Verb, "error", err)
	}
	if err == nil && q.Verb == actions.Unblock {
		s.tellRollBack(&q)
	}
}

package demo

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Ordinary is the drill name of sources that take part in none.
const Ordinary = "ordinary"

// Truth is what a source really was. A verdict is right when it blocks only
// sources that are Hostile.
type Truth struct {
	Addr     netip.Addr
	Drill    string // the drill it took part in, or Ordinary
	Wave     string // which part of the drill
	Hostile  bool
	First    time.Time // its first request, logged or refused
	Last     time.Time // its latest
	Requests uint64    // it made, refused ones included
	Refused  uint64    // of those, how many the deny list stopped
	Stopped  time.Time // when it was first refused; zero: never
}

// Truth returns every source seen so far in the order of their addresses. A
// source that was ordinary before a drill took it up counts to the drill. In
// runs with more than 200,000 sources, those silent for a quarter of an hour
// are forgotten between rounds.
func (s *Simulator) Truth() []Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Truth, 0, len(s.seen))
	for _, r := range s.seen {
		all = append(all, r.Truth)
	}
	slices.SortFunc(all, func(a, b Truth) int { return a.Addr.Compare(b.Addr) })
	return all
}

// Episode is one drill's run so far.
type Episode struct {
	Drill Drill
	Start time.Time
	End   time.Time // planned
}

// Episodes returns the drills begun so far, in the order of their starts.
func (s *Simulator) Episodes() []Episode {
	s.mu.Lock()
	defer s.mu.Unlock()
	eps := slices.Clone(s.episodes)
	slices.SortStableFunc(eps, func(a, b Episode) int { return cmp.Compare(a.Start.UnixNano(), b.Start.UnixNano()) })
	return eps
}

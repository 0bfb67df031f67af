package demo

import (
	"slices"
	"time"
)

// Grade is how well the sources of one drill were treated: what the deny list
// did, held against the truth. It needs a run whose deny list was live.
type Grade struct {
	Drill    string // its name, or Ordinary for everyone else
	Hostile  int    // hostile sources seen
	Caught   int    // of those, refused at least once
	Harmless int    // other sources seen
	Harmed   int    // of those, refused at least once

	// Half is the time from the drill's start until half of all its hostile
	// sources had been refused; negative when that never happened.
	Half time.Duration
	// Delay is the median time from a caught source's first request to its
	// first refusal; negative when none was caught.
	Delay time.Duration

	Attack  uint64 // requests of hostile sources
	Stopped uint64 // of those, refused
	Usual   uint64 // requests of harmless sources
	Lost    uint64 // of those, refused
}

// Precision is the share of refused sources that were hostile, 1 when none was
// refused.
func (g Grade) Precision() float64 {
	if g.Caught+g.Harmed == 0 {
		return 1
	}
	return float64(g.Caught) / float64(g.Caught+g.Harmed)
}

// Recall is the share of hostile sources that were refused, 1 when there was
// none.
func (g Grade) Recall() float64 {
	if g.Hostile == 0 {
		return 1
	}
	return float64(g.Caught) / float64(g.Hostile)
}

// Grades returns a Grade for each drill begun so far, in the order of their
// first starts, and one for everybody ordinary at the end.
func (s *Simulator) Grades() []Grade {
	var grades []Grade
	starts := make(map[string][]time.Time)
	for _, e := range s.Episodes() {
		if len(starts[e.Drill.Name]) == 0 {
			grades = append(grades, Grade{Drill: e.Drill.Name})
		}
		starts[e.Drill.Name] = append(starts[e.Drill.Name], e.Start)
	}
	grades = append(grades, Grade{Drill: Ordinary})
	truth := s.Truth()
	for i := range grades {
		g := &grades[i]
		var since, delay []time.Duration
		for _, t := range truth {
			if t.Drill != g.Drill {
				continue
			}
			g.count(t)
			if t.Hostile && !t.Stopped.IsZero() {
				since = append(since, t.Stopped.Sub(begun(starts[t.Drill], t.First)))
				delay = append(delay, t.Stopped.Sub(t.First))
			}
		}
		g.Half, g.Delay = ranked(since, (g.Hostile+1)/2), ranked(delay, (len(delay)+1)/2)
	}
	return grades
}

func (g *Grade) count(t Truth) {
	caught := 0
	if t.Refused > 0 {
		caught = 1
	}
	if t.Hostile {
		g.Hostile++
		g.Caught += caught
		g.Attack += t.Requests
		g.Stopped += t.Refused
		return
	}
	g.Harmless++
	g.Harmed += caught
	g.Usual += t.Requests
	g.Lost += t.Refused
}

// begun returns the latest of starts that is not after first.
func begun(starts []time.Time, first time.Time) time.Time {
	start := first
	for _, at := range starts {
		if !at.After(first) {
			start = at
		}
	}
	return start
}

// ranked returns the n-th shortest, counted from 1, or -1 if there are fewer.
func ranked(all []time.Duration, n int) time.Duration {
	if n < 1 || n > len(all) {
		return -1
	}
	slices.Sort(all)
	return all[n-1]
}

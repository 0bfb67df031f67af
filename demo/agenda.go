package demo

import "container/heap"

// actor is someone who acts at moments of event time: a visitor, a launcher, a
// bot. act does what is due now and plans the actor's next moment, if any.
type actor interface {
	act(s *Simulator, now int64)
}

// moment is when an actor acts next. seq keeps the order of those planned for
// the same nanosecond, so that a run repeats exactly.
type moment struct {
	at  int64 // nanoseconds since the Unix epoch
	seq uint64
	who actor
}

// agenda is a heap of moments, earliest first.
type agenda struct {
	moments []moment
	seq     uint64
}

func (a *agenda) plan(at int64, who actor) {
	a.seq++
	heap.Push(a, moment{at, a.seq, who})
}

// due takes the earliest moment before end.
func (a *agenda) due(end int64) (moment, bool) {
	if len(a.moments) == 0 || a.moments[0].at >= end {
		return moment{}, false
	}
	return heap.Pop(a).(moment), true
}

func (a *agenda) Len() int { return len(a.moments) }
func (a *agenda) Less(i, j int) bool {
	m, n := &a.moments[i], &a.moments[j]
	return m.at < n.at || m.at == n.at && m.seq < n.seq
}
func (a *agenda) Swap(i, j int) { a.moments[i], a.moments[j] = a.moments[j], a.moments[i] }
func (a *agenda) Push(x any)    { a.moments = append(a.moments, x.(moment)) }
func (a *agenda) Pop() any {
	last := len(a.moments) - 1
	m := a.moments[last]
	a.moments[last] = moment{}
	a.moments = a.moments[:last]
	return m
}

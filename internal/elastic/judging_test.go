package elastic

import (
	"slices"
	"time"

	"levee/detect"
)

// A judging detector takes this many requests a second, so many at a time.
const judgedRate, judgedChunk = 5000, 500

// judging is a detector that judges at a rate what it hands on.
type judging struct {
	engine *detect.Engine
	list   []detect.Request // seconds pass before one is used again
	next   int
	at     int64 // event time, Unix nanoseconds
	total  int   // handed on
}

func newJudging(list []detect.Request) *judging {
	return &judging{engine: detect.New(detect.Options{}), list: list, at: noon.UnixNano()}
}

// run judges for span and gives each chunk to take, which may be nil. It returns
// what a request cost the judge in each chunk, least first, and the longest that
// take held it up.
func (j *judging) run(span time.Duration, take func([]detect.Request)) (costs []time.Duration, longest time.Duration) {
	const every = time.Second * judgedChunk / judgedRate
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range int(span / every) {
		<-tick.C
		part := j.list[j.next : j.next+judgedChunk]
		j.next = (j.next + judgedChunk) % len(j.list)
		for i := range part {
			j.at += int64(time.Second / judgedRate)
			part[i].Time = j.at
		}
		began := time.Now()
		j.engine.Add(part)
		if take != nil {
			given := time.Now()
			take(part)
			longest = max(longest, time.Since(given))
			j.total += judgedChunk
		}
		costs = append(costs, time.Since(began)/judgedChunk)
	}
	slices.Sort(costs)
	return costs, longest
}

// middle is the median of what is sorted.
func middle(costs []time.Duration) time.Duration { return costs[len(costs)/2] }

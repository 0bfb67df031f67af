package detect

import (
	"math"
	"time"
)

const (
	leapLimit = int64(10 * time.Minute) // a step further than this needs witnesses
	leapVotes = 8                       // how many requests in a row must agree on a new time
	backVotes = 500                     // how many to set the clock back
	lateLimit = 3                       // seconds a request may be behind and still count as now
	earliest  = int64(24 * time.Hour)   // what is before was stamped by a clock that was never set, and would leave the windows no past
)

// clock is event time. It follows the newest request, but one line from the
// year 2099 does not move it: a leap needs several requests that agree.
//
// A log without zones may be written by servers of two. The lines of one then
// lead to a leap and those of the other back, and whoever came back is believed:
// the first are ahead by as much as they leapt, and counted as now from then on.
type clock struct {
	now    int64 // newest accepted time
	leap   int64 // where the witnesses of a leap are
	votes  int
	before int64 // where event time was ahead of the last leap, 0 when nothing can lead back
	skew   int64 // how far ahead the lines of another zone are, 0 when there are none
}

// leads reports whether time t takes up again what a leap left behind.
func (c *clock) leads(t int64) bool {
	d := t - c.before
	return c.before != 0 && d > -leapLimit && d < leapLimit
}

// tick moves event time to r and returns the second that r counts in, and
// whether it came too late to count towards rates.
func (e *Engine) tick(r *Request) (int64, bool) {
	c := &e.clock
	t := max(r.Time, earliest)
	if !e.began {
		e.began = true
		c.now = t
		e.sec = t / int64(time.Second)
		e.start = e.sec
		e.openSecond()
	}
	if ahead := t - c.now - c.skew; c.skew != 0 && ahead > -leapLimit/2 && ahead < leapLimit/2 {
		t -= c.skew
	}
	late := false
	switch d := t - c.now; {
	case d > leapLimit || d < -2*leapLimit:
		need := leapVotes
		back := c.leads(t)
		if d < 0 && !back {
			need = backVotes
		}
		if gap := t - c.leap; gap < -int64(time.Minute) || gap > int64(time.Minute) {
			c.votes = 0
		}
		c.leap = t
		if c.votes++; c.votes >= need {
			c.votes, c.skew = 0, 0
			if d < 0 && back {
				c.skew = -d
			}
			c.before = 0
			if d > 0 {
				c.before = c.now
			}
			c.now = t
			if d > 0 {
				e.advanceTo(t / int64(time.Second))
			} else {
				e.setBack(t / int64(time.Second))
			}
		} else {
			late = true
		}
	case d > 0:
		c.now = t
		c.votes = 0
		if s := t / int64(time.Second); s > e.sec {
			e.advanceTo(s)
		}
	case d > -lateLimit*int64(time.Second):
		c.votes = 0
	default:
		late = true
	}
	e.countInput(r, c.now-t, late)
	return e.sec, late
}

// advanceTo closes every second before sec. A hole longer than the windows is
// skipped: nothing in it could matter any more.
func (e *Engine) advanceTo(sec int64) {
	if sec-e.sec > historySeconds {
		e.closeSecond()
		e.sec = sec - recentSeconds
		e.openSecond()
	}
	for e.sec < sec {
		e.closeSecond()
		e.sec++
		e.openSecond()
	}
}

// setBack restarts the windows at an earlier second: the log's clock was wrong
// before, or is now; either way the newest lines decide.
func (e *Engine) setBack(sec int64) {
	e.copyChosen()
	for i := range e.sources.tags {
		if e.sources.tags[i] != 0 {
			s := &e.sources.entries[i]
			d := e.sec - sec
			s.first, s.last, s.told, s.minute = s.first-d, s.last-d, s.told-d, s.minute-d/60
		}
	}
	for i := range e.slots {
		e.slots[i].sec, e.slots[i].n, e.slots[i].total = 0, 0, 0
	}
	e.sec = sec
	e.start = min(e.start, sec)
	e.openSecond()
}

// input is what one origin sent.
type input struct {
	Input
	worst [2]time.Duration // per minute
	min   int64
	last  int64 // Input.Last in nanoseconds, never before there is one
}

func (e *Engine) countInput(r *Request, behind int64, late bool) {
	o := int(r.Origin)
	if o >= 1024 {
		return
	}
	for len(e.inputs) <= o {
		e.inputs = append(e.inputs, input{Input: Input{Origin: uint16(len(e.inputs))}, last: math.MinInt64})
	}
	in := &e.inputs[o]
	in.Requests++
	if late {
		in.Late++
	}
	if r.Time > in.last && behind >= 0 {
		in.last = r.Time
	}
	if m := e.sec / 60; m != in.min {
		in.worst[1], in.worst[0], in.min = in.worst[0], 0, m
	}
	in.worst[0] = max(in.worst[0], time.Duration(behind))
}

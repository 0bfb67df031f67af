package detect_test

import (
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

// TestClockIsNotWedged puts lines of a wrong time into a flood: it is found all
// the same, and event time stays where most lines are.
func TestClockIsNotWedged(t *testing.T) {
	tests := map[string]func(i int, r *detect.Request){
		"years ahead now and then":     func(i int, r *detect.Request) { every(i, 97, func() { r.Time += int64(75 * 365 * 24 * time.Hour) }) },
		"before the epoch":             func(i int, r *detect.Request) { every(i, 89, func() { r.Time = -r.Time }) },
		"no time at all":               func(i int, r *detect.Request) { every(i, 101, func() { r.Time = 0 }) },
		"minutes late now and then":    func(i int, r *detect.Request) { every(i, 7, func() { r.Time -= int64(4 * time.Minute) }) },
		"an hour behind, another zone": func(i int, r *detect.Request) { every(i, 3, func() { r.Time -= int64(time.Hour) }) },
		"blocks of lines an hour ahead, of another zone": func(i int, r *detect.Request) {
			every(i/40, 3, func() { r.Time += int64(time.Hour) })
		},
		"blocks of lines half a day ahead, few of them": func(i int, r *detect.Request) {
			every(i/12, 17, func() { r.Time += int64(11*time.Hour + 30*time.Minute) })
		},
		"blocks of lines two hours behind": func(i int, r *detect.Request) {
			every(i/40, 3, func() { r.Time -= int64(2 * time.Hour) })
		},
		"minutes ahead now and then": func(i int, r *detect.Request) { every(i, 499, func() { r.Time += int64(25 * time.Minute) }) },
		"out of order by seconds":    func(i int, r *detect.Request) { r.Time -= int64(i%3) * int64(time.Second) },
	}
	for name, bend := range tests {
		t.Run(name, func(t *testing.T) {
			w := flooded(20)
			reqs := w.sorted()
			end := reqs[len(reqs)-1].Time
			for i := range reqs {
				if i > 0 {
					bend(i, &reqs[i])
				}
			}
			e := detect.New(detect.Options{})
			if b := blocks(feed(e, reqs)); len(b) != 1 {
				t.Errorf("blocked %v, want the one flooding source", b)
			}
			if d := e.Snapshot().Now.Sub(time.Unix(0, end)); d < -5*time.Second || d > time.Second {
				t.Errorf("event time is %v off", d)
			}
		})
	}
}

func every(i, n int, f func()) {
	if i%n == 0 {
		f()
	}
}

// TestClockFollowsRealJumps: a log that goes on after a night, or whose clock is
// set back for good, is followed.
func TestClockFollowsRealJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"a night later": 9 * time.Hour, "a year later": 365 * 24 * time.Hour, "set back by a day": -24 * time.Hour,
		"to summer time": time.Hour + time.Second, "back from summer time": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			e := detect.New(detect.Options{})
			feed(e, newTraffic(40, 60).batch(2000))
			w := flooded(21)
			w.began = w.began.Add(jump)
			reqs := w.sorted()
			for i := range reqs {
				reqs[i].Time += int64(jump)
			}
			if b := blocks(feed(e, reqs)); len(b) != 1 {
				t.Errorf("blocked %v after the jump, want the one flooding source", b)
			}
			if d := e.Snapshot().Now.Sub(time.Unix(0, reqs[len(reqs)-1].Time)); d < -5*time.Second || d > time.Second {
				t.Errorf("event time is %v off", d)
			}
		})
	}
}

// TestClockThatWasNeverSet begins a log with lines from before 1970: a server whose
// clock is not set yet, in a zone east of Greenwich. Once it is, a flood is found.
func TestClockThatWasNeverSet(t *testing.T) {
	for _, first := range []int64{-7200, -1, 0, 1, 63, 900} {
		reqs := flooded(22).sorted()
		for i := range reqs[:120] {
			reqs[i].Time = (first + int64(i)) * int64(time.Second)
		}
		e := detect.New(detect.Options{})
		feed(e, reqs[:120])
		e.Snapshot()
		if b := blocks(feed(e, reqs[120:])); len(b) != 1 {
			t.Errorf("%d s after the epoch: blocked %v, want the one flooding source", first, b)
		}
		e.Source(netip.PrefixFrom(reqs[0].Source, 32))
	}
}

func TestLatenessIsMeasured(t *testing.T) {
	reqs := newTraffic(40, 120).batch(4000)
	for i := range reqs {
		if i%2 == 1 {
			reqs[i].Origin = 1
			reqs[i].Time -= int64(20 * time.Second)
		}
	}
	e := detect.New(detect.Options{})
	feed(e, reqs)
	in := e.Snapshot().Inputs
	if len(in) != 2 || in[0].Late != 0 || in[1].Late == 0 || in[1].Lateness < 19*time.Second || in[0].Lateness > 5*time.Second {
		t.Errorf("inputs %+v", in)
	}
}

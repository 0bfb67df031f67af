package station

import (
	"testing"
	"time"

	"levee/detect"
)

// A day of snapshots leaves a day of ten-second means, whatever the snapshots'
// pace was, and what a reader holds is never written again.
func TestPastKeepsADay(t *testing.T) {
	j := &judge{}
	s := &Station{judge: j}
	if got := s.History(time.Hour); got != nil {
		t.Fatalf("a past before the first second: %v", got)
	}
	var seconds []detect.Point
	var held []detect.Point
	var heldFirst detect.Point
	const from = 1_700_000_000
	for i := range 30 * 3600 {
		seconds = append(seconds, detect.Point{Time: from + int64(i), Requests: uint32(100 + i%10), Refused: 20, Errors: 30, Baseline: 50, P95: float32(i%10) / 10, Incident: i%10 == 3})
		if i%7 == 0 { // snapshots come unevenly
			j.past.take(&detect.Snapshot{History: seconds[max(0, len(seconds)-900):]})
		}
		if i == 7*3600 {
			held = s.History(time.Hour)
			heldFirst = held[0]
		}
	}
	for _, c := range []struct {
		span time.Duration
		want int
	}{{time.Hour, 360}, {24 * time.Hour, 8640}, {30 * 24 * time.Hour, 8640}} {
		if got := len(s.History(c.span)); got != c.want {
			t.Errorf("%v holds %d points, want %d", c.span, got, c.want)
		}
	}
	day := s.History(24 * time.Hour)
	for i, p := range day {
		if p.Requests != 104 || p.Refused != 20 || p.Errors != 30 || p.Baseline != 50 || p.P95 != .9 || !p.Incident {
			t.Fatalf("point %d is %+v", i, p)
		}
		if i > 0 && p.Time != day[i-1].Time+pastStep {
			t.Fatalf("point %d is %d s after the one before", i, p.Time-day[i-1].Time)
		}
	}
	if held[0] != heldFirst {
		t.Error("a slice that was handed out was written again")
	}
}

// Silence leaves a gap: nothing is made up for it.
func TestPastHasNoPointsForSilence(t *testing.T) {
	j := &judge{}
	at := func(sec int64) detect.Point { return detect.Point{Time: sec, Requests: 10, P95: -1} }
	j.past.take(&detect.Snapshot{History: []detect.Point{at(1000), at(1001), at(1002)}})
	j.past.take(&detect.Snapshot{History: []detect.Point{at(2000), at(2001), at(2011), at(2012)}})
	got := (&Station{judge: j}).History(time.Hour)
	if len(got) != 2 || got[0].Time != 1000 || got[1].Time != 2000 || got[0].Requests != 10 {
		t.Fatalf("%+v", got)
	}
}

package demo

import (
	"net/netip"
	"testing"
	"time"
)

// TestGradesHoldTheDenyListAgainstTheTruth denies sources by rules whose
// outcome is known: half of the hosts that try logins, at once and too late,
// and one harmless person.
func TestGradesHoldTheDenyListAgainstTheTruth(t *testing.T) {
	var denied map[netip.Addr]bool
	s := newSim(t, Options{Seed: 3, Drills: []string{"login_abuse"}, Once: true, History: time.Second,
		Denied: func(a netip.Addr) bool { return denied[a] }})
	begin := s.Live().Add(firstAfter)
	s.Lines(begin, begin.Add(30*time.Second))

	denied = make(map[netip.Addr]bool)
	var hostile, harmless []netip.Addr
	for _, truth := range s.Truth() {
		if truth.Hostile {
			hostile = append(hostile, truth.Addr)
		} else if truth.Requests > 20 { // comes back for sure
			harmless = append(harmless, truth.Addr)
		}
	}
	if len(hostile) != 120 || len(harmless) == 0 {
		t.Fatalf("%d hostile and %d harmless sources", len(hostile), len(harmless))
	}
	for _, addr := range hostile[:60] {
		denied[addr] = true
	}
	s.Lines(begin.Add(30*time.Second), begin.Add(60*time.Second))
	half := s.Grades()[0]
	if half.Hostile != 120 || half.Caught != 60 || half.Harmed != 0 || half.Recall() != 0.5 || half.Precision() != 1 {
		t.Errorf("half of them denied: %+v", half)
	}
	if half.Half < 30*time.Second || half.Half > 50*time.Second {
		t.Errorf("half of them were denied after %s", half.Half)
	}
	if half.Delay < 14*time.Second || half.Delay > 45*time.Second {
		t.Errorf("they were denied %s after their first request", half.Delay)
	}
	if half.Stopped == 0 || half.Stopped >= half.Attack || half.Lost != 0 {
		t.Errorf("requests: %+v", half)
	}

	for _, addr := range harmless {
		denied[addr] = true
	}
	s.Lines(begin.Add(60*time.Second), begin.Add(90*time.Second))
	grades := s.Grades()
	ordinary := grades[len(grades)-1]
	if ordinary.Drill != Ordinary || ordinary.Hostile != 0 || ordinary.Harmed == 0 || ordinary.Lost == 0 || ordinary.Precision() != 0 || ordinary.Half >= 0 {
		t.Errorf("harmless people denied: %+v", ordinary)
	}
}

func TestGradesOfNothingDenied(t *testing.T) {
	s := newSim(t, Options{Seed: 3, Drills: []string{"scan"}, Once: true, History: time.Second})
	s.Lines(s.Live(), s.Live().Add(time.Minute))
	g := s.Grades()[0]
	if g.Drill != "scan" || g.Recall() != 0 || g.Precision() != 1 || g.Half >= 0 || g.Delay >= 0 || g.Stopped != 0 {
		t.Errorf("%+v", g)
	}
}

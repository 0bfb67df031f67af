package demo

import (
	"bytes"
	"testing"
	"time"
)

var testStart = time.Date(2026, 3, 14, 18, 0, 0, 0, time.UTC)

func newSim(t testing.TB, o Options) *Simulator {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = testStart
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSameSeedSameLines(t *testing.T) {
	run := func(seed uint64) []byte {
		s := newSim(t, Options{Seed: seed, Rate: 50, History: time.Second})
		return s.Lines(testStart, testStart.Add(90*time.Second))
	}
	a, b, c := run(7), run(7), run(8)
	if !bytes.Equal(a, b) {
		t.Error("the same seed gave different lines")
	}
	if bytes.Equal(a, c) {
		t.Error("different seeds gave the same lines")
	}
}

func TestOrdinaryRate(t *testing.T) {
	for _, rate := range []float64{40, 150} {
		s := newSim(t, Options{Seed: 3, Rate: rate, Drills: []string{}})
		got := float64(bytes.Count(s.Lines(testStart, testStart.Add(20*time.Minute)), []byte("\n"))) / 1200
		t.Logf("asked for %g/s, got %.1f/s", rate, got)
		if got < 0.85*rate || got > 1.15*rate {
			t.Errorf("asked for %g requests/s, got %.1f", rate, got)
		}
	}
}

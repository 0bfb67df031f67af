package elastic

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestReachKnowsWhatWasJudged takes numbers in any order, with and without
// holes, and holds the answers against a plain set.
func TestReachKnowsWhatWasJudged(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := &reach{Floor: -1}
		judged := map[int64]bool{}
		for _, n := range rnd.Perm(300) {
			if n%7 == 3 && seed%2 == 0 {
				continue // it never comes
			}
			judged[int64(n)] = true
			r.add(int64(n))
			r.add(int64(n)) // twice is once
		}
		for n := range int64(310) {
			if r.has(n) != judged[n] {
				t.Fatalf("seed %d: has(%d) is %t", seed, n, r.has(n))
			}
		}
		r.settle(noon)
		if seed%2 == 1 && (r.Floor != 299 || len(r.Above) != 0) {
			t.Fatalf("seed %d: everything was judged, and it says %+v", seed, r)
		}
		if seed%2 == 0 && (r.Floor != 2 || len(r.Above) != 43) {
			t.Fatalf("seed %d: floor %d and %d stretches", seed, r.Floor, len(r.Above))
		}
		r.settle(noon.Add(holeFor))
		if len(r.Above) != 0 {
			t.Fatalf("seed %d: holes are kept for ever: %+v", seed, r)
		}
	}
}

// TestReachKeepsFewHoles leaves every second number out: the newest holes stay.
func TestReachKeepsFewHoles(t *testing.T) {
	r := &reach{Floor: -1}
	for n := int64(1); n < 10_000; n += 2 {
		r.add(n)
	}
	if q := r.unread(); len(q) != mostHoles+1 {
		t.Errorf("%d ranges are asked for", len(q))
	}
	r.settle(noon)
	if len(r.Above) != mostHoles || r.has(9998) || !r.has(9996-2*mostHoles) {
		t.Errorf("%d stretches above %d", len(r.Above), r.Floor)
	}
	r.add(9998)
	r.settle(noon.Add(time.Second))
	if last := r.Above[len(r.Above)-1]; last.From != 9997 || last.To != 9999 {
		t.Errorf("a hole that filled late: %+v", last)
	}
}

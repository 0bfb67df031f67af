package sketch_test

import (
	"math"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"levee/detect/sketch"
)

// hash spreads i like the hashes the detector gives (splitmix64).
func hash(i uint64) uint64 {
	z := (i + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func TestSeenNeverForgetsTheYoung(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sketch.NewSeen(4096)
		from := rapid.Uint64().Draw(t, "from")
		n := rapid.Uint64Range(1, 80).Draw(t, "n")
		for i := range n {
			s.Add(hash(from + i))
		}
		for i := range n {
			if !s.Has(hash(from + i)) {
				t.Fatalf("value %d of %d is forgotten", i, n)
			}
			if !s.Add(hash(from + i)) {
				t.Fatalf("value %d of %d is taken for new", i, n)
			}
		}
	})
}

func TestSeenRarelyErrsAndStaysSmall(t *testing.T) {
	s := sketch.NewSeen(1 << 20)
	held := s.Bytes()
	wrong := 0
	const n = 2_000_000
	for i := range uint64(n) {
		if s.Add(hash(i)) {
			wrong++
		}
	}
	if share := float64(wrong) / n; share > 0.02 {
		t.Errorf("%.2f%% of new values were taken for seen", 100*share)
	}
	if s.Bytes() != held || held > 1<<20 {
		t.Errorf("holds %d bytes, held %d", s.Bytes(), held)
	}
	if !s.Has(hash(n - 1000)) {
		t.Error("a recent value is forgotten")
	}
}

func TestDistinctIsNearTheTruth(t *testing.T) {
	for _, n := range []int{0, 1, 10, 500, 3000, 50_000, 2_000_000} {
		var d, half, other sketch.Distinct
		for i := range uint64(n) {
			d.Add(hash(i))
			d.Add(hash(i)) // twice counts once
			if i%2 == 0 {
				half.Add(hash(i))
			} else {
				other.Add(hash(i))
			}
		}
		if got := d.Count(); math.Abs(float64(got-n)) > 0.1*float64(n)+1 {
			t.Errorf("%d values, estimated %d", n, got)
		}
		half.Merge(&other)
		if half.Count() != d.Count() {
			t.Errorf("merged halves of %d say %d, the whole %d", n, half.Count(), d.Count())
		}
		d.Reset()
		if d.Count() != 0 {
			t.Error("Reset leaves something behind")
		}
	}
}

func TestQuantileIsWithinATenth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1, 1e8), 1, 500).Draw(t, "values")
		var q sketch.Quantile
		for _, v := range values {
			q.Add(v)
		}
		sort.Float64s(values)
		p := rapid.Float64Range(0.01, 1).Draw(t, "p")
		want := values[min(len(values)-1, max(0, int(math.Ceil(p*float64(len(values))))-1))]
		// One value to either side is as right as the quantile itself.
		low := values[max(0, sort.SearchFloat64s(values, want)-1)]
		high := values[min(len(values)-1, sort.SearchFloat64s(values, want)+1)]
		if got := q.At(p); got < low*0.89 || got > high*1.11 {
			t.Fatalf("quantile %.2f is %g, want about %g", p, got, want)
		}
	})
}

func TestQuantileFades(t *testing.T) {
	var q sketch.Quantile
	for range 100 {
		q.Add(10)
	}
	q.Decay(0.01)
	for range 10 {
		q.Add(1000)
	}
	if got := q.At(0.5); got < 800 || got > 1200 {
		t.Errorf("the median is %g although the old values faded", got)
	}
	if w := q.Weight(); w < 10 || w > 12 {
		t.Errorf("weight %g", w)
	}
}

func BenchmarkSeen(b *testing.B) {
	s := sketch.NewSeen(4 << 20)
	b.ReportAllocs()
	for i := range b.N {
		s.Add(hash(uint64(i)))
	}
}

func BenchmarkDistinct(b *testing.B) {
	var d sketch.Distinct
	b.ReportAllocs()
	for i := range b.N {
		d.Add(hash(uint64(i)))
	}
}

package detect

import (
	"math/rand/v2"
	"testing"
)

// TestRingMovesOn compares rings with counting every second by itself.
func TestRingMovesOn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s := source{last: 1_000_000 + rng.Int64N(50)}
		n := network{last: s.last}
		hits := map[int64]int{}
		now := s.last
		for range 60 {
			now += rng.Int64N(3) * rng.Int64N(9)
			s.count(now)
			n.count(now)
			hits[now]++
			last := func(seconds int64) (sum int) {
				for i := range seconds {
					sum += hits[now-i]
				}
				return sum
			}
			for seconds := int64(1); seconds <= 10; seconds++ {
				if got := s.hitsIn(now, seconds); got != last(seconds) {
					t.Fatalf("%d in the last %d s, want %d", got, seconds, last(seconds))
				}
			}
			if got, want := s.hitsIn(now+4, 10), last(6); got != want {
				t.Fatalf("%d in 10 s, 4 s later, want %d", got, want)
			}
			sum := 0
			for _, c := range n.ring {
				sum += int(c)
			}
			if sum != last(netSeconds) {
				t.Fatalf("the prefix has %d in its ring, want %d", sum, last(netSeconds))
			}
		}
	}
}

// TestTallyAddsEachCounter compares with arithmetic on one counter at a time.
func TestTallyAddsEachCounter(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func() (f [tallyFields]uint16) {
		for i := range f {
			f[i] = uint16(rng.Uint32()) >> rng.IntN(17)
		}
		return f
	}
	for range 20_000 {
		a, b, share := draw(), draw(), uint64(rng.IntN(257))
		x, y := tallyOf(a), tallyOf(b)
		minute := rng.Int64N(1 << 31)
		x.add(&y, share)
		y.fade(share, minute)
		for i := range a {
			scaled := uint32(b[i]) * uint32(share)
			a[i] = uint16(min(uint32(a[i])+(scaled+128)>>8, 0xffff))
			b[i] = uint16((scaled + uint32(minute)*157&255) >> 8)
		}
		if x != tallyOf(a) || y != tallyOf(b) {
			t.Fatalf("share %d: %v and %v, want %v and %v", share, x, y, a, b)
		}
	}
}

func tallyOf(f [tallyFields]uint16) (t tally) {
	for i, v := range f {
		native.PutUint16(t.bytes()[2*i:], v)
	}
	return t
}

func TestTrailHoldsFourPages(t *testing.T) {
	var s source
	for _, p := range []uint16{7, 0x8001, 1, 0xffff, 3} {
		s.trail = s.trail<<16 | uint64(p)
	}
	for p := range 0x10000 {
		want := p == 0x8001 || p == 1 || p == 0xffff || p == 3
		if s.asked(uint16(p)) != want {
			t.Fatalf("page %#x: %v, want %v", p, !want, want)
		}
	}
}

// TestPrefetchIsHarmless: places that are no memory are no fault.
func TestPrefetchIsHarmless(t *testing.T) {
	prefetch(nil, nil, nil, nil)
	prefetchRun(nil, 5)
}

// TestTablesLieApart: every table has its own whole cache lines of the slab.
func TestTablesLieApart(t *testing.T) {
	var s slab
	carve[uint64](&s, 3)
	carve[source](&s, 2)
	carve[routeMemo](&s, 5)
	if want := 64 + 2*int(sourceSize) + 128; s.used != want {
		t.Fatalf("measured %d bytes, want %d", s.used, want)
	}
	s = slab{memory: make([]byte, s.used)}
	a, b, c := carve[uint64](&s, 3), carve[source](&s, 2), carve[routeMemo](&s, 5)
	a[2], b[0].key.hi, b[1].long.machine, c[0].hash = 1, 2, 3, 4
	if a[2] != 1 || b[0].key.hi != 2 || b[1].long.machine != 3 || c[0].hash != 4 || len(a) != 3 || len(b) != 2 || len(c) != 5 {
		t.Errorf("%v %v %v", a, b, c)
	}
}

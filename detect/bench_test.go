package detect_test

import (
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

// traffic repeats a made-up hour of a shop for ever, moving its clock on.
type traffic struct {
	reqs []detect.Request
	next int
}

func newTraffic(rate, seconds float64) *traffic {
	w := newWorld(3, seconds)
	w.shop(rate)
	return &traffic{reqs: w.sorted()}
}

// batch returns the next n requests.
func (t *traffic) batch(n int) []detect.Request {
	if t.next+n > len(t.reqs) {
		span := t.reqs[len(t.reqs)-1].Time - t.reqs[0].Time + int64(time.Second)
		for i := range t.reqs {
			t.reqs[i].Time += span
		}
		t.next = 0
	}
	b := t.reqs[t.next : t.next+n]
	t.next += n
	return b
}

func BenchmarkAdd(b *testing.B) {
	t := newTraffic(1500, 120)
	e := detect.New(detect.Options{})
	for range 1000 {
		e.Add(t.batch(256))
	}
	var events []detect.Event
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 256 {
		e.Add(t.batch(256))
		events = e.Events(events[:0])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkAddNew is the worst case for the tables: every request comes from
// an address never seen before.
func BenchmarkAddNew(b *testing.B) {
	e := detect.New(detect.Options{})
	r := newTraffic(200, 60).batch(256)
	n := uint32(0)
	now := r[0].Time
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 256 {
		for j := range r {
			n += 2654435761
			now += 500_000
			r[j].Source, r[j].Time = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), now
		}
		e.Add(r)
		e.Events(nil)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	e := crowded(100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		e.Snapshot()
	}
}

// crowded returns an engine that tracks n sources, thousands of them suspects.
func crowded(n int) *detect.Engine {
	e := detect.New(detect.Options{})
	w := newWorld(5, 220)
	w.shop(300)
	w.busting(4000, 1, 100, 110)
	e.Add(w.sorted())
	last := w.reqs[len(w.reqs)-1]
	for i := range n {
		last.Source = netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		e.Add([]detect.Request{last})
	}
	e.Events(nil)
	return e
}

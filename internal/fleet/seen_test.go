package fleet

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"levee/actions"
)

// TestSeen holds the runs against a plain set of numbers.
func TestSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s seen
		set := map[int64]bool{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 20).Draw(t, "what") == 0 {
				to := rapid.Int64Range(-1, 60).Draw(t, "skip")
				s.skip(to)
				for seq := range set {
					if seq <= to && !covered(s.runs, seq) {
						delete(set, seq)
					}
				}
				continue
			}
			seq := rapid.Int64Range(0, 60).Draw(t, "seq")
			s.add(version{seq, 1})
			set[seq] = true
		}
		for seq := range int64(62) {
			if covered(s.runs, seq) != set[seq] {
				t.Fatalf("%d: %t in %v, %t in the set", seq, covered(s.runs, seq), s.runs, set[seq])
			}
		}
		for i, r := range s.runs {
			if r.From > r.To || i > 0 && r.From <= s.runs[i-1].To+1 {
				t.Fatalf("runs are not apart and in order: %v", s.runs)
			}
		}
		s.add(version{7, 2})
		if len(s.runs) != 1 || s.runs[0] != (Span{7, 7}) {
			t.Fatalf("another primary gives numbers anew, and these are kept: %v", s.runs)
		}
	})
}

func covered(runs []Span, seq int64) bool {
	for _, r := range runs {
		if r.From <= seq && seq <= r.To {
			return true
		}
	}
	return false
}

func TestSeenIsBounded(t *testing.T) {
	var s seen
	for i := range int64(3 * runsMost) {
		s.add(version{2 * i, 1})
	}
	if len(s.runs) != runsMost || s.runs[0].From != 4*runsMost {
		t.Errorf("%d runs from %v", len(s.runs), s.runs[0])
	}
	s.add(version{6*runsMost + 1, 1})
	s.add(version{6 * runsMost, 1})
	if got := s.skip(-1); len(got) != skipMost || got[0] != (Span{6*runsMost - 2, 6*runsMost - 2}) && got[0].To-got[0].From != 1 {
		t.Errorf("%d named, the longest is %v", len(got), got[0])
	}
}

// TestNothingIsSentTwice has one of three hosts block, and counts how often the
// index sends what was written: once to each other host.
func TestNothingIsSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		for i := range 50 {
			_, err := a.block(ana, addr(i))
			must(t, err)
			pass(100 * time.Millisecond)
		}
		pass(20 * time.Second)
		for _, x := range []*site{a, b, c} {
			if x.count() != 50 {
				t.Errorf("%s holds %d", x.name, x.count())
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		times := map[int64]int{}
		for _, d := range s.sent {
			if times[d.Seq]++; times[d.Seq] == 3 {
				t.Errorf("write %d of %s was sent to more than the two others", d.Seq, d.ID)
			}
		}
	})
}

// TestWhatIsShownWaits blocks a thousand and one: what the others must know is
// in the index before anything is written there that people only look at, and
// in the end that is there too.
func TestWhatIsShownWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, _ := three(t, nil)
		var many []string
		for i := range 1001 {
			many = append(many, addr(i))
		}
		s.mu.Lock()
		s.sent = nil
		s.mu.Unlock()
		_, err := a.block(ana, many...)
		must(t, err)
		pass(500 * time.Millisecond)
		if n := b.count(); n != 1001 {
			t.Errorf("after half a second the other host holds %d", n)
		}
		quiet := func() int {
			a.n.mu.Lock()
			defer a.n.mu.Unlock()
			k := 0
			for _, w := range a.n.out {
				if w.quiet() {
					k++
				}
			}
			return k
		}
		if n := quiet(); n != 1001 || a.n.State().Waiting != 0 {
			t.Errorf("%d states wait to be shown; %d wait for others", n, a.n.State().Waiting)
		}
		pass(5 * time.Second)
		if n := quiet(); n != 0 {
			t.Errorf("%d states were never shown", n)
		}
		_, err = a.block(ana, "198.51.100.9")
		must(t, err)
		pass(100 * time.Millisecond)
		if quiet() == 0 {
			t.Fatal("nothing waits to be shown")
		}
		a.stop()
		if n := quiet(); n != 0 {
			t.Errorf("a host that stops leaves %d unsaid", n)
		}
	})
}

// TestASlowIndexIsGivenLess has writes take longer than they are waited for.
func TestASlowIndexIsGivenLess(t *testing.T) {
	var n Node
	n.most = putMost
	for range 20 {
		n.paced(errShut, true)
	}
	if n.most != putLeast {
		t.Errorf("%d at once while nothing is answered in time", n.most)
	}
	n.paced(errShut, false)
	if n.most != putLeast {
		t.Errorf("%d at once after a refusal", n.most)
	}
	for range 20 {
		n.paced(nil, false)
	}
	if n.most != putMost {
		t.Errorf("%d at once when it is well again", n.most)
	}
}

// TestWhatIsGoneIsLookedFor deletes a document and lets a host find that out by
// writing it: it reads the index as a whole, and puts back what else is gone.
func TestWhatIsGoneIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		_, err := a.block(ana, "198.51.100.7", "198.51.100.8")
		must(t, err)
		pass(10 * time.Second)
		s.mu.Lock()
		delete(s.docs, blockID("198.51.100.7"))
		delete(s.docs, blockID("198.51.100.8"))
		s.mu.Unlock()
		b.unblock(bo, "198.51.100.7")
		pass(3 * time.Second)
		if s.doc(blockID("198.51.100.8")).MAC == "" {
			t.Error("what was deleted with it was not put back")
		}
		for _, x := range []*site{a, b, c} {
			if x.holds("198.51.100.7") || !x.holds("198.51.100.8") || x.n.State().Alone {
				t.Errorf("%s holds %v: %+v", x.name, x.wall.held, x.n.State())
			}
		}
	})
}

// told counts how often a host is given decisions to carry out.
type told struct {
	Local
	times atomic.Int64
}

func (x *told) Adopt(ctx context.Context, ds []actions.Decision) (map[string]actions.Refusal, error) {
	x.times.Add(1)
	return x.Local.Adopt(ctx, ds)
}

// TestPartsAreCarriedOutAsOne has a host read what is written in parts: it
// carries them out at once, and not what was ended meanwhile.
func TestPartsAreCarriedOutAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		var count told
		a := newSite(t, s, "edge-a", nil)
		b := newSite(t, s, "edge-b", func(x *site) { x.local = func(l Local) Local { count.Local = l; return &count } })
		pass(3 * time.Second)
		var first, second []string
		for i := range 100 {
			first, second = append(first, addr(i)), append(second, addr(100+i))
		}
		block := func(targets []string) {
			_, err := a.block(ana, targets...)
			must(t, err)
		}
		b.door.after("since", func() {
			block(first)
			b.door.after("since", func() {
				block(second)
				a.unblock(ana, first[0])
				pass(rests / 2)
			})
		})
		pass(5 * time.Second)
		if got := count.times.Load(); got != 1 {
			t.Errorf("carried out in %d parts", got)
		}
		if b.count() != 199 || b.holds(first[0]) || b.wall.applied[first[0]+"/32"] != 0 {
			t.Errorf("%d held, the one that was ended %d times", b.count(), b.wall.applied[first[0]+"/32"])
		}
	})
}

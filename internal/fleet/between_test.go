package fleet

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// TestADraftOverwritesNothingNewer has a host learn of an unblock after it
// built a record of the same place, and before that is written.
func TestADraftOverwritesNothingNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		_, err := a.block(ana, "198.51.100.7")
		must(t, err)
		pass(2 * time.Second)
		id := blockID("198.51.100.7")
		a.n.mu.Lock()
		r := *a.n.known[id].rec
		r.Rev++
		x := a.n.draft(&r, nil)
		a.n.mu.Unlock()
		sw := a.n.next(OfSwitches, "")
		sw.rec.Switches = &actions.Switches{Armed: true, AutoOn: true, By: "ana"}
		b.unblock(bo, "198.51.100.7")
		must(t, b.d.Disarm(t.Context(), bo))
		pass(2 * time.Second)
		if a.d.Switches().Armed || a.holds("198.51.100.7") {
			t.Fatal("it has not learnt of them")
		}
		met, err := a.n.write(t.Context(), []*draft{x})
		must(t, err)
		if !met[id] {
			t.Error("a stale record was written over a newer one")
		}
		if stored, err := a.n.put(t.Context(), sw); err != nil || !stored.Conflict {
			t.Errorf("switches that follow no stop were written over one: %+v, %v", stored, err)
		}
		pass(2 * time.Second)
		if r, err := testKeys.open("shop", s.doc(id), time.Now()); err != nil || r.Ended == nil {
			t.Errorf("the index says %+v, %v", r, err)
		}
		for _, x := range []*site{a, b, c} {
			if x.holds("198.51.100.7") || x.d.Switches().Armed {
				t.Errorf("%s: what was lifted or stopped came back", x.name)
			}
		}
	})
}

// TestALateAnswer has searches answer with what was there before this host
// wrote, and writes return after others were seen.
func TestALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		_, err := a.block(ana, "198.51.100.7")
		must(t, err)
		a.unblock(ana, "198.51.100.7")
		pass(time.Second)
		gen := a.n.gen
		var again error
		a.door.after("since", func() { _, again = a.block(ana, "198.51.100.7") })
		pass(time.Second)
		must(t, again)
		a.door.after("put", func() { time.Sleep(2 * time.Second) }) // the bubble's clock: others write, and are read
		_, err = b.block(bo, "198.51.100.8")
		must(t, err)
		_, err = a.block(ana, "198.51.100.9")
		must(t, err)
		a.door.after("get", func() {
			b.unblock(bo, "198.51.100.8")
			time.Sleep(2 * time.Second)
		})
		must(t, a.n.look(t.Context(), map[string]bool{blockID("198.51.100.8"): true}))
		pass(3 * time.Second)
		for _, x := range []*site{a, b, c} {
			if !x.holds("198.51.100.7", "198.51.100.9") || x.holds("198.51.100.8") || x.n.State().Bad != 0 {
				t.Errorf("%s holds %v: %+v", x.name, x.wall.held, x.n.State())
			}
		}
		if a.n.gen != gen {
			t.Error("a late answer was taken for an index made anew")
		}
	})
}

// TestAnIndexMadeAnew deletes the index: its numbers begin again, and what the
// hosts know is put back.
func TestAnIndexMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		_, err := a.block(ana, "198.51.100.7")
		must(t, err)
		pass(time.Minute)
		s.mu.Lock()
		s.docs, s.seq = map[string]Doc{}, 0
		s.mu.Unlock()
		pass(10 * time.Second)
		if s.doc(blockID("198.51.100.7")).MAC == "" {
			t.Error("what stands was not put back")
		}
		_, err = b.block(bo, "198.51.100.8")
		must(t, err)
		c.unblock(bo, "198.51.100.7")
		pass(3 * time.Second)
		leader(t, a, b, c)
		for _, x := range []*site{a, b, c} {
			if x.holds("198.51.100.7") || !x.holds("198.51.100.8") || x.n.State().Bad != 0 {
				t.Errorf("%s holds %v: %+v", x.name, x.wall.held, x.n.State())
			}
		}
	})
}

// TestThreeStartUnderAttack starts three hosts whose auto mode wants the same
// thing at once: one decides for all.
func TestThreeStartUnderAttack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		var all []*site
		for _, name := range []string{"edge-a", "edge-b", "edge-c"} {
			x := newSite(t, s, name, func(x *site) { x.door.after("since", func() { time.Sleep(time.Second) }) })
			all = append(all, x)
			_, err := x.d.Act(t.Context(), request(actions.Block, actions.Auto, "198.51.100.7"))
			if err == nil || !strings.Contains(err.Error(), "has just started") {
				t.Errorf("%s, before it looked for its fleet: %v", name, err)
			}
			x.n.Wish(request(actions.Block, actions.Auto, "198.51.100.7"))
			if _, err := x.block(ana, addr(len(all))); err != nil {
				t.Errorf("a person on %s: %v", name, err)
			}
		}
		pass(3 * time.Second)
		lead, _ := leader(t, all...)
		for _, x := range all {
			d, ok := x.d.FindActive(request(actions.Block, bo, "198.51.100.7").Targets[0].Prefix)
			if !ok || d.Host != lead.name || d.Term == 0 || x.wall.applied["198.51.100.7/32"] != 1 {
				t.Errorf("%s: %+v, %s leads", x.name, d, lead.name)
			}
		}
	})
}

// TestWishesOfWhoStandsAlone has hosts ask a leader that they can't reach any
// more, or never could: then they act themselves, soon.
func TestWishesOfWhoStandsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		_, rest := leader(t, a, b, c)
		a.door.set(true)
		b.door.set(true)
		c.door.set(true)
		rest[0].n.Wish(request(actions.Block, actions.Auto, "198.51.100.7"))
		d := newSite(t, s, "edge-d", func(x *site) { x.shut = true })
		d.n.Wish(request(actions.Block, actions.Auto, "198.51.100.8"))
		pass(5 * time.Second)
		if !rest[0].holds("198.51.100.7") || rest[1].holds("198.51.100.7") {
			t.Error("who was cut off from the leader must act itself, and for itself")
		}
		if !d.holds("198.51.100.8") {
			t.Error("who finds no fleet must act itself")
		}
	})
}

// faulty is a dispatcher whose disk is full for a while.
type faulty struct {
	Local
	full atomic.Bool
}

var errFull = errors.New("disk full")

func (f *faulty) Adopt(ctx context.Context, ds []actions.Decision) (map[string]actions.Refusal, error) {
	if f.full.Load() {
		return nil, errFull
	}
	return f.Local.Adopt(ctx, ds)
}

func (f *faulty) Release(ctx context.Context, es []actions.Ended) error {
	if f.full.Load() {
		return errFull
	}
	return f.Local.Release(ctx, es)
}

// TestWhatCouldNotBeWrittenDownIsTriedAgain has a follower learn of a block
// and an unblock while its disk is full.
func TestWhatCouldNotBeWrittenDownIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{}
		_, a, b, _ := three(t, func(x *site) {
			if x.name == "edge-b" {
				x.local = func(d Local) Local { f.Local = d; return f }
			}
		})
		_, err := a.block(ana, "198.51.100.7")
		must(t, err)
		pass(2 * time.Second)
		f.full.Store(true)
		_, err = a.block(ana, "198.51.100.8")
		must(t, err)
		a.unblock(ana, "198.51.100.7")
		pass(400 * time.Millisecond)
		pass(400 * time.Millisecond)
		if !b.holds("198.51.100.7") || b.holds("198.51.100.8") {
			t.Fatal("it did carry them out")
		}
		f.full.Store(false)
		pass(2 * time.Second)
		if b.holds("198.51.100.7") || !b.holds("198.51.100.8") {
			t.Errorf("it holds %v", b.wall.held)
		}
	})
}

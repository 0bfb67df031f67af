package fleet

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// three starts a fleet of three.
func three(t *testing.T, change func(*site)) (s *shelf, a, b, c *site) {
	s = newShelf()
	a, b, c = newSite(t, s, "edge-a", change), newSite(t, s, "edge-b", change), newSite(t, s, "edge-c", change)
	pass(3 * time.Second)
	return s, a, b, c
}

func TestEveryHostFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		began := time.Now()
		ds, err := a.block(ana, "198.51.100.7")
		must(t, err)
		if ds[0].Host != "edge-a" {
			t.Errorf("the decision says it is of %q", ds[0].Host)
		}
		pass(2 * time.Second)
		for _, x := range []*site{a, b, c} {
			x.wall.mu.Lock()
			at, ok := x.wall.held["198.51.100.7/32"]
			x.wall.mu.Unlock()
			if !ok || at.Sub(began) > 2*time.Second {
				t.Errorf("%s holds it: %t, after %s", x.name, ok, at.Sub(began))
			}
			d, err := x.ledger.Decision(t.Context(), ds[0].ID)
			must(t, err)
			if d.Host != "edge-a" || d.Actor.Name != "ana" || !d.State.Active() || !d.Expires.Equal(ds[0].Expires) {
				t.Errorf("the ledger of %s: %+v", x.name, d)
			}
		}
		if len(b.jobs.applied) != 0 || a.jobs.applied["198.51.100.7/32"] != 1 {
			t.Error("what reaches the same place from every host was asked by more than the host that decided")
		}

		// The undo travels too, with its exemption.
		c.unblock(bo, "198.51.100.7")
		pass(2 * time.Second)
		lead, _ := leader(t, a, b, c)
		for _, x := range []*site{a, b, c} {
			if x.holds("198.51.100.7") {
				t.Errorf("%s still holds it", x.name)
			}
		}
		_, err = lead.d.Act(t.Context(), request(actions.Block, actions.Auto, "198.51.100.7"))
		var no *actions.RefusedError
		if !errors.As(err, &no) || no.Refusals[0].Rule != "exempt" {
			t.Errorf("auto mode on the leader after the unblock elsewhere: %v", err)
		}
		if len(a.jobs.held) != 0 {
			t.Error("the host that decided did not take it back from where all reach")
		}
	})
}

func TestTwoOperatorsRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		var both sync.WaitGroup
		var errs [2]error
		both.Go(func() { _, errs[0] = a.block(ana, "198.51.100.7") })
		both.Go(func() { _, errs[1] = b.block(bo, "198.51.100.7") })
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("one must win: %v, %v", errs[0], errs[1])
		}
		winner, lost := "bo on edge-b", errs[0]
		if errs[0] == nil {
			winner, lost = "ana on edge-a", errs[1]
		}
		if !strings.Contains(lost.Error(), winner) {
			t.Errorf("the loser does not see who: %v", lost)
		}
		pass(2 * time.Second)
		for _, x := range []*site{a, b, c} {
			if !x.holds("198.51.100.7") || x.wall.applied["198.51.100.7/32"] != 1 || x.d.Board().NActive != 1 {
				t.Errorf("%s: held %t, applied %d times, %d active", x.name, x.holds("198.51.100.7"), x.wall.applied["198.51.100.7/32"], x.d.Board().NActive)
			}
		}
	})
}

func TestAnotherLeadsWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, func(x *site) { x.budget.ActiveBlocks, x.budget.BlocksPerMinute = 30, 25 })
		lead, rest := leader(t, a, b, c)
		_, err := rest[0].d.Act(t.Context(), request(actions.Block, actions.Auto, addr(0)))
		if err == nil || !strings.Contains(err.Error(), lead.name+" leads auto mode") {
			t.Errorf("auto mode on a follower: %v", err)
		}
		for i := range 20 {
			_, err := lead.d.Act(t.Context(), request(actions.Block, actions.Auto, addr(i)))
			must(t, err)
		}
		term := lead.n.State().Term
		lead.kill()
		killed := time.Now()
		var next *site
		for next == nil && time.Since(killed) < time.Minute {
			pass(100 * time.Millisecond)
			for _, x := range rest {
				if x.n.State().Leads {
					next = x
				}
			}
		}
		if took := time.Since(killed); next == nil || took > 10*time.Second {
			t.Fatalf("another leads after %s", took)
		}
		if got := next.n.State().Term; got != term+1 {
			t.Errorf("its term is %d after %d", got, term)
		}
		refused := 0
		for i := range 20 {
			if _, err := next.d.Act(t.Context(), request(actions.Block, actions.Auto, addr(i))); err != nil {
				t.Errorf("again %d: %v", i, err) // it only renews
			}
		}
		for i := 20; i < 40; i++ {
			if _, err := next.d.Act(t.Context(), request(actions.Block, actions.Auto, addr(i))); err != nil {
				refused++
			}
		}
		pass(2 * time.Second)
		for _, x := range rest {
			for key, times := range x.wall.applied {
				if times != 1 {
					t.Errorf("%s blocked %s %d times", x.name, key, times)
				}
			}
			if n := x.count(); n > 25 || n < 20 {
				t.Errorf("%s holds %d, the budget of a minute is 25", x.name, n)
			}
		}
		if refused == 0 {
			t.Error("the new leader did not know what the old one had spent")
		}
	})
}

func TestCutOffHostsGoOnWithTheirShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, func(x *site) { x.budget.ActiveBlocks, x.budget.BlocksPerMinute = 30, 30 })
		for _, x := range []*site{a, b, c} {
			x.door.set(true)
		}
		pass(10 * time.Second)
		total := 0
		for k, x := range []*site{a, b, c} {
			if s := x.n.State(); !s.Alone || s.Lately != 3 || s.Leads {
				t.Errorf("%s: %+v", x.name, s)
			}
			if !x.told("this host stands alone with 1/3 of the budgets: connection refused") {
				t.Errorf("%s does not say that it stands alone", x.name)
			}
			for i := range 20 {
				_, _ = x.d.Act(t.Context(), request(actions.Block, actions.Auto, addr(100*k+i))) // past its share it is refused
			}
			pass(time.Second)
			if n := x.count(); n != 10 {
				t.Errorf("%s alone blocked %d, its share is 10", x.name, n)
			}
			total += x.count()
		}
		// A person is not held up.
		_, err := a.block(ana, "198.51.100.9")
		must(t, err)
		for _, x := range []*site{a, b, c} {
			x.door.set(false)
		}
		pass(5 * time.Second)
		for _, x := range []*site{a, b, c} {
			if n := x.count(); n != total+1 {
				t.Errorf("after the merge %s holds %d of %d", x.name, n, total+1)
			}
			if s := x.n.State(); s.Alone || !x.told("at one with the fleet shop again") {
				t.Errorf("%s: %+v", x.name, s)
			}
		}
	})
}

// TestMerge parts one host from two, changes the same things on both sides and
// puts them together again: no block is lost and none is revived.
func TestMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		_, err := a.block(ana, "198.51.100.1", "198.51.100.2", "198.51.100.3")
		must(t, err)
		pass(2 * time.Second)
		c.door.set(true)
		pass(2 * time.Second)

		c.unblock(bo, "198.51.100.1") // undone where nobody hears it
		a.unblock(ana, "198.51.100.2")
		_, err = a.block(ana, "198.51.100.10")
		must(t, err)
		r := request(actions.Block, bo, "198.51.100.10")
		r.TTL = 2 * time.Hour
		_, err = c.act(r)
		must(t, err)
		_, err = c.block(bo, "198.51.100.11")
		must(t, err)
		c.unblock(bo, "198.51.100.3")
		pass(2 * time.Second)
		_, err = c.block(bo, "198.51.100.3") // and blocked anew
		must(t, err)
		pass(time.Second)
		c.restart() // what it knew is in its ledger alone
		pass(5 * time.Second)

		for _, x := range []*site{a, b, c} {
			for target, want := range map[string]bool{"198.51.100.1": false, "198.51.100.2": false, "198.51.100.3": true,
				"198.51.100.10": true, "198.51.100.11": true} {
				if x.holds(target) != want {
					t.Errorf("%s holds %s: %t, want %t", x.name, target, !want, want)
				}
			}
			if d, ok := x.d.FindActive(request(actions.Block, bo, "198.51.100.10").Targets[0].Prefix); !ok || time.Until(d.Expires) < time.Hour {
				t.Errorf("%s: of two blocks the one that ends later must stand: %+v", x.name, d)
			}
		}
		pass(time.Minute)
		if a.holds("198.51.100.1") || c.holds("198.51.100.2") {
			t.Error("revived")
		}
	})
}

func TestAStopIsNeverLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		armed := func(want bool) {
			t.Helper()
			pass(2 * time.Second)
			for _, x := range []*site{a, b, c} {
				if s := x.d.Switches(); s.Armed != want || s.Unsent {
					t.Errorf("%s: %+v, want armed %t", x.name, s, want)
				}
			}
		}
		must(t, a.d.Disarm(t.Context(), ana))
		armed(false)
		must(t, b.d.Arm(t.Context(), bo))
		armed(true)

		// A stop and an arming at the same moment.
		for range 5 {
			must(t, a.d.Disarm(t.Context(), ana))
			armed(false)
			var both sync.WaitGroup
			both.Go(func() { _ = b.d.Arm(t.Context(), bo) }) // who wins is the index's to say
			both.Go(func() { must(t, c.d.Disarm(t.Context(), bo)) })
			both.Wait()
			pass(2 * time.Second)
			if a.d.Switches().Armed != b.d.Switches().Armed {
				t.Fatal("the hosts disagree")
			}
			if err := b.d.Arm(t.Context(), bo); err != nil {
				t.Fatal(err)
			}
			armed(true)
		}

		// A stop on a host that is cut off, and armed elsewhere meanwhile.
		must(t, b.d.Disarm(t.Context(), bo))
		armed(false)
		c.door.set(true)
		pass(2 * time.Second)
		must(t, b.d.Arm(t.Context(), bo))
		pass(time.Second)
		must(t, c.d.Arm(t.Context(), ana))
		must(t, c.d.Disarm(t.Context(), ana))
		c.restart()
		armed(false)
		if !a.told("automation stopped by ana on edge-c") {
			t.Error("the others are not told who stopped it")
		}

		// Armed alone, while the fleet was stopped anew: the stop holds.
		must(t, a.d.Arm(t.Context(), ana))
		armed(true)
		must(t, a.d.Disarm(t.Context(), ana))
		armed(false)
		c.door.set(true)
		pass(2 * time.Second)
		must(t, c.d.Arm(t.Context(), bo))
		must(t, a.d.Arm(t.Context(), ana))
		must(t, a.d.Disarm(t.Context(), ana))
		c.door.set(false)
		armed(false)
	})
}

func TestFollowersWishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		lead, rest := leader(t, a, b, c)
		rest[0].n.Wish(request(actions.Block, actions.Auto, "198.51.100.7"))
		pass(2 * time.Second)
		for _, x := range []*site{a, b, c} {
			d, ok := x.d.FindActive(request(actions.Block, bo, "198.51.100.7").Targets[0].Prefix)
			if !ok || d.Host != lead.name || !strings.Contains(d.Reason, "(seen by "+rest[0].name+")") || d.Term != lead.n.State().Term {
				t.Errorf("%s: %+v", x.name, d)
			}
		}
	})
}

// TestWishesOutliveTheLeader has hosts ask for blocks while nobody leads, and
// while the leader is dead and nobody knows yet.
func TestWishesOutliveTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, b := newSite(t, s, "edge-a", nil), newSite(t, s, "edge-b", nil)
		a.n.Wish(request(actions.Block, actions.Auto, "198.51.100.1"))
		b.n.Wish(request(actions.Block, actions.Auto, "198.51.100.2"))
		pass(3 * time.Second)
		c := newSite(t, s, "edge-c", nil)
		pass(3 * time.Second)
		lead, rest := leader(t, a, b, c)
		for _, x := range rest {
			if !x.holds("198.51.100.1", "198.51.100.2") {
				t.Errorf("%s does not hold what was wished before there was a leader", x.name)
			}
		}
		lead.kill()
		rest[0].n.Wish(request(actions.Block, actions.Auto, "198.51.100.3"))
		rest[1].n.Wish(request(actions.Block, actions.Auto, "198.51.100.4"))
		pass(10 * time.Second)
		for _, x := range rest {
			if !x.holds("198.51.100.3", "198.51.100.4") {
				t.Errorf("%s does not hold what was wished of a dead leader", x.name)
			}
		}
	})
}

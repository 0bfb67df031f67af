package fleet

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

func TestCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		noted := map[string]string{}
		_, a, b, c := three(t, func(x *site) {
			x.o.Canary = 15 * time.Second
			x.o.Note = func(_ context.Context, key, text string) {
				mu.Lock()
				defer mu.Unlock()
				noted[key] += x.name + ": " + text + "\n"
			}
		})
		lead, rest := leader(t, a, b, c)
		first := lead.name
		auto := func(x *site, incident, target string) {
			t.Helper()
			r := request(actions.Block, actions.Auto, target)
			r.Incident = incident
			_, err := x.d.Act(t.Context(), r)
			must(t, err)
		}
		if got := lead.n.Canary("i-1"); got != "canary: "+lead.name+" alone for 15s, then all 3 hosts" {
			t.Errorf("in words: %q", got)
		}
		auto(lead, "i-1", "198.51.100.1")
		pass(5 * time.Second)
		auto(lead, "i-1", "198.51.100.2")
		pass(5 * time.Second)
		if !lead.holds("198.51.100.1", "198.51.100.2") || rest[0].count()+rest[1].count() != 0 {
			t.Error("the first blocks must stand on the leader alone")
		}
		// A person need not wait for it.
		if _, err := rest[0].block(ana, "198.51.100.2"); err != nil {
			t.Error(err)
		}
		pass(7 * time.Second)
		for _, x := range rest {
			if !x.holds("198.51.100.1", "198.51.100.2") {
				t.Errorf("%s does not hold what stood its watch", x.name)
			}
		}
		auto(lead, "i-1", "198.51.100.3")
		pass(2 * time.Second)
		if !rest[0].holds("198.51.100.3") {
			t.Error("after the watch the incident's blocks go to all at once")
		}

		// Usual traffic fell: auto mode takes it back, and it goes nowhere else.
		auto(lead, "i-2", "198.51.100.4")
		pass(5 * time.Second)
		_, err := lead.d.Act(t.Context(), request(actions.Unblock, actions.Auto, "198.51.100.4"))
		must(t, err)
		pass(30 * time.Second)
		if lead.holds("198.51.100.4") || rest[0].holds("198.51.100.4") || rest[0].wall.applied["198.51.100.4/32"] != 0 {
			t.Error("what did harm on the canary went on")
		}
		if !lead.told("the canary of i-2 lost usual traffic") {
			t.Error("nobody is told")
		}

		// The canary dies: the next leader begins its watch again.
		auto(lead, "i-3", "198.51.100.5")
		pass(time.Second)
		lead.kill()
		pass(10 * time.Second)
		next, others := leader(t, rest...)
		if !next.holds("198.51.100.5") || others[0].holds("198.51.100.5") {
			t.Error("the next leader must be the canary")
		}
		pass(20 * time.Second)
		if !others[0].holds("198.51.100.5") {
			t.Error("and extend it after its own watch")
		}
		mu.Lock()
		defer mu.Unlock()
		for key, want := range map[string]string{
			"canary i-1": first + ": the canary of i-1 kept its usual traffic: 1 acts go to all hosts\n",
			"canary i-2": first + ": the canary of i-2 lost usual traffic: its blocks stay off the other hosts\n",
			"canary i-3": next.name + ": the canary of i-3 kept its usual traffic: 1 acts go to all hosts\n",
		} {
			if noted[key] != want {
				t.Errorf("written down of %s: %q, want %q", key, noted[key], want)
			}
		}
	})
}

// TestTheWatchEndsWithARenewal has a block's end move in the moment in which
// its canary passes it on.
func TestTheWatchEndsWithARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, func(x *site) { x.o.Canary = 15 * time.Second })
		lead, rest := leader(t, a, b, c)
		r := request(actions.Block, actions.Auto, "198.51.100.1")
		r.Incident = "i-1"
		ds, err := lead.d.Act(t.Context(), r)
		must(t, err)
		pass(2 * time.Second)
		later := ds[0]
		later.Expires = later.Expires.Add(time.Minute)
		lead.n.mu.Lock()
		w := lead.n.wanted(blockID("198.51.100.1"))
		w.d, w.renew, w.widen = later, true, true
		lead.n.mu.Unlock()
		pass(2 * time.Second)
		for _, x := range rest {
			d, ok := x.d.FindActive(r.Targets[0].Prefix)
			if !ok || !d.Expires.Equal(later.Expires) || !x.holds("198.51.100.1") {
				t.Errorf("%s: %t %+v, it must end at %s", x.name, ok, d, later.Expires)
			}
		}
	})
}

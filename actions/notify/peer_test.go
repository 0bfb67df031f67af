package notify

import (
	"testing"
	"time"
)

// TestHostsThatSeeOneAttackTellItOnce: the hosts of a fleet each see a part of
// an attack in their own log. To people it is one incident until it is over for
// all of them; whoever takes or mutes one of them has it all.
func TestHostsThatSeeOneAttackTellItOnce(t *testing.T) {
	g := newGroups(rules())
	of := func(incident, text string, peer, over bool, d time.Duration) {
		e := news(text, d)
		e.Incident, e.Peer, e.Resolved = incident, peer, over
		g.add(e)
	}
	of("b-1", "opened: 300 requests/s", true, false, 0) // another host saw it first
	of("a-1", "opened: 200 requests/s", false, false, time.Second)
	of("c-1", "opened: 100 requests/s", true, false, 2*time.Second)
	other := news("opened", 0)
	other.Incident, other.Title, other.Peer = "b-2", "scan on shop", true
	g.add(other)
	expect(t, told(g, 5*time.Second),
		"5s [levee] warning: distributed_flood on shop (open) | opened: 300 requests/s / opened: 200 requests/s / opened: 100 requests/s",
		"5s [levee] warning: scan on shop (open) | opened")
	for _, id := range []string{"a-1", "b-1", "c-1"} {
		if x := g.of(id); x == nil || x.key != "b-1" {
			t.Errorf("%s is not part of it", id)
		}
	}
	of("b-1", "over on b", true, true, 6*time.Minute)
	of("a-1", "over on a", false, true, 6*time.Minute)
	expect(t, told(g, 6*time.Minute), "6m0s [levee] warning: distributed_flood on shop (open) | over on b / over on a")
	of("c-1", "over on c", true, true, 7*time.Minute)
	expect(t, told(g, 7*time.Minute), "7m0s [levee] warning: distributed_flood on shop (resolved) | over on c")
	if len(g.joined) != 0 {
		t.Errorf("%v remain", g.joined)
	}
	// Without a peer two incidents of one host stay two.
	of("a-2", "opened", false, false, 8*time.Minute)
	of("a-3", "opened", false, false, 8*time.Minute)
	if g.of("a-2") == g.of("a-3") {
		t.Error("two incidents of one host were put together")
	}
}

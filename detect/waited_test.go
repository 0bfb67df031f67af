package detect_test

import (
	"net/netip"
	"testing"
)

// early lets n sources ask a page or a few early, wait and then flood one; whoever
// browsed did as people do when they came.
func (w *world) early(n, pages int, before, onset, dur float64, browsed bool) {
	ips := make([]netip.Addr, n)
	for i := range ips {
		ips[i] = w.addr()
		for range pages {
			if t := w.r.Float64() * before; browsed {
				w.visit(ips[i], w.agents[i%40], t, 2, "", "https://news.example/")
			} else {
				w.put(one{at: t, from: ips[i], target: "/", agent: w.agents[i%40]})
			}
		}
	}
	w.bots(n, 1, onset, dur, 10, func(i int) netip.Addr { return ips[i] }, func(i int, o *one) { o.target, o.agent = "/", w.agents[i%40] })
}

// Auto mode may touch half a hundredth of the usual traffic. What bots asked when
// they came early to wait must not spend it; what people asked must, though a bot
// sits behind their address by now.
func TestWhoCameEarlyToWaitIsNoUsualTraffic(t *testing.T) {
	for _, c := range []struct {
		name              string
		pages             int
		onset, seconds    float64
		browsed           bool
		shareAtMost       float64
		shareAtLeast      float64
		blockedAtLeast    int
		sourcesAltogether int
	}{
		{"a page each", 1, 700, 760, false, 0, 0, 110, 120},
		{"five pages each", 5, 700, 760, false, 0.002, 0, 110, 120},
		{"people, whose machines are bots by now", 1, 1560, 1620, true, 1, 0.0125, 15, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(1, c.seconds)
			w.host = "www.shop.test"
			w.shop(20)
			w.early(c.sourcesAltogether, c.pages, 150, c.onset, c.seconds-c.onset, c.browsed)
			share, blocked := 0.0, map[netip.Addr]bool{}
			for _, ev := range run(w, "distributed_flood").events {
				if s := ev.Suspect; s != nil && s.Measure == "block" && w.hostile[s.Addr] && !blocked[s.Addr] {
					blocked[s.Addr] = true
					share += s.UsualShare
				}
			}
			if len(blocked) < c.blockedAtLeast || share > c.shareAtMost || share < c.shareAtLeast {
				t.Errorf("%d blocks carry %.2f%% of the usual traffic, want %d and %.2f to %.2f%%", len(blocked), 100*share, c.blockedAtLeast, 100*c.shareAtLeast, 100*c.shareAtMost)
			}
		})
	}
}

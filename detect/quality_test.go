package detect_test

import (
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// drill is a phenomenon in a site and what must come of it.
type drill struct {
	name    string
	seconds float64
	make    func(w *world)
	attacks string  // names the incident may have, space-separated; empty: nobody attacks
	recall  float64 // least share of hostile sources blocked
	within  float64 // most seconds until half of them are blocked; 0: not asked
	most    int     // most blocks of any kind, 0: not asked
	opens   float64 // most seconds until the incident, 0: not asked
}

// outcome is what the engine made of a drill.
type outcome struct {
	hostile, blocked int
	wrong            []netip.Prefix
	half             float64
	incidents        []string
	hostileOpen      float64
	wrongIncident    int
	excess           float64
	stopped          float64
	fit              bool
	events           []detect.Event
}

func run(w *world, names string) outcome {
	reqs := w.sorted()
	e := detect.New(detect.Options{MaxMemory: 48 << 20})
	out := outcome{hostile: len(w.hostile), half: -1, hostileOpen: -1}
	since := map[netip.Addr]int64{}
	var nets []netip.Prefix
	var evs []detect.Event
	detected := int64(0)
	after, stopped := 0, 0
	onset := w.began.Add(time.Duration(w.onset * 1e9))
	for i := 0; i < len(reqs); i += 64 {
		batch := reqs[i:min(i+64, len(reqs))]
		for j := range batch {
			if a := batch[j].Source; w.hostile[a] && detected > 0 {
				after++
				covered := since[a] > 0
				for _, p := range nets {
					covered = covered || p.Contains(a)
				}
				if covered {
					stopped++
				}
			}
		}
		e.Add(batch)
		evs = e.Events(evs[:0])
		out.events = append(out.events, evs...)
		for _, ev := range evs {
			if in := ev.Incident; in != nil {
				if ev.Kind == detect.IncidentOpen {
					out.incidents = append(out.incidents, fmt.Sprintf("%s@%.0f%v", in.Attack, in.Opened.Sub(onset).Seconds(), in.Signature))
					if in.Attack.Hostile() {
						if out.hostileOpen < 0 {
							out.hostileOpen = in.Opened.Sub(onset).Seconds()
							detected = in.Opened.UnixNano()
							out.excess = in.Excess
						}
						out.fit = out.fit || strings.Contains(" "+names+" ", " "+string(in.Attack)+" ")
						out.wrongIncident++
					}
				}
				continue
			}
			s := ev.Suspect
			if s.Measure != detect.BlockSource && s.Measure != detect.BlockPrefix {
				continue
			}
			if s.Measure == detect.BlockPrefix {
				nets = append(nets, s.Key)
			}
			hit := false
			for a := range w.hostile {
				if s.Key.Contains(a) {
					hit = true
					if since[a] == 0 {
						since[a] = ev.Time.UnixNano()
						out.blocked++
						if out.half < 0 && out.blocked*2 >= out.hostile {
							out.half = ev.Time.Sub(onset).Seconds()
						}
					}
				}
				if s.Key.IsSingleIP() && a == s.Key.Addr() {
					break
				}
			}
			if s.Measure == detect.BlockPrefix || !hit {
				bad := !hit
				for _, r := range reqs {
					if !w.hostile[r.Source] && s.Key.Contains(r.Source) {
						bad = true
						break
					}
				}
				if bad {
					out.wrong = append(out.wrong, s.Key)
				}
			}
		}
	}
	if after > 0 {
		out.stopped = float64(stopped) / float64(after)
	}
	return out
}

func drills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	bare := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.shop(rate); more(w) }
	}
	game := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "game.test"; w.launcher(rate); more(w) }
	}
	flood := "single_source_flood distributed_flood cache_busting pulse_flood"
	return []drill{
		{name: "one source, 60/s, small site", seconds: 150, make: shop(5, func(w *world) {
			w.bots(1, 60, 90, 50, 0, w.anywhere, func(i int, o *one) { o.target, o.agent = "/", w.agents[3] })
		}), attacks: flood, recall: 1, within: 3},
		{name: "one source, 400/s, at once", seconds: 60, make: bare(100, func(w *world) {
			w.bots(1, 400, 12, 40, 0, w.anywhere, func(i int, o *one) { o.target, o.agent = "/find?q=lamp", w.agents[3] })
		}), attacks: flood, recall: 1, within: 2},
		{name: "five sources, 20/s each, small site", seconds: 180, make: shop(5, func(w *world) { w.onePage(5, 20, 100, 60, "/") }), attacks: flood, recall: 1, within: 10},
		{name: "five sources, 8/s each, one page", seconds: 200, make: bare(20, func(w *world) { w.onePage(5, 8, 120, 60, "/find?q=chair") }), attacks: flood, recall: 1, within: 20},
		{name: "300 bots random query", seconds: 200, make: shop(50, func(w *world) { w.busting(300, 2, 100, 80) }), attacks: "cache_busting", recall: 0.99, within: 10},
		{name: "40 bots random query, small site", seconds: 200, make: bare(5, func(w *world) { w.busting(40, 0.5, 100, 80) }), attacks: "cache_busting", recall: 0.95, within: 20},
		{name: "2000 bots one page", seconds: 160, make: shop(100, func(w *world) { w.onePage(2000, 1, 90, 60, "/") }), attacks: flood, recall: 0.98, within: 12},
		{name: "bots at once", seconds: 70, make: bare(100, func(w *world) { w.busting(400, 2, 15, 50) }), attacks: "cache_busting", recall: 0.98, within: 12},
		{name: "churning agents", seconds: 220, make: shop(60, func(w *world) { w.churning(500, 0.5, 110, 90) }), attacks: "cache_busting distributed_flood", recall: 0.95, within: 25},
		{name: "pulses", seconds: 420, make: shop(50, func(w *world) { w.pulses(300, 2, 120, 10, 50, 5) }), attacks: flood, recall: 0.95, within: 75},
		{name: "IPv6 rotating in /48", seconds: 160, make: shop(50, func(w *world) { w.rotating(150, 90, 60, false) }), attacks: "prefix_flood", recall: 0.9, within: 15},
		{name: "IPv6 rotating in /64", seconds: 160, make: shop(50, func(w *world) { w.rotating(150, 90, 60, true) }), attacks: flood + " prefix_flood", recall: 0.9, within: 5},
		{name: "brute force", seconds: 260, make: shop(50, func(w *world) { w.stuffing(100, 1, 120, 120); w.forgetful(30) }), attacks: "login_abuse", recall: 0.99, within: 12},
		{name: "stuffing, one a minute", seconds: 700, make: shop(20, func(w *world) { w.stuffing(300, 60, 200, 480); w.forgetful(30) }), attacks: "login_abuse", recall: 0.9, within: 260, opens: 60},
		{name: "stuffing, one in four minutes", seconds: 1700, make: bare(10, func(w *world) { w.stuffing(200, 240, 200, 1490) }), attacks: "login_abuse", recall: 0.75, within: 1000, opens: 200},
		{name: "slow requests", seconds: 200, make: shop(50, func(w *world) { w.slow(40, 0.5, 100, 90) }), attacks: "slow_requests", recall: 0.95, within: 40},
		{name: "HEAD flood", seconds: 160, make: shop(50, func(w *world) { w.methodFlood("HEAD", 200, 2, 90, 60) }), attacks: flood, recall: 0.95, within: 12},
		{name: "OPTIONS flood", seconds: 160, make: bare(50, func(w *world) { w.methodFlood("OPTIONS", 60, 5, 90, 60) }), attacks: flood, recall: 0.95, within: 12},
		{name: "expensive API", seconds: 240, make: shop(80, func(w *world) { w.expensive(400, 0.5, 120, 110) }), attacks: flood + " scraping", recall: 0.9, within: 40},
		{name: "pingback", seconds: 160, make: bare(40, func(w *world) { w.pingback(800, 0.5, 90, 60) }), attacks: "cache_busting", recall: 0.95, within: 20},
		{name: "hosting prefixes", seconds: 500, make: shop(60, func(w *world) { w.hosting(4, 120, 0.1, 120, 360) }), attacks: "prefix_flood scraping distributed_flood", recall: 0.95, within: 150},
		{name: "one request each, random", seconds: 140, make: shop(60, func(w *world) { w.once(20000, 90, 40, true) }), attacks: "cache_busting", most: 500, opens: 10},
		{name: "one request each, plain", seconds: 140, make: bare(60, func(w *world) { w.once(20000, 90, 40, false) }), attacks: "distributed_flood", most: 500, opens: 10},
		{name: "scanners", seconds: 200, make: bare(40, func(w *world) { w.scanner(10, 4, 100, 80) }), attacks: "scan", recall: 1, within: 12},
		{name: "slow scanner that says so", seconds: 300, make: shop(20, func(w *world) { w.nikto(2, 0.1, 100, 180) }), attacks: "scan", recall: 1, within: 80},
		{name: "slow scanner", seconds: 700, make: shop(20, func(w *world) { w.scanner(3, 0.15, 100, 580) }), attacks: "scan", recall: 1, within: 250},
		{name: "garbage", seconds: 160, make: bare(30, func(w *world) { w.garbage(5, 3, 80, 60) }), attacks: "protocol_abuse", recall: 1, within: 15},
		{name: "slow ramp", seconds: 1300, make: shop(30, func(w *world) { w.ramp(150, 1, 200, 1000) }), attacks: flood, recall: 0.95, within: 500},

		{name: "under attack from the first line", seconds: 60, make: shop(60, func(w *world) { w.busting(300, 2, 0, 60) }), attacks: "cache_busting", recall: 0.97, within: 20},
		{name: "one page from the first line", seconds: 60, make: bare(60, func(w *world) { w.onePage(200, 2, 0, 60, "/") }), attacks: "distributed_flood", recall: 0.97, within: 25},
		{name: "silent connections", seconds: 160, make: shop(40, func(w *world) { w.silent(30, 0.5, 90, 60) }), attacks: "slow_requests", recall: 0.95, within: 40},
		{name: "slow requests, busy site", seconds: 200, make: shop(300, func(w *world) { w.slow(300, 0.1, 90, 105) }), attacks: "slow_requests", recall: 0.9, within: 60},
		{name: "launchers' own agent, 300 bots", seconds: 200, make: game(60, func(w *world) { w.mimics(300, 2, 110, 80) }), attacks: flood, recall: 0.9, within: 30},
		{name: "launchers' own agent, 60 bots", seconds: 200, make: game(20, func(w *world) { w.mimics(60, 1.5, 110, 80) }), attacks: flood, recall: 0.9, within: 30},
		{name: "posting", seconds: 160, make: shop(40, func(w *world) { w.posting(100, 1, 90, 60) }), attacks: flood, recall: 0.95, within: 20},
		{name: "xmlrpc", seconds: 160, make: bare(40, func(w *world) { w.xmlrpc(20, 2, 90, 60) }), attacks: flood + " login_abuse scan", recall: 0.95, within: 25},
		{name: "hotlink", seconds: 160, make: shop(40, func(w *world) { w.hotlink(50, 4, 90, 60) }), attacks: flood + " scraping", recall: 0.9, within: 25},
		{name: "random pages, 200 bots", seconds: 200, make: bare(60, func(w *world) { w.pages(200, 0.7, 90, 100) }), attacks: flood + " scraping", recall: 0.95, within: 30},
		{name: "random paths", seconds: 160, make: shop(40, func(w *world) { w.randomPaths(150, 1, 90, 60) }), attacks: flood + " scan", recall: 0.95, within: 25},
		{name: "overwhelming", seconds: 160, make: shop(40, func(w *world) { w.overwhelming(300, 3, 90, 60) }), attacks: flood, recall: 0.95, within: 20},
		{name: "API login", seconds: 260, make: shop(40, func(w *world) { w.apiLogin(150, 0.2, 100, 140) }), attacks: "login_abuse", recall: 0.95, within: 45},
		{name: "false crawlers", seconds: 160, make: shop(40, func(w *world) { w.fakeBots(60, 3, 90, 60) }), attacks: flood, recall: 0.95, within: 20},
		{name: "botnet behind plain site without assets", seconds: 200, make: shop(60, func(w *world) { w.noAssets(); w.onePage(300, 1, 110, 80, "/") }), attacks: flood, recall: 0.9, within: 30},
		{name: "big site, 1000 bots", seconds: 80, make: bare(1500, func(w *world) { w.busting(1000, 1, 40, 35) }), attacks: "cache_busting", recall: 0.95, within: 15},
		{name: "big site, few bots", seconds: 90, make: bare(1000, func(w *world) { w.onePage(20, 10, 45, 40, "/find?q=x") }), attacks: flood, recall: 0.95, within: 15},
		{name: "big site, brute force", seconds: 75, make: bare(1500, func(w *world) { w.stuffing(40, 2, 35, 38) }), attacks: "login_abuse", recall: 0.95, within: 15},
		{name: "more bots than places", seconds: 100, make: bare(100, func(w *world) { w.busting(20000, 0.2, 50, 45) }), attacks: "cache_busting", recall: 0.85, within: 28},
		{name: "crowd and attack", seconds: 260, make: shop(60, func(w *world) { w.link(2000, 100, 80); w.onePage(300, 1, 130, 90, "/") }), attacks: "distributed_flood", recall: 0.95, within: 15},
		{name: "outage and attack", seconds: 260, make: bare(60, func(w *world) { w.outage(140, 60); w.pages(200, 2, 135, 90) }), attacks: flood + " scraping", recall: 0.9, within: 30},
		{name: "slow crawl, small site", seconds: 900, make: shop(5, func(w *world) { w.hosting(1, 50, 0.05, 300, 500) }), attacks: "prefix_flood scraping distributed_flood", recall: 0.95, within: 150},
		{name: "random queries through one CDN address", seconds: 220, make: bare(100, func(w *world) { w.busting(300, 1, 120, 80); w.throughOne() }), attacks: "cache_busting", opens: 15},
		{name: "two attacks at once", seconds: 220, make: shop(60, func(w *world) { w.stuffing(80, 1, 110, 90); w.busting(300, 1, 110, 90) }), attacks: "cache_busting", recall: 0.97, within: 15},

		{name: "calm shop", seconds: 400, make: shop(50, func(w *world) { w.forgetful(40) })},
		{name: "calm small shop", seconds: 900, make: bare(4, func(w *world) { w.monitors(4) })},
		{name: "calm launcher", seconds: 300, make: game(100, func(w *world) {})},
		{name: "link", seconds: 320, make: shop(60, func(w *world) { w.link(1500, 100, 100) })},
		{name: "link, small site", seconds: 320, make: bare(5, func(w *world) { w.link(600, 120, 60) })},
		{name: "office", seconds: 240, make: shop(30, func(w *world) { w.nat(80, 30); w.nat(12, 4) })},
		{name: "carrier", seconds: 120, make: bare(50, func(w *world) { w.nat(400, 200) })},
		{name: "CDN", seconds: 200, make: bare(150, func(w *world) { w.cdn(1) })},
		{name: "CDN, three edges, crowd", seconds: 260, make: shop(150, func(w *world) { w.link(1500, 100, 60); w.cdn(3) })},
		{name: "partner from the start", seconds: 240, make: shop(30, func(w *world) { w.partner(20, 0, 240) })},
		{name: "partner syncs", seconds: 300, make: shop(30, func(w *world) { w.partner(40, 150, 100) })},
		{name: "monitors", seconds: 300, make: shop(10, func(w *world) { w.monitors(40) })},
		{name: "feed on the hour", seconds: 260, make: shop(30, func(w *world) { w.readers(100, 20); w.readers(2000, 150) })},
		{name: "push", seconds: 260, make: shop(40, func(w *world) { w.push(300, 0, 250); w.push(5000, 130, 60) })},
		{name: "push to a new endpoint", seconds: 260, make: bare(40, func(w *world) { w.push(4000, 130, 60) })},
		{name: "patch day", seconds: 300, make: game(40, func(w *world) { w.patch(4000, 150, 140) })},
		{name: "outage", seconds: 300, make: shop(60, func(w *world) { w.outage(150, 60) })},
		{name: "launcher outage", seconds: 300, make: game(60, func(w *world) { w.outage(150, 60) })},
		{name: "tokens expire", seconds: 300, make: shop(30, func(w *world) { w.expired(800, 150, 60) })},
		{name: "broken release", seconds: 300, make: shop(60, func(w *world) { w.broken(150) })},
		{name: "crawler", seconds: 300, make: bare(10, func(w *world) { w.crawler(8) })},
		{name: "live scores", seconds: 300, make: shop(30, func(w *world) { w.pollers(100, 5, 0, 300); w.pollers(1500, 5, 130, 160) })},
		{name: "live scores, nobody before", seconds: 300, make: shop(30, func(w *world) { w.pollers(1500, 4, 130, 160) })},
		{name: "site without assets", seconds: 300, make: shop(60, func(w *world) { w.noAssets() })},
		{name: "crowd, site without assets", seconds: 300, make: bare(60, func(w *world) { w.link(1500, 130, 60); w.noAssets() })},
		{name: "robots", seconds: 300, make: shop(20, func(w *world) { w.robots(12, 1.5) })},
		{name: "morning", seconds: 600, make: shop(10, func(w *world) { w.morning(40) })},
		{name: "sale", seconds: 260, make: shop(40, func(w *world) { w.sale(800, 120, 100) })},
		{name: "download in ranges", seconds: 200, make: shop(30, func(w *world) { w.download(100, 60) })},
		{name: "office logs in", seconds: 300, make: shop(20, func(w *world) { w.gateway(120, 100) })},
		{name: "big calm site", seconds: 60, make: bare(2000, func(w *world) {})},
		{name: "single-page application", seconds: 400, make: shop(20, func(w *world) { w.spa(200) })},
	}
}

var seeds = flag.Int("seeds", 1, "how many seeds to rehearse every drill with")

func TestDrills(t *testing.T) {
	for i, d := range slices.Concat(drills(), appDrills(), patientDrills(), scepticDrills(), disguiseDrills(), bystanderDrills(), burstDrills(), strangerDrills(), guesserDrills()) {
		if raceEnabled && i%8 != 0 {
			continue // the race detector is slow, and one goroutine can't race much
		}
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= uint64(*seeds); seed++ {
				w := newWorld(seed, d.seconds)
				d.make(w)
				got := run(w, d.attacks)
				t.Logf("%-36s %d %6d req  blocked %d/%d half %.0f s  wrong %d  open %.0f s  stopped %.0f%%  %v", d.name, seed, len(w.reqs), got.blocked, got.hostile, got.half, len(got.wrong), got.hostileOpen, 100*got.stopped, got.incidents)
				d.check(t, w, &got)
			}
		})
	}
}

func (d *drill) check(t *testing.T, w *world, got *outcome) {
	t.Helper()
	if n := len(got.wrong); n > 0 {
		t.Errorf("%d clients blocked who mean no harm, the first is %v", n, got.wrong[0])
		for _, ev := range got.events {
			if ev.Suspect != nil && ev.Suspect.Key == got.wrong[0] {
				for _, x := range ev.Suspect.Evidence {
					t.Logf("   %+.0f %s", x.Points, x.Text)
				}
				break
			}
		}
	}
	if d.attacks == "" {
		if got.wrongIncident > 0 {
			t.Errorf("an attack was seen where nobody attacks: %v", got.incidents)
		}
		return
	}
	if !got.fit {
		t.Errorf("no incident is named one of %q: %v", d.attacks, got.incidents)
	}
	if r := float64(got.blocked) / float64(max(1, got.hostile)); r < d.recall {
		t.Errorf("%.1f%% of the attackers were blocked, want %.0f%%", 100*r, 100*d.recall)
	}
	if d.within > 0 && (got.half < 0 || got.half > d.within) {
		t.Errorf("half were blocked after %.0f s, want %.0f s", got.half, d.within)
	}
	if d.opens > 0 && (got.hostileOpen < 0 || got.hostileOpen > d.opens) {
		t.Errorf("the incident opened after %.0f s, want %.0f s", got.hostileOpen, d.opens)
	}
	if d.most > 0 && got.blocked+len(got.wrong) > d.most {
		t.Errorf("%d addresses blocked, want %d at most", got.blocked, d.most)
	}
}

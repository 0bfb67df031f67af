package detect_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"levee/detect"
)

// form hammers one costly form with plausible headers; visits says whether each
// bot looks round the site first, as a person's browser does.
func (w *world) form(n int, rate, onset, dur float64, visits bool) {
	for t := 0.0; t < w.seconds; t += w.exp(2) {
		w.put(one{at: t, from: w.addr(), method: "POST", target: "/api/report/export", agent: w.agent(), refer: origin + "/"})
	}
	w.bots(n, rate, onset+6, dur, 5, func(int) netip.Addr {
		a := w.addr()
		if visits {
			w.visit(a, w.agent(), onset+w.r.Float64()*5, 1, "", "")
		}
		return a
	}, func(i int, o *one) {
		o.method, o.target, o.agent, o.refer = "POST", "/api/report/export", w.agents[i%17], origin+"/"
	})
}

// reloading people get errors on pages they came to by a link.
func (w *world) reloading(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a, ua := w.addr(), w.agent()
		for t := onset + w.r.Float64()*20; t < onset+dur+5; t += 0.7 + 3.3*w.r.Float64() {
			st := 502
			if t > onset+dur {
				st = 200
			}
			w.put(one{at: t, from: a, target: fmt.Sprintf("/item/lamp-%d", w.r.IntN(7)), agent: ua, refer: origin + "/section/sale", status: st})
		}
	}
}

// TestNames holds what incidents are called in the end, and that one phenomenon
// is one incident.
func TestNames(t *testing.T) {
	site := func(rate float64, f func(w *world)) func(w *world) {
		return func(w *world) { w.shop(rate); f(w) }
	}
	for _, c := range []struct {
		name    string
		seconds float64
		make    func(w *world)
		want    []detect.Attack
	}{
		{"pulses with long silences", 1000, site(20, func(w *world) { w.pulses(400, 1, 200, 10, 110, 6) }), []detect.Attack{detect.PulseFlood}},
		{"few bots pulse", 1000, site(10, func(w *world) { w.pulses(80, 2, 200, 12, 108, 6) }), []detect.Attack{detect.PulseFlood}},
		{"form hammered", 400, site(50, func(w *world) { w.form(300, 0.4, 150, 200, false) }), []detect.Attack{detect.DistributedFlood}},
		{"form hammered after a visit", 400, site(50, func(w *world) { w.form(300, 0.4, 150, 200, true) }), []detect.Attack{detect.DistributedFlood}},
		{"errors on linked pages", 360, site(60, func(w *world) { w.reloading(900, 180, 60) }), []detect.Attack{detect.RetryStorm}},
		{"errors on linked pages, small site", 360, site(15, func(w *world) { w.reloading(250, 180, 40) }), []detect.Attack{detect.RetryStorm}},
		{"link, assets elsewhere", 400, site(40, func(w *world) { w.link(3000, 200, 60); w.noAssets() }), []detect.Attack{detect.FlashCrowd}},
		{"attack on the crowd's page", 420, site(20, func(w *world) {
			w.link(2000, 180, 80)
			w.bots(400, 1, 215, 150, 5, w.anywhere, func(i int, o *one) {
				o.target, o.agent = fmt.Sprintf("/item/lamp-7?x=%d", w.r.IntN(1e9)), w.agents[i%20]
			})
		}), []detect.Attack{detect.CacheBusting, detect.FlashCrowd}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(3); seed < 3+uint64(*seeds); seed++ {
				w := newWorld(seed, c.seconds)
				c.make(w)
				got := run(w, "")
				last := map[string]*detect.Incident{}
				for _, ev := range got.events {
					if ev.Incident != nil {
						last[ev.Incident.ID] = ev.Incident
					}
				}
				var names []detect.Attack
				var crowd, attack detect.Signature
				for _, in := range last {
					names = append(names, in.Attack)
					if in.Attack.Hostile() {
						attack = in.Signature
					} else {
						crowd = in.Signature
					}
				}
				slices.Sort(names)
				if !slices.Equal(names, c.want) {
					t.Errorf("seed %d: the incidents are called %v, want %v: %v", seed, names, c.want, got.incidents)
				}
				if len(got.wrong) > 0 {
					t.Errorf("%d clients blocked who mean no harm", len(got.wrong))
				}
				if len(c.want) == 2 && (attack.Path == crowd.Path && attack.Query == "" && attack.Referer == "") {
					t.Errorf("the attack's signature %v takes the crowd %v", attack, crowd)
				}
			}
		})
	}
}

// TestAnonymous holds that requests whose log names no client address count
// for the service's rate and are judged by nobody.
func TestAnonymous(t *testing.T) {
	e := detect.New(detect.Options{MaxMemory: 8 << 20})
	at := time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)
	for sec := range 30 {
		for range 40 {
			e.Add([]detect.Request{{Time: at.Add(time.Duration(sec) * time.Second).UnixNano(), Method: []byte("GET"), Target: []byte("/"), Status: 200, Bytes: -1, Duration: -1}})
		}
	}
	s := e.Snapshot()
	if s.Anonymous != 1200 || s.Total.Requests != 1200 || s.Sources != 0 || len(s.Suspects) != 0 {
		t.Errorf("anonymous %d of %d requests, %d sources, %d suspects; want 1200 of 1200, none, none", s.Anonymous, s.Total.Requests, s.Sources, len(s.Suspects))
	}
	if math.Abs(s.Total.Rate-40) > 5 || len(s.Services) != 1 || math.Abs(s.Services[0].Rate-40) > 5 {
		t.Errorf("the rate is %.0f/s, want 40", s.Total.Rate)
	}
}

package detect_test

import (
	"fmt"
	"net/netip"
)

// Phenomena an examiner made up who had not read the detector: who must be left
// alone in the middle of an attack, and attacks that were there first, that are
// few, or that hide in what a site answers.

// probes ask the start page by the clock from the first line on, as monitors do.
func (w *world) probes(n int) {
	for range n {
		a := w.addr()
		for t := w.exp(5); t < w.seconds; t += 15 {
			w.put(one{at: t, from: a, target: "/", agent: "Blackbox Exporter/0.25.0"})
		}
	}
}

// rotation is the day a key is changed: every app has to sign in anew, people
// mistype, and nearly all get in.
func (w *world) rotation(n int, onset float64) {
	const ua = "ShopApp/7.3 (Android 15)"
	sign := func(t float64) {
		a := w.addr()
		for w.r.Float64() < 0.3 {
			w.put(one{at: t, from: a, method: "POST", target: "/v1/auth/login", status: 401, agent: ua})
			t += 8
		}
		w.put(one{at: t, from: a, method: "POST", target: "/v1/auth/login", agent: ua})
		for k := range 3 {
			w.put(one{at: t + 1 + float64(k), from: a, target: "/v1/me", agent: ua})
		}
	}
	for t := 0.0; t < w.seconds; t += w.exp(1.2) {
		sign(t)
	}
	w.onset = onset
	for range n {
		sign(onset + w.exp(60))
	}
}

// evening is an app's peak behind carriers: many people and agents an address.
func (w *world) evening(carriers int, rate, onset, dur float64) {
	addrs := make([]netip.Addr, carriers)
	for i := range addrs {
		addrs[i] = w.addr()
	}
	sessions := func(from, to, rate float64) {
		for t := from; t < to; t += w.exp(1 / rate) {
			a := addrs[w.r.IntN(carriers)]
			if w.r.Float64() < 0.3 {
				a = w.addr()
			}
			ua := fmt.Sprintf("MatchApp/%d.%d (Android %d)", 5+w.r.IntN(3), w.r.IntN(4), 11+w.r.IntN(5))
			w.put(one{at: t, from: a, method: "POST", target: "/v1/auth/token/refresh", agent: ua})
			for k := range 3 + w.r.IntN(8) {
				w.put(one{at: t + 0.5 + float64(k)*w.exp(5), from: a, target: []string{"/v1/feed", "/v1/me", "/v1/search?q=cup"}[w.r.IntN(3)], agent: ua})
			}
		}
	}
	sessions(0, w.seconds, rate)
	w.onset = onset
	sessions(onset, onset+dur, 2*rate)
}

// recrawl is a search engine that visits every page anew.
func (w *world) recrawl(onset, dur float64) {
	w.onset = onset
	for i := range 8 {
		a := netip.AddrFrom4([4]byte{66, 249, 66, byte(10 + i)})
		for t := onset; t < onset+dur; t += 0.25 {
			w.put(one{at: t, from: a, target: fmt.Sprintf("/item/lamp-%d", w.r.IntN(900)), agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"})
		}
	}
}

// throughEdges hides everybody behind the edges of a delivery network.
func (w *world) throughEdges(n int) {
	edges := map[netip.Addr]netip.Addr{}
	for i := range w.reqs {
		r := &w.reqs[i]
		if _, ok := edges[r.Source]; !ok {
			k := w.r.IntN(n)
			edges[r.Source] = netip.AddrFrom4([4]byte{172, 68, byte(k / 200), byte(1 + k%200)})
		}
		r.Source = edges[r.Source]
	}
	w.hostile = map[netip.Addr]bool{}
}

// declined tries stolen cards.
func (w *world) declined(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 20, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent, o.refer = "POST", "/basket/pay", 402, w.agents[i%9], origin+"/basket"
		if w.r.Float64() < 0.05 {
			o.status = 200
		}
	})
}

// silentRefusals tries passwords where a refusal is answered 200.
func (w *world) silentRefusals(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 20, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.agent, o.refer = "POST", "/account/signin", w.agents[i%9], origin+"/account/signin"
	})
}

// sections asks six pages at random, as if a search engine had sent it.
func (w *world) sections(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 40, w.anywhere, func(i int, o *one) {
		o.target, o.agent, o.refer = "/section/"+[]string{"garden", "kitchen", "office", "kids", "sale", "new"}[w.r.IntN(6)], w.agents[i%len(w.agents)], "https://www.google.com/"
	})
}

// copier reads one page after the other, in order and by the clock.
func (w *world) copier(rate, onset, dur float64) {
	w.onset = onset
	a, n := w.addr(), 0
	for t := onset; t < onset+dur; t += 1 / rate {
		w.put(one{at: t, from: a, target: fmt.Sprintf("/item/desk-%d", n), agent: w.agents[5], hostile: true})
		n++
	}
}

// onePageAlways is a flood that was there before the log began and goes on.
func (w *world) onePageAlways(n int, rate float64) {
	w.onePage(n, rate, 0, w.seconds, "/")
}

func patientDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	flood := "single_source_flood distributed_flood cache_busting pulse_flood"
	return []drill{
		{name: "probes amid a flood of their page", seconds: 560, make: shop(40, func(w *world) { w.probes(6); w.onePage(300, 1, 420, 90, "/") }), attacks: flood, recall: 0.95, within: 15},
		{name: "probes amid requests that come once", seconds: 520, make: shop(40, func(w *world) { w.probes(6); w.once(15000, 400, 60, false) }), attacks: flood, most: 100, opens: 12},
		{name: "declined cards", seconds: 500, make: shop(40, func(w *world) { w.declined(120, 0.08, 200, 280) }), attacks: "login_abuse", recall: 0.9, within: 120},
		{name: "refusals answered 200", seconds: 420, make: shop(40, func(w *world) { w.silentRefusals(150, 0.1, 200, 200) }), attacks: "login_abuse", recall: 0.85, within: 120},
		{name: "one copier, 6/s", seconds: 420, make: shop(40, func(w *world) { w.copier(6, 200, 200) }), attacks: "scraping single_source_flood", recall: 1, within: 90},
		{name: "one source from the first line", seconds: 120, make: shop(40, func(w *world) {
			w.bots(1, 120, 0, 120, 0, w.anywhere, func(i int, o *one) { o.target, o.agent = "/find?q=a", w.agents[3] })
		}), attacks: flood, recall: 1, within: 5},
		{name: "slow bots from the first line", seconds: 150, make: shop(60, func(w *world) { w.onePageAlways(300, 0.5) }), attacks: flood, recall: 0.9, within: 60},
		{name: "passwords from the first line", seconds: 200, make: shop(40, func(w *world) { w.stuffing(100, 6, 0, 200) }), attacks: "login_abuse", recall: 0.9, within: 60},
		{name: "six pages", seconds: 420, make: shop(60, func(w *world) { w.sections(500, 0.4, 200, 200) }), attacks: flood + " scraping", recall: 0.9, within: 90},
		{name: "bots behind many edges", seconds: 300, make: shop(80, func(w *world) { w.busting(300, 1, 150, 100); w.throughEdges(260) }), attacks: "cache_busting", opens: 30},

		{name: "key rotation", seconds: 700, make: shop(30, func(w *world) { w.rotation(2500, 300) })},
		{name: "evening behind carriers", seconds: 700, make: func(w *world) { w.host = "api.match.test"; w.evening(16, 8, 350, 200) }},
		{name: "recrawl", seconds: 400, make: shop(10, func(w *world) { w.recrawl(200, 150) })},
		{name: "probes, calm", seconds: 900, make: shop(5, func(w *world) { w.probes(7) })},
	}
}

// What a sceptic thought of: programs and pages that look like attackers and are none.

// customer is an internal service's one caller, there from the first line.
func (w *world) customer(rate float64) {
	a := w.addr()
	for t := 0.0; t < w.seconds; t += w.exp(1 / rate) {
		w.put(one{at: t, from: a, target: fmt.Sprintf("/quote?sym=%c%c", 'A'+w.r.IntN(26), 'A'+w.r.IntN(26)), agent: "okhttp/4.12.0"})
	}
}

// renderer is a server that renders pages by asking for them, newly deployed.
func (w *world) renderer(rate, onset float64) {
	w.onset = onset
	a := w.addr()
	for t := onset; t < w.seconds; t += 1 / rate {
		w.put(one{at: t, from: a, target: []string{"/", "/section/new", "/section/sale", "/basket"}[w.r.IntN(4)], agent: "node-fetch/3.3"})
	}
}

// spent is customers of an API whose credit ends; their programs try again.
func (w *world) spent(n int, onset float64) {
	for i := range n {
		a := w.addr()
		for t := w.exp(10); t < w.seconds; t += w.exp(8) {
			st := 200
			if t > onset {
				st = 402
			}
			w.put(one{at: t, from: a, method: "POST", target: "/v1/chat", status: st, agent: []string{"python-requests/2.32", "ShopApp/4.1 (iOS)"}[i%2]})
		}
	}
	w.onset = onset
}

// waitingRoom is a page that reloads itself until it is one's turn, where the
// log shows no assets.
func (w *world) waitingRoom(n int, onset, dur float64) {
	w.noAssets()
	w.onset = onset
	for range n {
		a, ua := w.addr(), w.agent()
		for t := onset + w.exp(15); t < onset+dur; t += 5 {
			w.put(one{at: t, from: a, target: "/queue", agent: ua, refer: origin + "/queue"})
		}
	}
}

// openTabs are dashboards that were open before the first line.
func (w *world) openTabs(n int) {
	for range n {
		a, ua := w.addr(), w.agent()
		for t := w.exp(5); t < w.seconds; t += 5 {
			w.put(one{at: t, from: a, target: "/live", agent: ua, refer: origin + "/live"})
		}
	}
}

// looping is a broken release of an app that asks again at once when it fails.
func (w *world) looping(n int, onset float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		for t := onset + w.exp(60); t < w.seconds; t += 1 + w.exp(0.15) {
			w.put(one{at: t, from: a, target: "/v1/config", status: 500, agent: "AcmeApp/7.4.0 (Android 15)"})
		}
	}
}

func scepticDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	return []drill{
		{name: "an API's only customer", seconds: 200, make: func(w *world) { w.host = "quotes.test"; w.customer(60) }},
		{name: "renderer", seconds: 500, make: shop(30, func(w *world) { w.renderer(6, 250) })},
		{name: "credit ends", seconds: 400, make: func(w *world) { w.host = "api.chat.test"; w.spent(300, 250) }},
		{name: "waiting room, no assets", seconds: 400, make: shop(40, func(w *world) { w.waitingRoom(500, 200, 180) })},
		{name: "open tabs", seconds: 200, make: shop(30, func(w *world) { w.openTabs(60) })},
		{name: "looping app", seconds: 500, make: func(w *world) { w.host = "api.acme.test"; w.evening(4, 8, 480, 10); w.looping(300, 250) }},
	}
}

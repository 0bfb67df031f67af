package detect_test

import "fmt"

// version is the day an app's new version comes out: the launchers known from
// one route ask it and then eight files of a route, each once and quickly.
// known says whether some did so before.
func (w *world) version(n int, onset, dur float64, token, known bool) {
	const ua = "ExampleLauncher/3.2 (Windows)"
	manifest := func(t float64) one {
		return one{at: t, from: w.addr(), target: "/api/v2/launcher/manifest?build=4001", agent: ua}
	}
	fetch := func(t float64) {
		o := manifest(t)
		w.put(o)
		for k := range 8 {
			o.at, o.status = t+1+float64(k), 206
			o.target = fmt.Sprintf("/patch/4001/chunk-%04d.bin", w.r.IntN(400))
			if token {
				o.target += fmt.Sprintf("?token=%016x", w.r.Uint64())
			}
			w.put(o)
		}
	}
	for range 60 {
		o := manifest(0)
		for t := w.exp(20); t < onset; t += 18 + w.exp(2) {
			o.at = t
			w.put(o)
		}
	}
	for t := 0.0; known && t < w.seconds; t += w.exp(4) {
		fetch(t)
	}
	w.onset = onset
	for range n {
		fetch(onset + w.exp(dur))
	}
}

// refused renewals: a release sends phones' expired tokens again and again.
func (w *world) refused(n int, onset, gap float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		t := onset + w.r.Float64()*30
		for range 30 {
			w.put(one{at: t, from: a, method: "POST", target: "/api/auth/refresh", status: 401, agent: "ShopApp/9.2 okhttp/4.12.0"})
			t += gap * (0.8 + 0.4*w.r.Float64())
		}
	}
}

// notice is a push notification whose link carries each user's own number.
func (w *world) notice(n int, onset float64, path string) {
	for t := 0.0; t < w.seconds; t += w.exp(0.2) {
		w.put(one{at: t, from: w.addr(), target: fmt.Sprintf("/api/app/inbox?since=%d", w.r.IntN(1e9)), agent: "ExampleApp/5.1 (Android 14)"})
	}
	w.onset = onset
	for range n {
		w.put(one{at: onset + w.exp(18), from: w.addr(), target: fmt.Sprintf("%s%016x", path, w.r.Uint64()), agent: "ExampleApp/5.1 (Android 14)"})
	}
}

// watches are a monitoring service's probes, one every so many seconds each.
func (w *world) watches(n int, every, onset float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		for t := onset + w.r.Float64()*every; t < w.seconds; t += every {
			o := one{at: t, from: a, target: []string{"/health", "/health", "/", "/account/signin"}[w.r.IntN(4)], agent: "StatusWatch/3.1 (+https://status.example/about)"}
			if o.target == "/account/signin" {
				o.method = "HEAD"
			}
			w.put(o)
		}
	}
}

// managed is an office whose people all open one page with one agent, and
// whose browsers have the rest of it cached.
func (w *world) managed(people int, onset, dur float64) {
	w.onset = onset
	a, ua := w.addr(), w.agent()
	for range people {
		t := onset + w.r.Float64()*dur
		w.put(one{at: t, from: a, target: "/item/lamp-7", agent: ua})
		if w.r.Float64() < 0.5 {
			w.put(one{at: t + 10, from: a, target: "/item/lamp-7", agent: ua, status: 304})
		}
	}
}

// appDrills are phenomena in which many harmless clients look like one program.
func appDrills() []drill {
	site := func(rate float64, f func(w *world)) func(w *world) {
		return func(w *world) { w.shop(rate); f(w) }
	}
	return []drill{
		{name: "new version, new files", seconds: 320, make: site(20, func(w *world) { w.version(3000, 160, 40, true, false) })},
		{name: "new version, few launchers", seconds: 320, make: site(20, func(w *world) { w.version(400, 160, 60, false, false) })},
		{name: "new version, files known", seconds: 320, make: site(20, func(w *world) { w.version(2000, 160, 40, true, true) })},
		{name: "refused renewals", seconds: 320, make: site(20, func(w *world) { w.refused(300, 150, 5) })},
		{name: "refused renewals, big app", seconds: 320, make: site(40, func(w *world) { w.refused(1500, 150, 10) })},
		{name: "push with a number each", seconds: 300, make: site(15, func(w *world) { w.notice(4000, 160, "/api/app/inbox?since=") })},
		{name: "push with a number each, new endpoint", seconds: 300, make: site(15, func(w *world) { w.notice(6000, 160, "/v3/campaign/sale?uid=") })},
		{name: "monitor looks from more places", seconds: 320, make: site(150, func(w *world) { w.watches(3, 10, 0); w.watches(40, 3, 160) })},
		{name: "office opens one page", seconds: 300, make: site(10, func(w *world) { w.managed(300, 150, 60) })},
		{name: "small office opens one page", seconds: 300, make: site(3, func(w *world) { w.managed(150, 150, 40) })},
	}
}

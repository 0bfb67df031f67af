package detect_test

import (
	"fmt"
	"net/netip"
	"time"
)

// What strangers to the site do who mean no harm, and what bots do that go round.

// asked is a program's request that is refused for want of a name and made again with one.
func (w *world) asked(o one, status int) {
	o.status = 401
	w.put(o)
	o.at += 0.1
	o.status = status
	w.put(o)
}

// calendars are clients that look for news every minute: the first of few, more
// from a Monday morning on. Each request is refused until it names its user.
func (w *world) calendars(few, many int, onset float64) {
	w.onset = onset
	for i := range few + many {
		o := one{from: w.addr(), agent: []string{"macOS/14.5 (23F79) dataaccessd/1.0", "DAVx5/4.4 (dav4jvm; okhttp/4.12.0) Android/14", "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.11.0"}[i%3]}
		t := w.exp(30)
		if i >= few {
			t = onset + w.exp(30)
		}
		for ; t < w.seconds; t += 55 + w.exp(5) {
			o.at = t
			for _, m := range []string{"PROPFIND", "REPORT", "REPORT"} {
				o.method, o.target = m, fmt.Sprintf("/remote.php/dav/calendars/user%d/personal/", i)
				w.asked(o, 207)
				o.at += 0.3
			}
		}
	}
}

// clones are people who fetch repositories, and a build farm of three addresses.
func (w *world) clones(people int, rate, onset, dur float64) {
	w.onset = onset
	clone := func(a netip.Addr, t float64) {
		o := one{at: t, from: a, agent: "git/2.43.0", target: fmt.Sprintf("/team%d/repo%d.git/info/refs?service=git-upload-pack", w.r.IntN(8), w.r.IntN(40))}
		w.asked(o, 200)
		o.at, o.method, o.target = t+0.3, "POST", fmt.Sprintf("/team%d/repo%d.git/git-upload-pack", w.r.IntN(8), w.r.IntN(40))
		w.put(o)
	}
	var of, farm []netip.Addr
	for range people {
		of = append(of, w.addr())
	}
	for range 3 {
		farm = append(farm, w.addr())
	}
	for t := 0.0; t < w.seconds; t += w.exp(0.6) {
		clone(of[w.r.IntN(people)], t)
	}
	for t := onset; t < onset+dur; t += w.exp(1 / rate) {
		clone(farm[w.r.IntN(3)], t)
	}
}

// returning are people whom the site sends to sign in elsewhere, many of them
// from a campus: they come back a quarter of a minute later.
func (w *world) returning(n int, onset, dur float64) {
	w.onset = onset
	campus := make([]netip.Addr, 40)
	for i := range campus {
		campus[i] = w.inside([3]byte{141, 20, 7})
	}
	for i := range n {
		a, ua, t := w.addr(), w.agent(), onset+w.r.Float64()*dur
		if i%3 == 0 {
			a = campus[w.r.IntN(len(campus))]
		}
		w.put(one{at: t, from: a, target: "/my/orders", status: 302, agent: ua, proto: "HTTP/2.0"})
		w.put(one{at: t + 0.2, from: a, target: "/account/signin", status: 302, agent: ua, proto: "HTTP/2.0"})
		t += 8 + w.exp(6)
		w.put(one{at: t, from: a, target: fmt.Sprintf("/sso/callback?code=%016x", w.r.Uint64()), status: 302, agent: ua, refer: "https://idp.example/", proto: "HTTP/2.0"})
		w.visit(a, ua, t+1, 2, "/my/orders", "https://idp.example/")
	}
}

// maps are a few of an app's users who move a map, thirty pieces at a time: a map
// now and then, and several at once.
func (w *world) maps(at ...float64) {
	w.onset = at[0]
	for t := 10.0; t < w.seconds; t += 10 { // a small map beside an item
		for a, k := w.addr(), 0; k < 4; k++ {
			w.put(one{at: t + 0.2*float64(k), from: a, target: fmt.Sprintf("/v2/tiles/14/%d/3", w.r.IntN(4000)), agent: "ShopApp/7.1 (iPhone; iOS 17.2)"})
		}
	}
	for _, at := range at {
		a, x := w.addr(), w.r.IntN(4000)
		for range 10 {
			for j := range 30 {
				w.put(one{at: at + w.r.Float64()*0.7, from: a, target: fmt.Sprintf("/v2/tiles/14/%d/%d", x+j%6, j/6), agent: "ShopApp/7.1 (iPhone; iOS 17.2)"})
			}
			at += 0.8 + w.exp(1)
			x += 6
		}
	}
}

// users are people with an app that asks an API now and then.
func (w *world) users(rate float64) {
	for t := -30.0; t < w.seconds; t += w.exp(6 / rate) {
		a, at := w.addr(), t
		for range 6 {
			w.put(one{at: at, from: a, target: []string{fmt.Sprintf("/v2/items/%d", w.r.IntN(9000)), "/v2/feed", "/v2/me"}[w.r.IntN(3)], agent: fmt.Sprintf("ShopApp/7.%d (iPhone; iOS 17.2)", w.r.IntN(3)), took: 9 * time.Millisecond})
			at += w.exp(4)
		}
	}
}

// widget is a script of ours on another site: it is fetched, and asks on once.
func (w *world) widget(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a, ua, t := w.addr(), w.agent(), onset+w.r.Float64()*dur
		w.put(one{at: t, from: a, target: "/embed/widget.js?v=3", agent: ua, refer: "https://news.example/"})
		w.put(one{at: t + 0.4, from: a, target: fmt.Sprintf("/embed/api/count?cb=%010x", w.r.Uint64()>>24), agent: ua, refer: "https://news.example/"})
	}
}

// goingRound are bots that ask three sites of one log in turn.
func (w *world) goingRound(n int, rate, onset, dur float64) {
	own := w.host
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.target = "/"
		w.host = []string{own, "blog.shop.test", "help.shop.test"}[w.r.IntN(3)]
	})
	w.host = own
}

func strangerDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	flood := "single_source_flood distributed_flood cache_busting pulse_flood"
	return []drill{
		{name: "bots that go round three sites", seconds: 300, make: shop(60, func(w *world) {
			for _, h := range []string{"blog.shop.test", "help.shop.test"} {
				w.host = h
				w.shop(20)
			}
			w.host = "www.shop.test"
			w.goingRound(300, 0.6, 150, 120)
		}), attacks: flood, recall: 0.95, within: 30},

		{name: "calendars on Monday", seconds: 500, make: func(w *world) { w.host = "cloud.shop.test"; w.calendars(80, 300, 250) }},
		{name: "build farm", seconds: 400, make: func(w *world) { w.host = "git.shop.test"; w.clones(80, 4, 200, 150) }},
		{name: "people sent to sign in elsewhere", seconds: 420, make: shop(50, func(w *world) { w.returning(2500, 200, 120) })},
		{name: "maps of an app", seconds: 500, make: func(w *world) { w.host = "api.shop.test"; w.users(50); w.maps(250, 251, 252, 400, 401, 402, 403) }},
		{name: "script on another site", seconds: 400, make: shop(40, func(w *world) { w.widget(3500, 150, 200) })},
	}
}

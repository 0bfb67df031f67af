package detect_test

import (
	"fmt"
	"math"
	"net/netip"
	"time"
)

// link sends n people to one page within dur seconds, through a link.
func (w *world) link(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		w.visit(w.addr(), w.agent(), onset+dur*math.Sqrt(w.r.Float64()), 2.5, "/item/lamp-7", "https://news.example/item?id=1")
	}
}

// nat is an office or a carrier's gateway: one address, many people.
func (w *world) nat(people int, rate float64) {
	a := w.addr()
	uas := make([]string, people)
	for i := range uas {
		uas[i] = w.agent()
	}
	for n, want := len(w.reqs), int(rate*w.seconds); len(w.reqs)-n < want; {
		w.visit(a, uas[w.r.IntN(people)], w.r.Float64()*(w.seconds+60)-60, 3, "", "")
	}
}

// cdn lets all ordinary traffic arrive from a few addresses.
func (w *world) cdn(n int) {
	edges := make([]netip.Addr, n)
	for i := range edges {
		edges[i] = w.addr()
	}
	for i := range w.reqs {
		if !w.hostile[w.reqs[i].Source] {
			b := w.reqs[i].Source.As4()
			w.reqs[i].Source = edges[int(b[3])%n]
		}
	}
}

// partner is another company's program that reads the API.
func (w *world) partner(rate, onset, dur float64) {
	w.onset = onset
	a := w.addr()
	for t := onset; t < onset+dur; t += w.exp(1 / rate) {
		w.put(one{at: t, from: a, target: fmt.Sprintf("/api/stock/%d", w.r.IntN(900)), agent: "python-requests/2.31.0", took: 8 * time.Millisecond})
	}
}

// monitors ask for the same page every few seconds.
func (w *world) monitors(n int) {
	for i := range n {
		a := w.addr()
		for t := w.exp(5); t < w.seconds; t += 5 {
			w.put(one{at: t, from: a, method: []string{"HEAD", "GET"}[i%2], target: []string{"/", "/healthz"}[i/2%2], agent: "UptimeProbe/1.0"})
		}
	}
}

// readers fetch the feed at one moment.
func (w *world) readers(n int, at float64) {
	w.onset = at
	for i := range n {
		a := w.addr()
		for k := range 1 + w.r.IntN(2) {
			w.put(one{at: at + w.exp(12) + float64(k)*3, from: a, target: "/blog/feed.xml", agent: fmt.Sprintf("FeedReader/%d.0 (+https://reader.example)", i%20), status: []int{200, 304}[w.r.IntN(2)]})
		}
	}
}

// push wakes an app's users: each asks one endpoint once or twice.
func (w *world) push(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		t := onset + dur*w.r.Float64()
		ua := fmt.Sprintf("ShopApp/7.%d (iPhone; iOS 17.%d)", w.r.IntN(3), w.r.IntN(5))
		for k := range 1 + w.r.IntN(3) {
			w.put(one{at: t + float64(k)*2, from: a, target: "/api/v3/offers/today", agent: ua})
		}
	}
}

// patch is the day the game's new version comes out: five times the launchers.
func (w *world) patch(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		for t := onset + w.r.Float64()*20; t < onset+dur; t += 18 + w.exp(2) {
			w.poll(a, "GameLauncher/4.4 (Windows)", t, 200)
		}
	}
}

// outage lets every page fail for a while, and everyone reloads.
func (w *world) outage(onset, dur float64) {
	w.onset = onset
	n := len(w.reqs)
	for i := 0; i < n; i++ {
		r := &w.reqs[i]
		at := float64(r.Time-w.began.UnixNano()) / 1e9
		if at < onset || at >= onset+dur || w.hostile[r.Source] || len(r.Method) == 0 {
			continue
		}
		r.Status = 503
		if string(r.Referer) == "" || w.r.Float64() < 0.3 {
			t := at
			for range 2 + w.r.IntN(6) {
				t += 0.7 + w.exp(2)
				w.put(one{at: t, from: r.Source, target: string(r.Target), agent: string(r.Agent), refer: string(r.Referer), status: 503, proto: string(r.Proto)})
			}
		}
	}
}

// expired tokens: the app's users are refused at once and try again.
func (w *world) expired(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		ua := fmt.Sprintf("ShopApp/7.%d (iPhone; iOS 17.%d)", w.r.IntN(3), w.r.IntN(5))
		for t := w.r.Float64() * 60; t < w.seconds; t += 25 + w.exp(10) {
			st := 200
			if t > onset && t < onset+dur {
				st = 401
			}
			w.put(one{at: t, from: a, target: "/api/v3/me", agent: ua, status: st})
			if st == 401 {
				w.put(one{at: t + 1, from: a, method: "POST", target: "/api/v3/token", agent: ua, status: []int{200, 401}[w.r.IntN(2)]})
			}
		}
	}
}

// broken lets a release lose its images: everyone gets 404 for them.
func (w *world) broken(onset float64) {
	w.onset = onset
	for i := range w.reqs {
		r := &w.reqs[i]
		if at := float64(r.Time-w.began.UnixNano()) / 1e9; at > onset && len(r.Target) > 4 && (string(r.Target[:4]) == "/img" || string(r.Target[:4]) == "/sta") {
			r.Status = 404
		}
	}
}

// crawler walks the site steadily and says so.
func (w *world) crawler(rate float64) {
	a := netip.MustParseAddr("66.249.70.12")
	for t := 0.0; t < w.seconds; t += w.exp(1 / rate) {
		w.put(one{at: t, from: a, target: fmt.Sprintf("/item/%s-%d", []string{"lamp", "chair"}[w.r.IntN(2)], w.r.IntN(900)), agent: "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"})
	}
}

// forgetful people type wrong passwords again and again.
func (w *world) forgetful(n int) {
	for range n {
		a, ua := w.addr(), w.agent()
		t := w.r.Float64() * w.seconds
		me := origin + "/account/signin"
		w.put(one{at: t, from: a, target: "/account/signin", agent: ua, refer: origin + "/"})
		w.put(one{at: t, from: a, target: "/static/app-0.css", agent: ua, refer: me})
		for range 2 + w.r.IntN(4) {
			t += 4 + w.exp(6)
			w.put(one{at: t, from: a, method: "POST", target: "/account/signin", agent: ua, refer: me, status: 401})
		}
	}
}

// spa is a single-page application: a few assets, then polls for an hour.
func (w *world) spa(n int) {
	for range n {
		a, ua := w.addr(), w.agent()
		t := w.r.Float64() * w.seconds / 2
		w.put(one{at: t, from: a, target: "/app", agent: ua})
		for k := range 3 {
			w.put(one{at: t + 0.3, from: a, target: fmt.Sprintf("/static/app-%d.js", k), agent: ua, refer: origin + "/app"})
		}
		for ; t < w.seconds; t += 1 + w.r.Float64() {
			w.put(one{at: t + 1, from: a, target: "/api/board/state?since=" + fmt.Sprint(1777910000+int(t)), agent: ua, refer: origin + "/app"})
		}
	}
}

// pollers are an app whose users refresh a live score during a match.
func (w *world) pollers(n int, every, onset, dur float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		ua := fmt.Sprintf("LiveScore/3.%d (Android 1%d)", w.r.IntN(4), w.r.IntN(5))
		for t := onset + w.r.Float64()*30; t < onset+dur; t += every + w.exp(0.5) {
			w.put(one{at: t, from: a, target: "/api/live/scores", agent: ua})
		}
	}
}

// noAssets moves every asset to another host, as behind a CDN.
func (w *world) noAssets() {
	kept := w.reqs[:0]
	for _, r := range w.reqs {
		if p := string(r.Target); w.hostile[r.Source] || len(p) < 4 || p[:4] != "/img" && p[:4] != "/sta" {
			kept = append(kept, r)
		}
	}
	w.reqs = kept
}

// robots are several crawlers that say who they are.
func (w *world) robots(n int, rate float64) {
	for i := range n {
		a := w.addr()
		for t := w.exp(40); t < w.seconds; t += w.exp(1 / rate) {
			w.put(one{at: t, from: a, target: fmt.Sprintf("/item/lamp-%d", w.r.IntN(900)), agent: []string{"Mozilla/5.0 (compatible; bingbot/2.0)", "Mozilla/5.0 (compatible; GPTBot/1.2)", "SomeBot/1.0"}[i%3]})
		}
	}
}

// morning lets traffic grow fivefold within the world's time.
func (w *world) morning(rate float64) {
	for n, want := len(w.reqs), int(rate*w.seconds); len(w.reqs)-n < want; {
		w.visit(w.addr(), w.agent(), w.seconds*math.Sqrt(w.r.Float64()), 3, "", "https://www.google.com/")
	}
}

// chatty people reload one page impatiently: a sale at noon.
func (w *world) sale(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a, ua := w.addr(), w.agent()
		t := onset + w.r.Float64()*20
		w.visit(a, ua, t, 2, "/section/sale", "")
		for k := 0; k < 3+w.r.IntN(12); k++ {
			t += 1 + w.exp(4)
			if t > onset+dur {
				break
			}
			w.put(one{at: t, from: a, target: "/section/sale", agent: ua, proto: "HTTP/2.0"})
		}
	}
}

// download is a client that fetches a large file in many ranges.
func (w *world) download(onset, dur float64) {
	w.onset = onset
	a := w.addr()
	for t := onset; t < onset+dur; t += 0.05 {
		w.put(one{at: t, from: a, target: "/files/setup-4.2.iso", agent: "aria2/1.36.0", status: 206})
	}
}

// gateway is an office whose people all log in at nine, some wrongly.
func (w *world) gateway(people int, onset float64) {
	w.onset = onset
	a := w.addr()
	for range people {
		ua, t := w.agent(), onset+w.exp(30)
		me := origin + "/account/signin"
		w.put(one{at: t, from: a, target: "/account/signin", agent: ua})
		w.put(one{at: t + 0.3, from: a, target: "/static/app-0.css", agent: ua, refer: me})
		for w.r.Float64() < 0.35 {
			t += 3 + w.exp(4)
			w.put(one{at: t, from: a, method: "POST", target: "/account/signin", agent: ua, refer: me, status: 401})
		}
		w.put(one{at: t + 4, from: a, method: "POST", target: "/account/signin", agent: ua, refer: me, status: 302})
	}
}

// throughOne lets everything, the attack as well, arrive from one address: only
// a signature can be named, and blocking the address would be wrong.
func (w *world) throughOne() {
	edge := w.addr()
	for i := range w.reqs {
		w.reqs[i].Source = edge
	}
	clear(w.hostile)
}

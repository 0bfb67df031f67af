package detect_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// Those who stand beside an attack, or look like one: programs that say who they
// are, old acquaintances who ask for more, people whom nobody lets in.

// rounds are a monitoring service's probes of the start page; some call themselves
// a browser and say no more.
func (w *world) rounds(n int, every, onset float64, agent string) {
	for range n {
		a := w.addr()
		for t := onset + w.r.Float64()*every; t < w.seconds; t += every {
			w.put(one{at: t, from: a, target: "/", agent: agent})
		}
	}
}

// crawled: by a search engine that nobody can verify, from many addresses.
func (w *world) crawled(n int, rate, onset float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		for t := onset + w.exp(1/rate); t < w.seconds; t += w.exp(1 / rate) {
			w.put(one{at: t, from: a, target: fmt.Sprintf("/item/lamp-%d", w.r.IntN(900)), agent: "Mozilla/5.0 (compatible; ExampleBot/2.0; +https://search.example/bot)"})
		}
	}
}

// hooks are another company's few machines that report to one route, and catch up
// after their own outage.
func (w *world) hooks(n int, before, after, onset, dur float64) {
	w.onset = onset
	for range n {
		a := w.addr()
		call := func(from, to, rate float64) {
			for t := from + w.exp(1/rate); t < to; t += w.exp(1 / rate) {
				w.put(one{at: t, from: a, method: "POST", target: "/hooks/payments", agent: "PayCo/1.0 (+https://pay.example/webhooks)"})
			}
		}
		call(0, w.seconds, before)
		call(onset, onset+dur, after)
	}
}

// results are readers who were here before and reload one page from a warm cache.
func (w *world) results(n int, every, onset float64) {
	w.onset = onset
	for range n {
		a, ua := w.addr(), w.agent()
		w.visit(a, ua, w.r.Float64()*100, 2.5, "", "https://news.example/")
		for t := onset + w.exp(every); t < w.seconds; t += every * (0.7 + 0.6*w.r.Float64()) {
			w.put(one{at: t, from: a, target: "/election/results", agent: ua})
		}
	}
}

// warm are readers who were here before, most of their files at hand ever since, and
// reload one page: some fetch a file now and then, some never do.
func (w *world) warm(n int, onset float64) {
	w.onset = onset
	for range n {
		a, ua, every := w.addr(), w.agent(), 8+22*w.r.Float64()
		if t := w.r.Float64() * (onset - 60); w.r.Float64() < 0.9 {
			w.visit(a, ua, t, 2.5, "", "https://news.example/")
		} else {
			w.put(one{at: t, from: a, target: "/section/new", agent: ua, proto: "HTTP/2.0"})
		}
		for t := onset + w.exp(60); t < w.seconds; t += every * (0.7 + 0.6*w.r.Float64()) {
			w.put(one{at: t, from: a, target: "/election/results", agent: ua, proto: "HTTP/2.0"})
			if w.r.Float64() < 0.05 {
				w.put(one{at: t + 0.3, from: a, target: "/static/app-0.css", status: 304, agent: ua, refer: origin + "/election/results", proto: "HTTP/2.0"})
			}
		}
	}
}

// leechers read parts of one big file that a visitor fetches now and then.
func (w *world) leechers(n int, rate, onset, dur float64) {
	for t := w.exp(12); t < w.seconds; t += w.exp(12) {
		a, ua := w.addr(), w.agent()
		w.visit(a, ua, t, 2, "", "")
		w.put(one{at: t + 20, from: a, target: "/files/setup-3.2.zip", agent: ua})
	}
	w.bots(n, rate, onset, dur, 15, w.anywhere, func(i int, o *one) { o.target, o.status, o.agent = "/files/setup-3.2.zip", 206, w.agents[i%40] })
}

// signIns are an app's users; while the directory is down every one is refused
// and the app tries again by itself.
func (w *world) signIns(rate, onset, dur float64) { w.signInsWhile(rate, onset, dur, 401) }

func (w *world) signInsWhile(rate, onset, dur float64, refused int) {
	w.onset = onset
	for t := w.exp(1 / rate); t < w.seconds; t += w.exp(1 / rate) {
		a, at := w.addr(), t
		for n := range 25 {
			down := at >= onset && at < onset+dur
			w.put(one{at: at, from: a, method: "POST", target: "/api/login", status: map[bool]int{false: 200, true: refused}[down], agent: "ShopApp/9.2 okhttp/4.12.0"})
			if !down {
				break
			}
			at += math.Min(30, 2*math.Pow(1.5, float64(n))) * (0.8 + 0.4*w.r.Float64())
		}
		for k := range 5 {
			w.put(one{at: at + 2 + 4*float64(k), from: a, target: fmt.Sprintf("/api/stock/%d", w.r.IntN(900)), agent: "ShopApp/9.2 okhttp/4.12.0"})
		}
	}
}

// shutOut are people who load the form and its files, and try again and again while
// nobody is let in.
func (w *world) shutOut(rate, onset, dur float64) {
	for t := w.exp(1 / rate); t < w.seconds; t += w.exp(1 / rate) {
		a, ua, at := w.addr(), w.agent(), t
		form := origin + "/account/signin"
		w.put(one{at: at, from: a, target: "/account/signin", agent: ua, refer: origin + "/", proto: "HTTP/2.0"})
		for k := range 4 {
			w.put(one{at: at + 0.2, from: a, target: fmt.Sprintf("/static/app-%d.css", k), agent: ua, refer: form, proto: "HTTP/2.0"})
		}
		for range 9 {
			at += 4 + w.exp(4)
			down := at >= onset && at < onset+dur
			w.put(one{at: at, from: a, method: "POST", target: "/account/signin", status: map[bool]int{false: 302, true: 401}[down], agent: ua, refer: form, proto: "HTTP/2.0"})
			if !down {
				w.visit(a, ua, at+1, 2.5, "", form)
				break
			}
		}
	}
}

// limited are passwords tried by n bots until the site's own limit turns
// everybody away, its people too.
func (w *world) limited(n int, rate, onset, dur float64) {
	w.signInsWhile(1.5, onset, dur, 429)
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent = "POST", "/api/login", 429, w.agents[i%5]
	})
}

// embedded is a picture of ours on a page of another site.
func (w *world) embedded(rate, onset float64) {
	w.onset = onset
	for t := onset; t < w.seconds; t += w.exp(1 / rate) {
		w.put(one{at: t, from: w.addr(), target: "/img/77.webp", agent: w.agent(), refer: "https://board.example/thread/88121"})
	}
}

// installed are people whose browsers keep the files of the site: a push brings
// them to a page whose scripts ask on, and nothing else.
func (w *world) installed(rate, onset, dur float64) {
	w.onset = onset
	for t := onset; t < onset+dur; t += w.exp(1 / rate) {
		a, ua := w.addr(), w.agent()
		w.put(one{at: t, from: a, target: "/item/lamp-7?source=push", agent: ua, proto: "HTTP/2.0"})
		w.put(one{at: t + 0.4, from: a, target: fmt.Sprintf("/api/stock/%d", w.r.IntN(900)), agent: ua, refer: "https://www.shop.test/item/lamp-7?source=push", proto: "HTTP/2.0"})
		if w.r.Float64() < 0.4 {
			w.put(one{at: t + 10, from: a, target: fmt.Sprintf("/item/desk-%d", w.r.IntN(300)), agent: ua, refer: "https://www.shop.test/item/lamp-7?source=push", proto: "HTTP/2.0"})
		}
	}
}

// fetchers are a launcher's users: it asks how long each file is and reads it.
func (w *world) fetchers(n int, onset, dur float64) {
	w.onset = onset
	for range n {
		a, t := w.addr(), onset+w.exp(dur)
		for range 6 + w.r.IntN(20) {
			f := fmt.Sprintf("/patch/91/data%02d.pak", w.r.IntN(40))
			w.put(one{at: t, from: a, method: "HEAD", target: f, agent: "ExampleLauncher/2.4 (Windows)"})
			w.put(one{at: t + 0.2, from: a, target: f, status: 206, agent: "ExampleLauncher/2.4 (Windows)"})
			t += w.exp(3)
		}
	}
}

// oneQuery is an API of a single path that pages and an app ask all the time.
func (w *world) oneQuery(rate float64) {
	for t := 0.0; t < w.seconds; t += w.exp(1 / rate) {
		a := w.addr()
		for k := range 4 + w.r.IntN(9) {
			w.put(one{at: t + 4*float64(k) + w.exp(1), from: a, method: "POST", target: "/api/graphql", agent: "ShopApp/9.2 okhttp/4.12.0"})
		}
	}
}

// resizing asks for one picture in ever new sizes.
func (w *world) resizing(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 15, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/img/resize.jpg?src=lamp&w=%d&h=%d", 1+w.r.IntN(4000), 1+w.r.IntN(4000)), w.agents[i%40]
	})
}

// tokens are asked for with stolen passwords where an app renews its own.
func (w *world) tokens(n int, rate, onset, dur float64) {
	for t := 0.0; t < w.seconds; t += w.exp(1) {
		w.put(one{at: t, from: w.addr(), method: "POST", target: "/oauth/token", status: []int{200, 200, 200, 200, 401}[w.r.IntN(5)], agent: "ShopApp/9.2 okhttp/4.12.0"})
	}
	w.bots(n, rate, onset, dur, 20, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent = "POST", "/oauth/token", 401, w.agents[i%40]
	})
}

// proxies of a mail service fetch a picture of a mailing, each address once.
func (w *world) proxies(n int, onset, dur float64) {
	w.onset = onset
	for i := range n {
		a := netip.AddrFrom4([4]byte{66, 249, byte(80 + i%4), byte(1 + i/4%250)})
		w.put(one{at: onset + w.r.Float64()*dur, from: a, target: fmt.Sprintf("/o/%016x.gif", w.r.Uint64()), agent: "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"})
	}
}

// mailing is sent to n readers, with a token in each link. The gateways of some
// follow theirs first, each from an address that comes once; a mail service fetches
// the pictures; people come after them.
func (w *world) mailing(n int, onset, dur float64, landing string) {
	w.onset = onset
	for i := range n {
		t := onset + w.exp(dur)
		link, page := fmt.Sprintf("/c/%016x?e=%08x", w.r.Uint64(), w.r.Uint32()), fmt.Sprintf("%s?t=%016x", landing, w.r.Uint64())
		if w.r.Float64() < 0.4 {
			a, ua := w.addr(), w.agents[i%len(w.agents)]
			w.put(one{at: t, from: a, target: link, agent: ua, status: 302})
			w.put(one{at: t + 0.4, from: a, target: page, agent: ua})
		}
		if w.r.Float64() < 0.4 {
			a := netip.AddrFrom4([4]byte{66, 249, byte(80 + w.r.IntN(8)), byte(1 + w.r.IntN(250))})
			w.put(one{at: t + 5, from: a, target: fmt.Sprintf("/o/%016x.gif", w.r.Uint64()), agent: "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"})
		}
		if w.r.Float64() < 0.2 {
			a, ua := w.addr(), w.agent()
			w.put(one{at: t + 20, from: a, target: link, agent: ua, status: 302, proto: "HTTP/2.0"})
			w.visit(a, ua, t+20.3, 2.5, page, "")
		}
	}
}

// refetches are of the pages that people opened: a security product's cloud looks at
// a share of them again, half a minute and more later, from n machines of one agent.
func (w *world) refetches(n int, share float64) {
	ips := make([]netip.Addr, n)
	for i := range ips {
		ips[i] = w.addr()
	}
	for _, r := range w.reqs {
		if page := string(r.Target); !strings.Contains(page, ".") && w.r.Float64() < share {
			at := time.Unix(0, r.Time).Sub(w.began).Seconds()
			w.put(one{at: at + 30 + w.exp(60), from: ips[w.r.IntN(n)], target: page, agent: w.agents[81]})
		}
	}
}

// previews are messengers that show what is behind a link, each from an address
// that comes once, and the people who then follow it.
func (w *world) previews(rate, onset, dur float64) {
	w.onset = onset
	names := []string{"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "WhatsApp/2.23.20.0", "TelegramBot (like TwitterBot)", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"}
	for t := onset; t < onset+dur; t += w.exp(1 / rate) {
		w.put(one{at: t, from: w.addr(), target: "/item/lamp-7", agent: names[w.r.IntN(len(names))]})
		if w.r.Float64() < 0.1 {
			w.visit(w.addr(), w.agent(), t+5, 2.5, "/item/lamp-7", "")
		}
	}
}

func bystanderDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	flood := "distributed_flood cache_busting scraping pulse_flood"
	return []drill{
		{name: "probes first seen amid an early flood", seconds: 400, make: shop(30, func(w *world) {
			w.rounds(6, 30, 0, "Mozilla/5.0 Chrome/88.0.4324.96 Safari/537.36")
			w.rounds(6, 60, 40, "Mozilla/5.0 Chrome/88.0.4324.96 Safari/537.36")
			w.onePage(300, 1, 30, 340, "/")
		}), attacks: flood, recall: 0.97, within: 20},
		{name: "bots on an app's one path", seconds: 300, make: shop(20, func(w *world) {
			w.oneQuery(2)
			w.bots(200, 1, 160, 120, 15, w.anywhere, func(i int, o *one) {
				o.method, o.target, o.agent = "POST", "/api/graphql", w.agents[i%40]
			})
		}), attacks: flood, recall: 0.95, within: 30},
		{name: "one picture in ever new sizes", seconds: 260, make: shop(40, func(w *world) { w.resizing(150, 1, 120, 120) }), attacks: flood, recall: 0.95, within: 20},
		{name: "passwords where tokens are renewed", seconds: 300, make: shop(40, func(w *world) { w.tokens(150, 0.3, 120, 170) }), attacks: "login_abuse", recall: 0.95, within: 30},

		{name: "monitor that signs, from 40 places", seconds: 600, make: shop(10, func(w *world) {
			w.onset = 250
			w.rounds(40, 30, 250, "Mozilla/5.0 (compatible; Uptime/1.0; https://uptime.example)")
		})},
		{name: "recrawl by who signs", seconds: 420, make: shop(30, func(w *world) { w.crawled(24, 0.3, 200) })},
		{name: "webhooks catch up", seconds: 700, make: shop(20, func(w *world) { w.hooks(12, 0.05, 2, 400, 150) })},
		{name: "readers reload results", seconds: 700, make: shop(40, func(w *world) { w.results(500, 15, 450) })},
		{name: "nobody can sign in", seconds: 600, make: shop(20, func(w *world) { w.signIns(1.5, 300, 120) })},
		{name: "nobody can sign in, for the limit on tried passwords", seconds: 600, make: shop(20, func(w *world) { w.limited(200, 0.5, 300, 150) }),
			attacks: "login_abuse", recall: 0.9, within: 30},
		{name: "nobody can sign in while passwords are tried", seconds: 600, make: shop(20, func(w *world) { w.shutOut(0.5, 300, 250); w.stuffing(150, 3, 360, 200) }),
			attacks: "login_abuse", recall: 0.9},
		{name: "picture on another site", seconds: 300, make: shop(40, func(w *world) { w.embedded(40, 150) })},
		{name: "push to installed pages", seconds: 300, make: shop(40, func(w *world) { w.installed(20, 150, 120) })},
		{name: "launcher never seen before", seconds: 400, make: shop(10, func(w *world) { w.fetchers(300, 150, 100) })},
		{name: "mail proxies", seconds: 400, make: shop(20, func(w *world) { w.proxies(900, 150, 200) })},
		{name: "mailing with tokens", seconds: 560, make: shop(20, func(w *world) { w.mailing(3000, 260, 100, "/campaign/autumn") })},
		{name: "mailing with tokens, page known", seconds: 560, make: shop(30, func(w *world) { w.mailing(200, 0, 150, "/"); w.mailing(2000, 300, 100, "/") })},
		{name: "link previews", seconds: 400, make: shop(30, func(w *world) { w.previews(9, 200, 150) })},
		{name: "a cloud looks again at what people open", seconds: 1200, make: shop(1, func(w *world) {
			for w.onset = 200; w.onset < 1200; w.onset += w.exp(1.5) { // the evening comes
				w.visit(w.addr(), w.agent(), w.onset, 2.5, "", "")
			}
			w.onset = 200
			w.refetches(60, 0.5)
		})},
		{name: "balancers look after a small site", seconds: 700, make: shop(1, func(w *world) {
			w.monitors(3)
			w.onset = 500
			for range 5 {
				a := w.addr()
				for t := 500 + w.r.Float64(); t < 700; t++ {
					w.put(one{at: t, from: a, target: "/", agent: "Envoy/HC"})
				}
			}
		})},
		{name: "eight bots, small site", seconds: 700, make: shop(0.5, func(w *world) { w.rounds(2, 30, 0, "StatusProbe/2.1"); w.onePage(8, 1.5, 560, 120, "/") }),
			attacks: flood, recall: 1, within: 30},
		{name: "readers reload from a warm cache", seconds: 1100, make: shop(30, func(w *world) { w.warm(300, 500) })},
		{name: "parts of one file", seconds: 660, make: shop(20, func(w *world) { w.leechers(60, 1, 420, 200) }), attacks: flood, recall: 0.95, within: 30},
		{name: "bots that come once to a page nobody asked before", seconds: 400, make: shop(20, func(w *world) { w.onceAt("/export/all", 12000, 250, 120) }),
			attacks: "cache_busting", most: 100, opens: 12},
	}
}

// What nobody asked before may be a page published a moment ago: the usual traffic
// says nothing of whom a throttle would hit.
func TestNoThrottleOfWhatNobodyAskedBefore(t *testing.T) {
	throttles := func(page string) (untried, throttle bool) {
		w := newWorld(1, 330)
		w.host = "www.shop.test"
		w.shop(20)
		w.onceAt(page, 6000, 250, 70)
		got := run(w, "cache_busting")
		for _, ev := range got.events {
			if in := ev.Incident; in != nil && in.Attack.Hostile() {
				return in.Untried, slices.Contains(in.Measures, detect.Throttle)
			}
		}
		t.Fatalf("no attack on %s was seen", page)
		return
	}
	if untried, throttle := throttles("/export/all"); !untried || throttle {
		t.Errorf("a page nobody asked before: untried %v, throttle recommended %v", untried, throttle)
	}
	if untried, throttle := throttles("/find"); untried || !throttle {
		t.Errorf("a page that is asked all the time: untried %v, throttle recommended %v", untried, throttle)
	}
}

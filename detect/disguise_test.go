package detect_test

import (
	"fmt"
	"strings"
)

// Attackers who take care not to look like what they are, and the people whose
// ways they borrow.

// spread is one scan from many addresses, each of which asks little.
func (w *world) spread(n int, every, onset, dur float64) {
	known := []string{"/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/backup.zip", "/server-status", "/.aws/credentials", "/config.php.bak", "/xmlrpc.php",
		"/actuator/health", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/.svn/entries", "/solr/admin/info/system", "/dump.sql", "/.DS_Store", "/cgi-bin/luci"}
	w.bots(n, 1/every, onset, dur, 30, w.anywhere, func(i int, o *one) {
		o.target, o.status, o.agent = known[w.r.IntN(len(known))], []int{404, 404, 404, 403, 301}[w.r.IntN(5)], w.agents[i%40]
	})
}

// pretenders search and search, and fetch some of the files that a browser would.
func (w *world) pretenders(n int, rate, onset, dur float64) {
	words := []string{"lamp", "chair", "desk", "sofa", "rug", "shelf", "bed", "oak", "pine"}
	w.bots(n, rate, onset, dur, 30, w.anywhere, func(i int, o *one) {
		o.target, o.agent, o.refer = "/find?q="+words[w.r.IntN(len(words))]+"+"+words[w.r.IntN(len(words))], w.agents[i%40], "https://www.shop.test/"
		if w.r.Float64() < 0.15 {
			for k := range 1 + w.r.IntN(3) {
				w.put(one{at: o.at + 0.3, from: o.from, target: fmt.Sprintf("/static/app%d.css", k), agent: o.agent, refer: "https://www.shop.test" + o.target, hostile: true})
			}
		}
	})
}

// editors write for a site made with WordPress: they sign in, save, and are
// answered 302, 403 and, while the backend is away, 502 on paths scanners know.
func (w *world) editors(n int, outage, dur float64) {
	for range n {
		a, ua := w.addr(), w.agent()
		for t := w.exp(60); t < w.seconds; t += 20 + w.exp(60) {
			status := func(s int) int {
				if t >= outage && t < outage+dur {
					return 502
				}
				return s
			}
			w.put(one{at: t, from: a, target: "/wp-login.php", agent: ua, status: status(200)})
			w.put(one{at: t + 2, from: a, method: "POST", target: "/wp-login.php", agent: ua, status: status(302)})
			w.put(one{at: t + 3, from: a, target: "/wp-admin/", agent: ua, status: status(200)})
			for k := range 4 {
				w.put(one{at: t + 5 + float64(15*k), from: a, method: "POST", target: "/wp-admin/admin-ajax.php", agent: ua, status: status([]int{200, 400, 403}[w.r.IntN(3)])})
			}
		}
	}
}

// curious people look whether there is an administration, and stop.
func (w *world) curious(n int) {
	for range n {
		a, ua, t := w.addr(), w.agent(), w.r.Float64()*w.seconds
		w.put(one{at: t, from: a, target: "/wp-admin/", agent: ua, status: 404})
		w.put(one{at: t + 6, from: a, target: "/wp-login.php", agent: ua, status: 404})
	}
}

// reloaders press the key again and again while a page does not come.
func (w *world) reloaders(n int, onset, dur float64) {
	for range n {
		a, ua := w.addr(), w.agent()
		for t := onset + w.exp(10); t < onset+dur; t += 4 + w.exp(4) {
			w.put(one{at: t, from: a, target: "/find?q=lamp", agent: ua, refer: "https://www.shop.test/"})
			for k := range 3 {
				w.put(one{at: t + 0.3, from: a, target: fmt.Sprintf("/static/app%d.css", k), agent: ua, status: 304, refer: "https://www.shop.test/find?q=lamp"})
			}
		}
	}
}

// typing is a crowd that searches where a release has just begun to make
// suggestions at every key, and scrolls through pages that never end; with no
// referer a site has told browsers to keep it to themselves.
func (w *world) typing(n int, onset, dur float64, referer bool) {
	w.onset = onset
	words := []string{"lamp", "armchair", "standing desk", "corner sofa", "woollen rug", "bookshelf"}
	for range n {
		a, ua, t := w.addr(), w.agent(), onset+w.r.Float64()*dur
		page, of := "/find?q="+words[w.r.IntN(6)][:4], ""
		if referer {
			of = "https://www.shop.test" + page
		}
		w.visit(a, ua, t, 1, page, "https://news.example/")
		for range 1 + w.r.IntN(4) {
			word := words[w.r.IntN(6)]
			for i := 1; i <= len(word); i++ {
				t += 0.25
				w.put(one{at: t, from: a, target: "/suggest?q=" + strings.ReplaceAll(word[:i], " ", "+"), agent: ua, refer: of, proto: "HTTP/2.0"})
			}
			for i := range w.r.IntN(12) {
				t += 1.5
				w.put(one{at: t, from: a, target: fmt.Sprintf("/find/more?q=%s&page=%d", word[:4], i+2), agent: ua, refer: of, proto: "HTTP/2.0"})
			}
			t += w.exp(8)
		}
	}
}

func disguiseDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	flood := "distributed_flood cache_busting scraping"
	return []drill{
		{name: "one scan from 200 addresses, one try in 20 s", seconds: 900, make: shop(50, func(w *world) { w.spread(200, 20, 200, 690); w.curious(40) }), attacks: "scan", recall: 0.97, within: 110, opens: 60},
		{name: "one scan from 60 addresses, one try a minute", seconds: 1500, make: shop(20, func(w *world) { w.spread(60, 60, 200, 1290) }), attacks: "scan", recall: 0.95, within: 320},
		{name: "bots that fetch some files", seconds: 700, make: shop(50, func(w *world) { w.pretenders(500, 0.5, 200, 490) }), attacks: flood, recall: 0.7, within: 190},
		{name: "bots that fetch some files, people who reload", seconds: 700, make: shop(50, func(w *world) { w.pretenders(300, 0.5, 200, 490); w.reloaders(40, 210, 300) }), attacks: flood, recall: 0.7, within: 190},
		{name: "crowd that types", seconds: 600, make: shop(30, func(w *world) { w.typing(1500, 250, 200, true) })},
		{name: "crowd that types, no referers", seconds: 600, make: shop(30, func(w *world) { w.typing(1500, 250, 200, false) })},
		{name: "editors in an outage", seconds: 600, make: shop(10, func(w *world) { w.editors(30, 300, 120); w.curious(60) })},
	}
}

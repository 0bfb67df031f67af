package detect_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// bots makes n hostile sources that each ask rate times a second from onset on
// for dur seconds, joining over join seconds.
func (w *world) bots(n int, rate, onset, dur, join float64, from func(int) netip.Addr, shape func(i int, o *one)) {
	w.onset = onset
	for i := range n {
		a := from(i)
		for t := onset + w.r.Float64()*join + w.exp(1/rate)*0.5; t < onset+dur; t += w.exp(1 / rate) {
			o := one{at: t, from: a, hostile: true}
			shape(i, &o)
			if !o.from.IsValid() {
				continue
			}
			w.put(o)
		}
	}
}

func (w *world) anywhere(int) netip.Addr { return w.addr() }

// onePage floods one page from fixed agents.
func (w *world) onePage(n int, rate, onset, dur float64, path string) {
	uas := []string{w.agent(), w.agent(), w.agent()}
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) { o.target, o.agent = path, uas[i%3] })
}

// busting floods a page with random queries.
func (w *world) busting(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 8, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/find?q=sale&_=%x", w.r.Uint32()), w.agents[i%17]
		if w.r.Float64() < 0.3 {
			o.refer = "https://www.google.com/"
		}
	})
}

// churning bots change agent and query at every request.
func (w *world) churning(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/find?q=%s%d", []string{"lamp", "rug", "bed"}[w.r.IntN(3)], w.r.IntN(1e6)), w.agents[w.r.IntN(len(w.agents))]
		o.refer = origin + "/"
	})
}

// pulses floods for on seconds, rests for off seconds, n times.
func (w *world) pulses(n int, rate, onset, on, off float64, times int) {
	ips := make([]netip.Addr, n)
	for i := range ips {
		ips[i] = w.addr()
	}
	uas := []string{w.agent(), w.agent()}
	for k := range times {
		w.bots(n, rate, onset+float64(k)*(on+off), on, 1, func(i int) netip.Addr { return ips[i] }, func(i int, o *one) { o.target, o.agent = "/", uas[i%2] })
	}
	w.onset = onset
}

// rotating asks from a new address of one /48 every time.
func (w *world) rotating(rate, onset, dur float64, within64 bool) {
	ua := w.agent()
	w.bots(1, rate, onset, dur, 0, w.anywhere, func(i int, o *one) {
		b := [16]byte{0x2a, 0x0e, 0x97, 0xc0, 0x01, 0x23}
		if !within64 {
			binary.BigEndian.PutUint16(b[6:], uint16(w.r.Uint32()))
		}
		binary.BigEndian.PutUint64(b[8:], w.r.Uint64())
		o.from, o.target, o.agent = netip.AddrFrom16(b), "/", ua
	})
}

// stuffing tries one password every gap seconds from each of n addresses.
func (w *world) stuffing(n int, gap, onset, dur float64) {
	w.bots(n, 1/gap, onset, dur, gap, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent = "POST", "/account/signin", 401, w.agents[i%5]
		o.refer = origin + "/account/signin"
		if w.r.Float64() < 0.003 {
			o.status = 302
		}
	})
}

// slow requests that the server gives up on.
func (w *world) slow(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent, o.took = "POST", "/find", []int{408, 499}[w.r.IntN(2)], w.agents[i%7], 60*time.Second
	})
}

// method floods with HEAD or OPTIONS.
func (w *world) methodFlood(m string, n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) { o.method, o.target, o.agent = m, "/", w.agents[i%9] })
}

// expensive asks the stock API with forged referers and many agents.
func (w *world) expensive(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.target, o.agent, o.refer, o.took = fmt.Sprintf("/api/stock/%d", w.r.IntN(900)), w.agents[(i*7)%len(w.agents)], origin+fmt.Sprintf("/item/lamp-%d", w.r.IntN(300)), 800*time.Millisecond
		o.proto = "HTTP/2.0"
	})
}

// pingback is the WordPress amplification: each site names itself.
func (w *world) pingback(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/?%d=%d", w.r.IntN(1e7), w.r.IntN(1e7)), fmt.Sprintf("WordPress/5.%d; http://blog-%d.example", i%9, i)
	})
}

// hosting crawls pages slowly from whole prefixes.
func (w *world) hosting(nets, each int, rate, onset, dur float64) {
	var list [][3]byte
	for range nets {
		a := w.addr().As4()
		list = append(list, [3]byte{a[0], a[1], a[2]})
	}
	uas := []string{w.agent(), w.agent(), w.agent()}
	w.bots(nets*each, rate, onset, dur, 20, func(i int) netip.Addr { return w.inside(list[i%nets]) }, func(i int, o *one) {
		o.target, o.agent, o.proto = fmt.Sprintf("/item/%s-%d", []string{"lamp", "chair", "desk", "sofa"}[w.r.IntN(4)], w.r.IntN(900)), uas[i%3], "HTTP/2.0"
	})
}

// once asks one random page from every address, n in all.
func (w *world) once(n int, onset, dur float64, random bool) {
	w.onset = onset
	uas := []string{w.agent(), w.agent(), w.agent(), w.agent(), w.agent()}
	for range n {
		p := "/"
		if random {
			p = fmt.Sprintf("/?v=%x", w.r.Uint64())
		}
		w.put(one{at: onset + w.r.Float64()*dur, from: w.addr(), target: p, agent: uas[w.r.IntN(5)], hostile: true})
	}
}

// onceAt asks page with a random query from every address, n in all.
func (w *world) onceAt(page string, n int, onset, dur float64) {
	w.onset = onset
	for i := range n {
		w.put(one{at: onset + w.r.Float64()*dur, from: w.addr(), target: fmt.Sprintf("%s?x=%x", page, w.r.Uint64()), agent: w.agents[i%17], hostile: true})
	}
}

// scanner asks paths that do not exist.
func (w *world) scanner(n int, rate, onset, dur float64) {
	known := []string{"/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/backup.zip", "/server-status", "/admin.php", "/.aws/credentials", "/config.php.bak", "/xmlrpc.php"}
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.status, o.agent = fmt.Sprintf("/%s/old%d", []string{"a", "b", "cms"}[w.r.IntN(3)], w.r.IntN(4000)), 404, w.agents[i%3]
		if w.r.Float64() < 0.5 {
			o.target = known[w.r.IntN(len(known))]
		}
	})
}

// garbage sends what is no request.
func (w *world) garbage(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 2, w.anywhere, func(i int, o *one) { o.garbage = true })
}

// drift asks many pages at a plausible rate, starting slowly and growing.
func (w *world) ramp(n int, top, onset, dur float64) {
	w.onset = onset
	uas := []string{w.agent(), w.agent()}
	for i := range n {
		a := w.addr()
		for t := onset; t < onset+dur; {
			grown := 0.05 + (t-onset)/dur
			t += w.exp(1 / (top * grown))
			w.put(one{at: t, from: a, target: "/find?q=chair", agent: uas[i%2], hostile: true})
		}
	}
}

// The phenomena below were written after the thresholds were set, to see
// whether they hold on what nobody had in mind.

// posting floods a form with POST.
func (w *world) posting(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.agent, o.status = "POST", "/basket", w.agents[i%11], 200
	})
}

// xmlrpc hammers a WordPress endpoint that answers 200 whatever happens.
func (w *world) xmlrpc(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.agent, o.status = "POST", "/xmlrpc.php", w.agents[i%4], []int{200, 404}[i%2]
	})
}

// hotlink fetches one large asset again and again.
func (w *world) hotlink(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) { o.target, o.agent = "/img/7.webp", w.agents[i%6] })
}

// pages asks random existing pages from few agents, quickly.
func (w *world) pages(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/item/lamp-%d", w.r.IntN(900)), w.agents[i%30]
		o.refer = []string{"", "https://www.google.com/"}[w.r.IntN(2)]
	})
}

// randomPaths asks pages that do not exist, with names drawn by a machine.
func (w *world) randomPaths(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.agent, o.status = fmt.Sprintf("/%x", w.r.Uint64()), w.agents[i%20], 404
	})
}

// failing floods a page until everything answers 503.
func (w *world) overwhelming(n int, rate, onset, dur float64) {
	uas := []string{w.agent(), w.agent()}
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.agent = fmt.Sprintf("/find?q=x&r=%d", w.r.Uint32()), uas[i%2]
		if o.at > onset+10 && w.r.Float64() < 0.9 {
			o.status = 503
		}
	})
	for i := range w.reqs {
		r := &w.reqs[i]
		if at := float64(r.Time-w.began.UnixNano()) / 1e9; !w.hostile[r.Source] && at > onset+10 && at < onset+dur && w.r.Float64() < 0.9 {
			r.Status = 503
		}
	}
}

// apiLogin stuffs a JSON login.
func (w *world) apiLogin(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 10, w.anywhere, func(i int, o *one) {
		o.method, o.target, o.status, o.agent = "POST", "/api/v1/auth/login", 401, fmt.Sprintf("okhttp/4.%d", i%3)
	})
}

// silent connections say nothing until the server gives up.
func (w *world) silent(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) { o.garbage, o.status = true, 408 })
}

// fakeBots claim to be a search engine.
func (w *world) fakeBots(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.agent = "/find?q=sofa", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	})
}

// mimics ask a launcher's endpoint with a launcher's agent, only far more often.
func (w *world) mimics(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.agent, o.took = "/launcher/v2/news", fmt.Sprintf("GameLauncher/4.%d (Windows)", i%4), 5*time.Millisecond
	})
}

// nikto scans slowly under its own name.
func (w *world) nikto(n int, rate, onset, dur float64) {
	w.bots(n, rate, onset, dur, 5, w.anywhere, func(i int, o *one) {
		o.target, o.status, o.agent = fmt.Sprintf("/cgi-bin/x%d.pl", w.r.IntN(4000)), 404, "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000003)"
	})
}

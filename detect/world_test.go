package detect_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"sort"
	"time"

	"levee/detect"
)

// world is made-up traffic with known answers: who asks what when, and who of
// them means harm. Everything follows from the seed.
type world struct {
	r       *rand.Rand
	host    string
	reqs    []detect.Request
	hostile map[netip.Addr]bool
	used    map[netip.Addr]bool
	began   time.Time
	seconds float64
	onset   float64 // when the phenomenon begins, seconds
	attacks int     // hostile requests
	agents  []string
}

func newWorld(seed uint64, seconds float64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 99)), hostile: map[netip.Addr]bool{}, used: map[netip.Addr]bool{}, began: time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC), seconds: seconds}
	for v := 90; v < 130; v++ {
		w.agents = append(w.agents,
			fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", v),
			fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", v, v),
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 17_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.%d Mobile/15E148 Safari/604.1", v%9, v%7))
	}
	return w
}

func (w *world) exp(mean float64) float64 { return w.r.ExpFloat64() * mean }

func (w *world) agent() string {
	i := int(math.Abs(w.r.NormFloat64()) * float64(len(w.agents)) / 4)
	return w.agents[i%len(w.agents)]
}

// addr draws an address nobody has yet.
func (w *world) addr() netip.Addr {
	for {
		a := netip.AddrFrom4([4]byte{byte(11 + w.r.IntN(180)), byte(w.r.IntN(256)), byte(w.r.IntN(256)), byte(1 + w.r.IntN(254))})
		if !w.used[a] && !edges(a) {
			w.used[a] = true
			return a
		}
	}
}

// edges reports whether a lies where a content delivery network's edges do.
func edges(a netip.Addr) bool {
	for _, s := range []string{"103.21.244.0/22", "104.16.0.0/12", "108.162.192.0/18", "141.101.64.0/18", "162.158.0.0/15", "172.64.0.0/13", "173.245.48.0/20", "188.114.96.0/20", "190.93.240.0/20"} {
		if netip.MustParsePrefix(s).Contains(a) {
			return true
		}
	}
	return false
}

// inside draws an address of a /24.
func (w *world) inside(net [3]byte) netip.Addr {
	for {
		a := netip.AddrFrom4([4]byte{net[0], net[1], net[2], byte(1 + w.r.IntN(254))})
		if !w.used[a] {
			w.used[a] = true
			return a
		}
	}
}

// one is a request before it is put on the wire.
type one struct {
	at      float64
	from    netip.Addr
	method  string
	target  string
	status  int
	agent   string
	refer   string
	proto   string
	took    time.Duration
	hostile bool
	garbage bool
}

func opt(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func (w *world) put(o one) {
	if o.at < 0 || o.at >= w.seconds {
		return
	}
	if o.method == "" {
		o.method = "GET"
	}
	if o.status == 0 {
		o.status = 200
	}
	if o.proto == "" {
		o.proto = "HTTP/1.1"
	}
	r := detect.Request{
		Time: w.began.Add(time.Duration(o.at * 1e9)).Truncate(time.Second).UnixNano(), Source: o.from, Method: opt(o.method), Target: opt(o.target),
		Proto: opt(o.proto), Agent: opt(o.agent), Referer: opt(o.refer), Host: opt(w.host), Status: uint16(o.status), Bytes: -1, Duration: -1,
	}
	if o.took > 0 {
		r.Duration = int64(o.took)
	}
	if o.garbage {
		if o.status != 408 {
			o.status = 400
		}
		r = detect.Request{Time: r.Time, Source: o.from, Status: uint16(o.status), Kind: detect.NoRequest, Bytes: 157, Duration: -1}
	}
	if o.hostile {
		w.hostile[o.from] = true
		w.attacks++
	}
	r.Bytes = int64(o.at * 1000) // carries the order within a second through the sort
	w.reqs = append(w.reqs, r)
}

func (w *world) sorted() []detect.Request {
	sort.SliceStable(w.reqs, func(i, j int) bool { return w.reqs[i].Bytes < w.reqs[j].Bytes })
	return w.reqs
}

const origin = "https://www.shop.test"

// visit is one person's visit beginning at t.
func (w *world) visit(from netip.Addr, ua string, t, pages float64, landing, refer string) {
	ref := refer
	cached := w.r.Float64() < 0.4
	for i := 0; ; i++ {
		x := w.r.Float64()
		var p string
		switch {
		case i == 0 && landing != "":
			p = landing
		case x < 0.15:
			p = "/"
		case x < 0.55:
			p = fmt.Sprintf("/item/%s-%d", []string{"lamp", "chair", "desk", "sofa"}[w.r.IntN(4)], int(math.Abs(w.r.NormFloat64())*300))
		case x < 0.75:
			p = "/section/" + []string{"garden", "kitchen", "office", "kids", "sale", "new"}[w.r.IntN(6)]
			if w.r.Float64() < 0.3 {
				p += fmt.Sprintf("?page=%d", 1+w.r.IntN(9))
			}
		case x < 0.87:
			p = "/find?q=" + []string{"red+lamp", "oak+desk", "chair", "sofa", "green+rug", "light", "bed", "mirror", "shelf"}[w.r.IntN(9)]
		case x < 0.93:
			p = "/basket"
		case x < 0.97:
			p = "/account/signin"
		default:
			p = fmt.Sprintf("/gone/%d", w.r.IntN(80))
		}
		st := 200
		if len(p) > 5 && p[:5] == "/gone" {
			st = 404
		}
		w.put(one{at: t, from: from, target: p, agent: ua, refer: ref, status: st, proto: "HTTP/2.0", took: time.Duration(20+w.exp(40)) * time.Millisecond})
		me := origin + p
		if st == 200 {
			if i == 0 && !cached {
				for k := range 4 {
					w.put(one{at: t + 0.1 + w.exp(0.2), from: from, target: fmt.Sprintf("/static/app-%d.%s", k, []string{"css", "js"}[k%2]), agent: ua, refer: me, proto: "HTTP/2.0"})
				}
			}
			for range 1 + w.r.IntN(4) {
				w.put(one{at: t + 0.2 + w.exp(0.3), from: from, target: fmt.Sprintf("/img/%d.webp", w.r.IntN(900)), agent: ua, refer: me, proto: "HTTP/2.0"})
			}
			if w.r.Float64() < 0.5 {
				w.put(one{at: t + 0.3 + w.exp(0.2), from: from, target: fmt.Sprintf("/api/stock/%d", w.r.IntN(900)), agent: ua, refer: me, proto: "HTTP/2.0"})
			}
		}
		if p == "/account/signin" {
			tt := t + 4 + w.exp(5)
			for w.r.Float64() < 0.2 {
				w.put(one{at: tt, from: from, method: "POST", target: p, status: 401, agent: ua, refer: me, proto: "HTTP/2.0"})
				tt += 4 + w.exp(6)
			}
			w.put(one{at: tt, from: from, method: "POST", target: p, status: 302, agent: ua, refer: me, proto: "HTTP/2.0"})
			t = tt
		}
		ref = me
		if w.r.Float64() < 1/pages {
			return
		}
		t += 3 + w.exp(12)
	}
}

// shop fills the world with ordinary people making about rate requests/s.
func (w *world) shop(rate float64) {
	clients := make([]netip.Addr, max(20, int(rate*25)))
	uas := make([]string, len(clients))
	for i := range clients {
		clients[i], uas[i] = w.addr(), w.agent()
	}
	want := int(rate * w.seconds)
	for n := len(w.reqs); len(w.reqs)-n < want; {
		i := int(math.Pow(w.r.Float64(), 1.7) * float64(len(clients)))
		ref := ""
		switch x := w.r.Float64(); {
		case x < 0.4:
			ref = "https://www.google.com/"
		case x < 0.5:
			ref = fmt.Sprintf("https://blog%d.example/", w.r.IntN(40))
		}
		w.visit(clients[i], uas[i], w.r.Float64()*(w.seconds+60)-60, 3, "", ref)
	}
}

// launcher fills the world with game launchers: programs that ask the same few
// endpoints every now and then and never an asset.
func (w *world) launcher(rate float64) {
	n := max(20, int(rate*20))
	for range n {
		a, v := w.addr(), w.r.IntN(4)
		ua := fmt.Sprintf("GameLauncher/4.%d (Windows)", v)
		for t := w.exp(20); t < w.seconds; t += 18 + w.exp(2) {
			w.poll(a, ua, t, 200)
		}
	}
}

func (w *world) poll(a netip.Addr, ua string, t float64, status int) {
	w.put(one{at: t, from: a, target: []string{"/launcher/v2/news", "/launcher/v2/status", "/client/version.json"}[w.r.IntN(3)], agent: ua, status: status, took: 5 * time.Millisecond})
}

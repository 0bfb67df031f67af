package detect_test

import (
	"fmt"
	"testing"

	"levee/detect"
)

// Attacks on pages nobody asked before, and bots that go to some length to pass for people.

// steps lets each of n bots ask do's kth thing, one every gap seconds.
func (w *world) steps(n int, gap, onset, dur float64, do func(k int, o *one)) {
	turn := make([]int, n)
	w.bots(n, 1/gap, onset, dur, 10, w.anywhere, func(i int, o *one) {
		do(turn[i], o)
		turn[i]++
	})
}

// codes are gift codes that are tried one after the other; none exists.
func (w *world) codes(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target, o.status = fmt.Sprintf("/api/giftcards/%012X", w.r.Uint64()>>16), 404
	})
}

// vouchers are sent to a form that refuses them.
func (w *world) vouchers(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.method, o.target, o.refer, o.status = "POST", "/basket/voucher", origin+"/basket", 422
	})
}

// cards are stolen ones, tried with the form loaded before each.
func (w *world) cards(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target, o.refer = "/checkout", origin+"/basket"
		if k%2 == 1 {
			o.method, o.target, o.refer, o.status = "POST", "/checkout/pay", origin+"/checkout", 402
		}
	})
}

// leafing is one search after the other, page by page, each from the page before.
func (w *world) leafing(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target = fmt.Sprintf("/find?q=%s&page=%d", []string{"red+lamp", "oak+desk", "chair"}[w.r.IntN(3)], 1+w.r.IntN(300))
		o.refer, o.proto = origin+"/find?q=chair", "HTTP/2.0"
	})
}

// walking bots name the page before as the one they come from, as people's
// browsers do, and never load a file.
func (w *world) walking(n int, gap, onset, dur float64) {
	pages := []string{"/", "/basket", "/section/new", "/account/signin", "/section/kids", "/find?q=chair"}
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target, o.refer, o.proto = pages[k%len(pages)], origin+pages[(k+5)%len(pages)], "HTTP/2.0"
	})
}

// forms are passwords tried with the form and a style sheet of it loaded before each.
func (w *world) forms(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target, o.refer, o.proto = "/account/signin", origin+"/account/signin", "HTTP/2.0"
		switch k % 3 {
		case 0:
			o.refer = ""
		case 1:
			o.target = "/static/app-0.css"
		default:
			o.method, o.status = "POST", 401
		}
	})
}

// sockets are opened where nobody opened one before, by far more than all others ask.
func (w *world) sockets(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) {
		o.target, o.status = fmt.Sprintf("/ws/lobby?token=%s", w.token()), 101
	})
}

// token is text no language strings together, with the marks that make it no word.
func (w *world) token() string {
	return fmt.Sprintf("%x-%x_%x", w.r.IntN(1<<20), w.r.IntN(1<<20), w.r.IntN(1<<20))
}

// basic is a password that a page asks for without a form.
func (w *world) basic(n int, gap, onset, dur float64) {
	w.steps(n, gap, onset, dur, func(k int, o *one) { o.target, o.status = "/admin/", 401 })
}

// letters bring people to a page nobody asked before, each with a token of his own.
func (w *world) letters(n int, onset float64) {
	w.onset = onset
	for range n {
		w.visit(w.addr(), w.agent(), onset+w.exp(60), 2, fmt.Sprintf("/offers/may?uid=%016x", w.r.Uint64()), "")
	}
}

// enrolling people find a page that opens today and send its form.
func (w *world) enrolling(n int, onset float64) {
	w.onset = onset
	for range n {
		a, ua, t := w.addr(), w.agent(), onset+w.exp(60)
		w.visit(a, ua, t, 1, "/courses/enrol", "")
		for t += 20 + w.exp(20); w.r.Float64() < 0.3; t += 5 + w.exp(8) {
			w.put(one{at: t, from: a, method: "POST", target: "/courses/enrol", status: 422, agent: ua, refer: origin + "/courses/enrol", proto: "HTTP/2.0"})
		}
		w.put(one{at: t, from: a, method: "POST", target: "/courses/enrol", status: 302, agent: ua, refer: origin + "/courses/enrol", proto: "HTTP/2.0"})
	}
}

func guesserDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	flood := "single_source_flood distributed_flood cache_busting pulse_flood"
	return []drill{
		{name: "gift codes that don't exist", seconds: 400, make: shop(60, func(w *world) { w.codes(80, 2, 200, 180) }), attacks: "scan scraping login_abuse", recall: 0.95, within: 45},
		{name: "vouchers", seconds: 400, make: shop(60, func(w *world) { w.vouchers(60, 3, 200, 180) }), attacks: flood + " login_abuse", recall: 0.95, within: 45},
		{name: "cards, and the form before each", seconds: 700, make: shop(60, func(w *world) { w.cards(150, 8, 250, 440) }), attacks: flood + " login_abuse", recall: 0.9, within: 200},
		{name: "search, page by page", seconds: 500, make: shop(60, func(w *world) { w.leafing(400, 5, 200, 280) }), attacks: flood + " scraping", recall: 0.9, within: 60},
		{name: "bots that name the page before", seconds: 900, make: shop(60, func(w *world) { w.walking(300, 2, 600, 280) }), attacks: flood, recall: 0.9, within: 90},
		{name: "passwords, form and style sheet before each", seconds: 900, make: shop(50, func(w *world) { w.forms(120, 4, 250, 640) }), attacks: flood + " login_abuse", recall: 0.9, within: 300},
		{name: "sockets", seconds: 400, make: func(w *world) { w.host = "game.test"; w.launcher(30); w.sockets(150, 1, 200, 180) }, attacks: flood, recall: 0.9, within: 45},
		{name: "a password without a form", seconds: 400, make: shop(30, func(w *world) { w.basic(20, 1, 200, 180) }), attacks: flood + " login_abuse", recall: 0.95, within: 30},

		{name: "letters with a token each", seconds: 500, make: shop(40, func(w *world) { w.letters(1800, 250) })},
		{name: "a page that opens today", seconds: 500, make: shop(40, func(w *world) { w.enrolling(1500, 250) })},
	}
}

// Bots that load the form before each try look like a flood of its page at first.
func TestFloodThatTriesSecretsIsRenamed(t *testing.T) {
	w := newWorld(3, 500)
	w.host = "www.shop.test"
	w.shop(40)
	w.forms(100, 5, 200, 280)
	name := detect.Attack("")
	for _, ev := range run(w, "").events {
		if in := ev.Incident; in != nil && in.Attack.Hostile() {
			name = in.Attack
		}
	}
	if name != detect.LoginAbuse {
		t.Errorf("in the end the incident is called %q, want %q", name, detect.LoginAbuse)
	}
}

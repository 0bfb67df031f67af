package detect_test

import "fmt"

// Programs that ask much at once when they are opened, and little after: the pace of
// their first seconds is no flood's.

// bursting are clients that ask a target a few times within moments and now and then
// after; onset brings many of them, rate a second.
func (w *world) bursting(before, rate, onset, dur, gap float64, ask func(o *one)) {
	w.onset = onset
	open := func(t float64) {
		o := one{at: t, from: w.addr(), agent: w.agent()}
		for range 4 + w.r.IntN(5) {
			ask(&o)
			w.put(o)
			o.at += w.exp(gap)
		}
		for range w.r.IntN(6) {
			o.at += 10 + w.exp(15)
			w.put(o)
		}
	}
	for t := w.exp(1 / before); t < w.seconds; t += w.exp(1 / before) {
		open(t)
	}
	for t := onset; t < onset+dur; t += w.exp(1 / rate) {
		open(t)
	}
}

func burstDrills() []drill {
	shop := func(rate float64, more func(w *world)) func(w *world) {
		return func(w *world) { w.host = "www.shop.test"; w.shop(rate); more(w) }
	}
	return []drill{
		{name: "listeners of a new episode", seconds: 720, make: shop(10, func(w *world) {
			w.bursting(0.08, 8, 480, 150, 0.8, func(o *one) { o.target, o.status = "/audio/ep-14.mp3", 206 })
		})},
		{name: "an app that asks much when it is opened", seconds: 560, make: shop(20, func(w *world) {
			w.bursting(0.5, 20, 400, 60, 0.3, func(o *one) {
				o.method, o.target, o.agent = "POST", "/m/v2/query", "ShopApp/9.2 (iPhone; iOS 18.4)"
			})
		})},
		{name: "pages whose scripts ask much, files at hand", seconds: 560, make: shop(20, func(w *world) {
			w.bursting(0.5, 15, 400, 60, 0.3, func(o *one) { o.target = fmt.Sprintf("/api/stock/%d", w.r.IntN(900)) })
		})},
	}
}

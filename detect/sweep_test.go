package detect_test

import (
	"flag"
	"fmt"
	"testing"
)

var sweep = flag.Bool("sweep", false, "rehearse attacks and crowds in every size (minutes)")

// TestSweep prints how the same phenomena fare from small sites to large ones
// and from few sources to many.
func TestSweep(t *testing.T) {
	if !*sweep {
		t.Skip("minutes long: run with -sweep")
	}
	flood := "single_source_flood distributed_flood cache_busting pulse_flood scraping prefix_flood scan"
	for _, rate := range []float64{5, 40, 300} {
		for _, n := range []int{5, 30, 200, 2000} {
			for _, each := range []float64{0.2, 1, 5, 20} {
				extra := float64(n) * each
				if extra < 0.5*rate || extra > 4000 || extra < 3 {
					continue
				}
				kinds := map[string]func(*world){
					"onePage":   func(w *world) { w.onePage(n, each, 90, 80, "/") },
					"busting":   func(w *world) { w.busting(n, each, 90, 80) },
					"churning":  func(w *world) { w.churning(n, each, 90, 80) },
					"pages":     func(w *world) { w.pages(n, each, 90, 80) },
					"expensive": func(w *world) { w.expensive(n, each, 90, 80) },
				}
				for name, f := range kinds {
					d := drill{name: fmt.Sprintf("%s site %.0f n %d each %.1f", name, rate, n, each), attacks: flood, recall: 0.9, within: 22 + 6/each, seconds: 175}
					t.Run(d.name, func(t *testing.T) {
						w := newWorld(7, d.seconds)
						if n%3 == 2 {
							w.host = "www.shop.test"
						}
						w.shop(rate)
						f(w)
						got := run(w, d.attacks)
						t.Logf("blocked %d/%d half %.0f s wrong %d open %.0f s stopped %.0f%% %v", got.blocked, got.hostile, got.half, len(got.wrong), got.hostileOpen, 100*got.stopped, got.incidents)
						d.check(t, w, &got)
					})
				}
			}
		}
		for _, n := range []int{200, 2000, 8000} {
			for _, dur := range []float64{5, 30, 120} {
				kinds := map[string]func(*world){
					"link":    func(w *world) { w.link(n, 90, dur) },
					"push":    func(w *world) { w.push(n, 90, dur) },
					"readers": func(w *world) { w.readers(n, 90) },
					"sale":    func(w *world) { w.sale(n/4, 90, dur) },
					"pollers": func(w *world) { w.pollers(n/4, 3, 90, dur) },
				}
				for name, f := range kinds {
					d := drill{name: fmt.Sprintf("%s site %.0f n %d in %.0f", name, rate, n, dur), seconds: 220}
					t.Run(d.name, func(t *testing.T) {
						w := newWorld(8, d.seconds)
						w.shop(rate)
						f(w)
						got := run(w, "")
						t.Logf("wrong %d open %.0f s %v", len(got.wrong), got.hostileOpen, got.incidents)
						d.check(t, w, &got)
					})
				}
			}
		}
	}
}

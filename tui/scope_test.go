package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// S makes charts and tops count what passes the filter; another filter begins
// anew, none ends it, and nothing is told that is not known of a part.
func TestScopeCountsWhatPasses(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("S")
	d.sees("there is no filter to scope charts")
	d.keys("/ a s n : 9 0 0 9 enter S")
	d.sees("Traffic 5m of 1 suspect /asn:9009 since 03:12:07Z", "AS9009            100%", "412/s, 4.2% of all", "(charts too)")
	d.misses("turned away", "usual 700/s")
	for range 70 {
		f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) {
			s.Now = s.Now.Add(time.Second)
			s.Suspects[0].Rate = 300
		})
		d.wait(time.Second)
	}
	d.sees("300/s, 3.1% of all")
	d.keys("left left")
	d.sees("Z  300 req/s, errors 12%")
	d.misses("turned away")
	d.keys("esc")
	d.write(":filter asn:14061\r")
	d.keys("enter")
	d.sees("/asn:14061 since 03:13:17Z", "140/s")
	d.keys("S")
	d.sees("Traffic 5m  ", "count all traffic again")
	d.keys("S")
	d.sees("/asn:14061 since")
	d.keys("esc")
	d.misses("since 03:13:17Z", "charts too")
	d.write(":scope asn:16276")
	d.keys("enter")
	d.sees("of 32 suspects /asn:16276")
	d.write(":scope")
	d.keys("enter")
	d.sees("/asn:16276")
	d.misses("charts too")
}

// A day is scoped in an hour of memory.
func TestScopeForgets(t *testing.T) {
	f := newFake()
	d := sit(t, f, 60, 15, plain)
	d.keys("/ a s n : 9 0 0 9 enter S")
	for range 3 * scopeKept {
		f.snap.Now = f.snap.Now.Add(time.Second)
		f.snap.Seq++
		d.m.scope.load(d.m)
	}
	if n := len(d.m.scope.hist); n > 2*scopeKept {
		t.Fatalf("a scope keeps %d points", n)
	}
	if n := len(d.m.scope.view.History); n != scopeKept {
		t.Fatalf("it shows %d points, want %d", n, scopeKept)
	}
	if !strings.Contains(d.screen(), "scoped") {
		t.Fatal("a small screen does not say that it shows a part only")
	}
}

package tui

import (
	"strings"
	"testing"
	"time"

	"levee/detect"
)

func history(seconds int, rate func(i int) uint32) []detect.Point {
	var out []detect.Point
	for i := range seconds {
		out = append(out, detect.Point{Time: t0.Unix() - int64(seconds) + int64(i), Requests: rate(i), Baseline: 100, P95: -1})
	}
	return out
}

func TestBucketsAreRates(t *testing.T) {
	steady := func(int) uint32 { return 100 }
	for _, span := range chartSpans {
		for _, n := range []int{1, 7, 55, 200} {
			for _, b := range (&chart{span: span}).columns(history(900, steady), n, 1) {
				if b.n > 0 && (b.rate != 100 || b.base != 100) {
					t.Fatalf("%v in %d columns: a column says %v req/s of %v usual, want 100 of 100", span, n, b.rate, b.base)
				}
			}
		}
	}
}

// The second that is still filling must not look like a drop of traffic.
func TestNewestSecondIsLeftOut(t *testing.T) {
	bs := (&chart{span: time.Minute}).columns(history(60, func(i int) uint32 { return map[bool]uint32{true: 3, false: 100}[i == 59] }), 60, 1)
	if last := bs[len(bs)-1]; last.rate != 100 {
		t.Fatalf("the newest column says %v, want 100", last.rate)
	}
}

// Columns keep their edges from second to second, so that a calm chart stands still.
func TestColumnsStandStill(t *testing.T) {
	rate := func(i int) uint32 { return uint32(i * 37 % 400) }
	hist := history(900, rate)
	ch := chart{span: 15 * time.Minute}
	a := ch.columns(hist[:890], 50, 1)
	b := ch.columns(hist[:891], 50, 1)
	for i := range a {
		for j := range b {
			if a[i].from == b[j].from && a[i].n == b[j].n && a[i].rate != b[j].rate {
				t.Fatalf("column %d changed from %v to %v although no second was added to it", i, a[i].rate, b[j].rate)
			}
		}
	}
}

func TestChartShowsWhatWasTurnedAway(t *testing.T) {
	s := &detect.Snapshot{Seq: 1, History: history(300, func(int) uint32 { return 100 })}
	for i := range s.History {
		s.History[i].Refused = 60
		s.History[i].Incident = i > 150
	}
	th, err := newTheme("", sit(t, newFake(), 80, 24).m.opt.Renderer, true)
	if err != nil {
		t.Fatal(err)
	}
	ch := chart{span: 5 * time.Minute}
	out := strings.Join(ch.draw(s, th, 60, 8, false), "\n")
	if served, away := strings.Count(out, "█"), strings.Count(out, "▒"); away == 0 || served == 0 || away < served/2 {
		t.Fatalf("%d cells served and %d turned away, want about 2 to 3:\n%s", served, away, out)
	}
	if !strings.Contains(out, "━") {
		t.Fatalf("the incident is not marked on the axis:\n%s", out)
	}
	ch.cursor = 1
	if at := ch.moment(s, 60); !strings.Contains(at, "100 req/s, usual 100") || !strings.Contains(at, "turned away 60%") {
		t.Fatalf("the moment under the cursor says %q", at)
	}
}

func TestChartIsKeptUntilSomethingChanges(t *testing.T) {
	s := &detect.Snapshot{Seq: 1, History: history(300, func(int) uint32 { return 100 })}
	d := sit(t, newFake(), 80, 24)
	ch := chart{span: 5 * time.Minute}
	first := ch.draw(s, d.m.th, 60, 8, false)
	if again := ch.draw(s, d.m.th, 60, 8, false); &again[0] != &first[0] {
		t.Fatal("the same snapshot was drawn twice")
	}
	next := *s
	next.Seq++
	if again := ch.draw(&next, d.m.th, 60, 8, false); &again[0] == &first[0] {
		t.Fatal("a new snapshot was not drawn")
	}
	if again := ch.draw(&next, d.m.th, 61, 8, false); len(again) != 8 {
		t.Fatalf("%d lines, want 8", len(again))
	}
}

// Five minutes, an hour, a day: the wider spans come from the feed's past, and a
// console whose feed has none says how much it knows.
func TestZoom(t *testing.T) {
	f := newFake()
	yesterday(f)
	d := sit(t, f, 120, 36, plain)
	d.sees("Traffic 5m ")
	d.keys("_")
	d.sees("Traffic 1h ")
	d.keys("left left left left")
	d.sees("Z  5.0k req/s", "turned away 40%")
	d.keys("_")
	d.sees("Traffic 24h ")
	d.misses("known")
	d.keys("left left")
	d.sees("Mar 14 ")
	d.keys("_ + + +")
	d.sees("Traffic 5m ")

	d = sit(t, newFake(), 120, 36, plain)
	d.keys("_ _")
	d.sees("Traffic 24h (15m known)")
}

// A column is never narrower than a point of the past: none is empty.
func TestWideChartOfThePastHasNoGaps(t *testing.T) {
	f := newFake()
	yesterday(f)
	ch := chart{span: time.Hour, past: f.History(time.Hour)}
	for _, n := range []int{20, 77, 240, 500} {
		bs := ch.columns(ch.points(f.snap), n, 1)
		begun := false
		for i, b := range bs[:len(bs)-1] {
			begun = begun || b.n > 0
			if begun && b.n == 0 {
				t.Fatalf("%d columns: column %d of the past is empty", n, i)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(999.6), "1.0k"}, {number(9800), "9.8k"}, {number(24700), "25k"}, {number(1.3e6), "1.3M"}, {number(-1500), "-1.5k"},
		{rate(0.4), "0.4"}, {rate(0), "0"}, {rate(188), "188"}, {signed(12), "+12"}, {signed(-0.2), "0"}, {signed(-12), "-12"},
		{percent(0), "0%"}, {percent(.0004), "<0.1%"}, {percent(.003), "0.3%"}, {percent(.05), "5%"}, {percent(.71), "71%"}, {percent(1), "100%"},
		{span(0), "0s"}, {span(-time.Second), "0s"}, {span(45 * time.Second), "45s"}, {span(28 * time.Minute), "28m"}, {span(6 * time.Hour), "6h"}, {span(80 * time.Hour), "3d"},
		{countdown(t0, t0.Add(time.Minute)), "60s"}, {countdown(t0, t0), "ending"}, {countdown(t0, time.Time{}), ""},
		{latency(-1), "n/a"}, {latency(1840 * time.Millisecond), "1840ms"}, {latency(12 * time.Second), "12s"}, {size(812), "812 B"}, {size(31 << 20), "31.0 MiB"},
		{string(band(90)), "C"}, {string(band(89.9)), "H"}, {string(band(60)), "M"}, {string(band(59)), "L"},
		{middle("2001:db8:1234:5678::/64", 16), "2001:…:5678::/64"}, {middle("192.0.2.1", 16), "192.0.2.1"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestMessagesAreInWords(t *testing.T) {
	for in, want := range map[string]string{
		"blocked for single_source_flood, ok": "blocked for single source flood, ok", "(scale_up) job ops/scale_up": "(scale up) job ops/scale_up",
		"/distributed_flood": "/distributed_flood", "198.51.100.77: heavy_usual, carries 2.4 %": "198.51.100.77: heavy usual, carries 2.4 %",
		"my_own_word": "my_own_word", "actions.jenkins.token_file": "actions.jenkins.token_file", "": "",
	} {
		if got := inWords(in); got != want {
			t.Errorf("inWords(%q) = %q, want %q", in, got, want)
		}
	}
}

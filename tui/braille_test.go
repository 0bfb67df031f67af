package tui

import (
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// Two columns of dots in a cell hold the same requests as the cell's own column.
func TestHalvesAddUpToTheirColumn(t *testing.T) {
	f := newFake()
	yesterday(f)
	for _, span := range chartSpans {
		for _, n := range []int{1, 9, 48, 200} {
			ch := chart{span: span, dots: true, past: f.History(span)}
			whole, halves := ch.columns(ch.points(f.snap), n, 1), ch.columns(ch.points(f.snap), n, 2)
			if len(halves) != 2*n {
				t.Fatalf("%d columns have %d halves", n, len(halves))
			}
			for i, b := range whole {
				l, r := halves[2*i], halves[2*i+1]
				if l.from != b.from || l.n+r.n != b.n {
					t.Fatalf("%v, column %d of %d: %d points from %d in it, %d from %d in its halves", span, i, n, b.n, b.from, l.n+r.n, l.from)
				}
				if b.n > 0 && int(l.rate*float64(l.n)+r.rate*float64(r.n)+.5) != int(b.rate*float64(b.n)+.5) {
					t.Fatalf("%v, column %d of %d: the halves' requests are not its own", span, i, n)
				}
			}
		}
	}
}

// What was turned away, what is usual and what is beyond it can be told apart by
// the dots alone.
func TestBrailleNeedsNoColour(t *testing.T) {
	s := &detect.Snapshot{Seq: 1, History: history(400, func(i int) uint32 { return map[bool]uint32{true: 400, false: 100}[i > 200] })}
	for i := range s.History {
		s.History[i].Incident = i > 200
		if i > 300 {
			s.History[i].Refused = 200
		}
	}
	th, err := newTheme("", sit(t, newFake(), 80, 24).m.opt.Renderer, true)
	if err != nil {
		t.Fatal(err)
	}
	ch := chart{span: 5 * time.Minute, dots: true}
	lines := ch.draw(s, th, 65, 9, false)
	out := strings.Join(lines, "\n")
	if !strings.Contains(out, "⣿") || !strings.ContainsAny(out, "⢕⡪") || !strings.Contains(out, "━") {
		t.Fatalf("served, turned away or the incident does not show:\n%s", out)
	}
	cut := 0 // cells of the attack with a line left out at what is usual
	for _, l := range lines[:8] {
		cut += strings.Count(l, "⣭") + strings.Count(l, "⣛") + strings.Count(l, "⠿") + strings.Count(l, "⣶")
	}
	if cut < 10 {
		t.Fatalf("the baseline is not cut into the attack:\n%s", out)
	}
	for i, l := range lines {
		if n := measure(l); n != 65 {
			t.Fatalf("line %d is %d wide, want 65: %q", i, n, l)
		}
	}
}

// The band is where quiet columns lie, whatever an attack or a crowd does.
func TestUsualBand(t *testing.T) {
	bs := make([]bucket, 40)
	for i := range bs {
		bs[i] = bucket{n: 5, base: 100, rate: 100 + float64(i%5-2)*10}
		if i > 25 {
			bs[i].rate = 5000
			bs[i].incident = i > 30
		}
	}
	low, high := usualBand(bs)
	if high < 1.15 || high > 1.8 || low < .55 || low > .9 {
		t.Fatalf("the band is %.2f to %.2f of usual, want about 0.6 to 1.7", low, high)
	}
	if low, high = usualBand(nil); low != .8 || high != 1.25 {
		t.Fatalf("without data the band is %.2f to %.2f", low, high)
	}
}

func TestWhatATerminalCanDraw(t *testing.T) {
	for name, c := range map[string]struct {
		env   map[string]string
		ascii bool
		chart string
	}{
		"says nothing":      {nil, false, ""},
		"modern":            {map[string]string{"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, false, ""},
		"tmux":              {map[string]string{"TERM": "tmux-256color", "LANG": "C.utf8"}, false, ""},
		"no Unicode":        {map[string]string{"TERM": "xterm", "LANG": "C"}, true, ""},
		"LC_ALL stands out": {map[string]string{"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, true, ""},
		"Linux console":     {map[string]string{"TERM": "linux", "LANG": "en_US.UTF-8"}, false, "blocks"},
		"old":               {map[string]string{"TERM": "vt220", "LANG": "en_US.UTF-8"}, true, ""},
	} {
		o := Options{}.On(func(k string) string { return c.env[k] })
		if o.ASCII != c.ascii || o.Chart != c.chart {
			t.Errorf("%s: ASCII %v and chart %q, want %v and %q", name, o.ASCII, o.Chart, c.ascii, c.chart)
		}
	}
	if o := (Options{Chart: "braille"}).On(func(string) string { return "linux" }); o.Chart != "braille" {
		t.Errorf("a chart that was chosen became %q", o.Chart)
	}
	if (Options{Chart: "dots"}).Check() == nil {
		t.Error("a chart that does not exist is taken")
	}
}

// :chart changes the glyphs while it runs; ASCII stays ASCII.
func TestChartGlyphsAreChosen(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain)
	d.sees("⣿")
	d.command("chart blocks")
	d.misses("⣿")
	d.sees("█")
	d.command("chart braille")
	d.sees("⣿")
	d.command("chart dots")
	d.sees("use one of braille, blocks")
	d = sit(t, newFake(), 120, 36, ascii)
	d.misses("⣿", "?:")
}

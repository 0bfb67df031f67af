package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// updating reports whether -update was given (teatest declares the flag): then
// what the console shows is written to testdata instead of compared.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// goldens are the screens and dialogs, each with the keys that lead to it.
var goldens = []struct {
	name   string
	keys   string
	change func(f *fake)
}{
	{name: "overview", keys: ""},
	{name: "overview-calm", change: func(f *fake) { f.snap = calm() }},
	{name: "overview-flash-crowd", change: flashCrowd},
	{name: "overview-no-data", change: func(f *fake) {
		f.snap, f.board, f.notices = &detect.Snapshot{Learning: true}, &actions.Board{Auto: actions.AutoState{Armed: true}}, nil
		f.status = Status{Name: "edge-ams", Now: t0, DataAge: -1}
	}},
	{name: "overview-stale", change: func(f *fake) { f.status.DataAge = 94 * time.Second }},
	{name: "overview-not-calm", change: notCalm},
	{name: "health-not-calm", keys: "8", change: notCalm},
	{name: "overview-host-drops", change: func(f *fake) {
		f.snap, f.status.Host.Signs = calm(), []string{"listen queue full: 12/s"}
	}},
	{name: "overview-no-effect", change: noEffect},
	{name: "incident-no-effect", keys: "3", change: noEffect},
	{name: "overview-disarmed", change: func(f *fake) { f.board.Auto.Armed, f.board.Auto.DisarmedBy = false, "bo" }},
	{name: "overview-marked", keys: "j space space"},
	{name: "overview-chart-cursor", keys: "left left left"},
	{name: "overview-hour", keys: "_ left left left left", change: yesterday},
	{name: "overview-day", keys: "_ _ left left left left left", change: yesterday},
	{name: "overview-blocks", keys: ": c h a r t space b l o c k s enter"},
	{name: "overview-scoped", keys: "/ a s n : 1 6 2 7 6 enter S"},
	{name: "suspects", keys: "2"},
	{name: "filter-typing", keys: "/ a s n : 1 4 0 6 1"},
	{name: "filter-wrong", keys: "/ s c o r e > h"},
	{name: "incident", keys: "3"},
	{name: "incident-flash-crowd", keys: "3", change: flashCrowd},
	{name: "incident-over", keys: "3", change: over},
	{name: "overview-two-incidents", change: twoIncidents},
	{name: "dialog-undo-scale", keys: "u", change: scaled},
	{name: "dialog-scale-again", keys: "s", change: scaled},
	{name: "incident-owned", keys: "3", change: owned},
	{name: "dialog-take-over", keys: "3 o", change: owned},
	{name: "dialog-approve", keys: "P", change: asked},
	{name: "overview-approval-waits", change: asked},
	{name: "blocks", keys: "4"},
	{name: "jobs", keys: "5"},
	{name: "audit", keys: "6"},
	{name: "auto", keys: "7"},
	{name: "auto-of-a-fleet", keys: "7", change: withPeers},
	{name: "auto-alone", keys: "7", change: standsAlone},
	{name: "health", keys: "8"},
	{name: "sessions", keys: "9"},
	{name: "fleet", keys: "0 j", change: fleetNight},
	{name: "fleet-sampled", keys: "0", change: func(f *fake) {
		fleetNight(f)
		f.fleet.Window, f.fleet.Sampled = time.Hour, 1./741
	}},
	{name: "fleet-not-configured", keys: "0"},
	{name: "fleet-down", keys: "0", change: func(f *fake) {
		fleetNight(f)
		f.fleet.At, f.fleet.Problem = t0.Add(-10*time.Minute), "Elasticsearch at https://es.example.com:9200 refuses the connection: check elasticsearch.urls"
	}},
	{name: "source", keys: "j enter"},
	{name: "source-prefix", keys: "j enter p"},
	{name: "source-full", keys: "j enter enter"},
	{name: "dialog-columns", keys: "V down space"},
	{name: "source-customer", keys: "j enter", change: customer},
	{name: "source-customer-below", keys: "j enter pgdown", change: customer},
	{name: "source-no-elastic", keys: "j enter", change: func(f *fake) {
		f.recalled = Past{Configured: true, Over: 7 * 24 * time.Hour, Problem: "Elasticsearch at https://es.example.com:9200 refuses connections; check elasticsearch.urls and that the node runs"}
	}},
	{name: "messages", keys: "M"},
	{name: "help", keys: "?"},
	{name: "dialog-block", keys: "j b"},
	{name: "dialog-block-many", keys: "j space space space space b"},
	{name: "dialog-block-typed", keys: "j b", change: func(f *fake) { f.needs, f.typed = actions.ConfirmTyped, "198.51.100.23" }},
	{name: "dialog-block-second-person", keys: "j b", change: func(f *fake) { f.needs = actions.ConfirmTwo }},
	{name: "dialog-refused", keys: "j b", change: refuseSecond},
	{name: "dialog-preview", keys: "j B"},
	{name: "dialog-undo", keys: "u"},
	{name: "dialog-unblock", keys: "4 x"},
	{name: "dialog-scale", keys: "s"},
	{name: "dialog-arm", keys: "A", change: func(f *fake) { f.board.Auto.Armed, f.board.Auto.DisarmedBy = false, "bo" }},
	{name: "dialog-arm-to-suggest", keys: "A", change: func(f *fake) { f.board.Auto.Armed, f.board.Auto.On, f.board.Auto.DisarmedBy = false, false, "bo" }},
	{name: "dialog-auto-on", keys: "A", change: func(f *fake) { f.board.Auto.On = false }},
	{name: "dialog-throttle", keys: "3 t"},
	{name: "dialog-harden", keys: "3 h"},
	{name: "dialog-allow", keys: "j w"},
	{name: "dialog-not-done", keys: "j b", change: func(f *fake) { f.planErr = errors.New("the ledger is not writable: no space left on /var/lib/levee") }},
	{name: "dialog-unknown", keys: "j b y", change: func(f *fake) { f.commErr = context.DeadlineExceeded }},
	{name: "prompt-reason", keys: "j b r"},
	{name: "prompt-note", keys: "3 N"},
	{name: "command", keys: ": b l o c k"},
}

func flashCrowd(f *fake) {
	f.snap.Incidents[0].Attack, f.snap.Incidents[0].Signature = detect.FlashCrowd, detect.Signature{Path: "/sale"}
	f.snap.Incidents[0].Measures = []detect.Measure{detect.ScaleUp}
	f.snap.Suspects, f.snap.NSuspects = nil, 0
	for i := range f.snap.History {
		f.snap.History[i].Incident = false
	}
}

// noEffect is a night whose enforcer takes every block, and whose traffic does
// not care.
func noEffect(f *fake) {
	for i := range 9 {
		s := &f.snap.Suspects[i+1]
		f.board.Active = append(f.board.Active, actions.Decision{ID: fmt.Sprint("n", i), Verb: actions.Block, Target: actions.Target{Prefix: s.Key}, State: actions.Applied,
			Actor: actions.Auto, Reason: "distributed flood", Incident: s.Incident, Created: t0.Add(-20 * time.Second), TTL: 10 * time.Minute, Expires: t0.Add(580 * time.Second),
			Receipts: []actions.Receipt{{Enforcer: "denylist", OK: true}}, Effect: &actions.Effect{Predicted: s.Rate}})
	}
	for i := range f.snap.Suspects[10:] {
		f.snap.Suspects[10+i].Measure = detect.Observe
	}
}

// over is the night after its attack ended, with blocks of it that still stand.
func over(f *fake) {
	f.snap.Incidents[0].Closed = t0.Add(-time.Minute)
	for i := range f.board.Active {
		if d := &f.board.Active[i]; d.Verb == actions.Block {
			d.Incident = "shop-0307-1"
		}
	}
}

// notCalm is a SYN flood: the log is silent, the kernel is not.
func notCalm(f *fake) {
	f.snap, f.status.DataAge = calm(), 94*time.Second
	f.status.Host = Host{Signs: []string{"SYN backlog full: 3120/s", "listen queue full: 40/s"}, Silent: true}
}

// twoIncidents adds an old and small one in front.
func twoIncidents(f *fake) {
	in := f.snap.Incidents[0]
	in.ID, in.Attack, in.Signature, in.Opened = "shop-0212-1", detect.Scan, detect.Signature{Path: "/old"}, t0.Add(-time.Hour)
	in.Rate, in.Baseline, in.Peak = 400, 0, 12_000
	f.snap.Incidents = append([]detect.Incident{in}, f.snap.Incidents...)
	f.snap.Incidents[1].Rate = 900 // nearly stopped, but still what the night is about
}

// scaled is a night in which ana asked for servers a minute ago.
func scaled(f *fake) {
	f.board.Active = append([]actions.Decision{{ID: "s1", Request: "rs", Verb: actions.ScaleUp, Target: actions.Target{Service: "shop.example.com"}, State: actions.Applied,
		Actor: ana, Reason: "asked for from the console", Created: t0.Add(-time.Minute), Changed: t0.Add(-time.Minute)}}, f.board.Active...)
	f.board.Jobs = append([]actions.Job{{Request: "rs", Verb: actions.ScaleUp, Name: "ops/scale-shop", Number: 4412, State: "success"}}, f.board.Jobs...)
}

func owned(f *fake) {
	f.keep("shop-0307-1", Case{Owner: "bo", Since: t0.Add(-3 * time.Minute), Notes: []Note{
		{At: t0.Add(-2 * time.Minute), By: "bo", Text: "hoster called, ticket 8812"}, {At: t0.Add(-time.Minute), By: "ana", Text: "checkout works again"}}})
}

func asked(f *fake) {
	f.asked = []Waiting{{Code: "K7QX2M", By: "bo", Verb: actions.Block, Targets: 1200, Usual: .06, Reason: "distributed flood on shop.example.com", Expires: t0.Add(90 * time.Second)}}
}

func refuseSecond(f *fake) {
	p := pfx("198.51.100.23")
	f.refuse[p] = actions.Refusal{Target: actions.Target{Prefix: p}, Rule: "allow_list", Value: "198.51.100.0/24 is on the allow list (levee.yaml:12)",
		Mend: "take it off the list, or block a narrower prefix"}
}

func TestGoldenScreens(t *testing.T) {
	sizes := [][2]int{{60, 15}, {80, 24}, {120, 36}}
	for _, g := range goldens {
		for _, s := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", g.name, s[0], s[1]), func(t *testing.T) {
				f := newFake()
				if g.change != nil {
					g.change(f)
				}
				d := sit(t, f, s[0], s[1], plain)
				d.keys(g.keys)
				fits(t, d.m.View(), s[0], s[1])
				compare(t, fmt.Sprintf("%s-%dx%d.txt", g.name, s[0], s[1]), d.screen())
			})
		}
		t.Run(g.name+"-as-ascii-and-in-colour", func(t *testing.T) { everyLook(t, g.name, g.keys, g.change) })
	}
	for _, s := range [][2]int{{20, 5}, {40, 9}, {200, 50}, {300, 100}} {
		t.Run(fmt.Sprintf("overview-%dx%d", s[0], s[1]), func(t *testing.T) {
			d := sit(t, newFake(), s[0], s[1], plain)
			fits(t, d.m.View(), s[0], s[1])
			compare(t, fmt.Sprintf("overview-%dx%d.txt", s[0], s[1]), d.screen())
		})
	}
	for name, appear := range map[string]func(d *desk){
		"dialog-stopped-by-another": func(d *desk) {
			d.f.step(time.Second, func(_ *detect.Snapshot, b *actions.Board) {
				b.Auto.Armed, b.Auto.DisarmedBy, b.Auto.Since = false, "bo", d.f.now
			})
			d.wait(time.Second)
		},
		"dialog-failed": func(d *desk) {
			d.f.outcome = actions.Failed
			d.keys("j b y")
		},
		"dialog-leave": func(d *desk) {
			d.m.opt.QuitEnds = "The demo ends with this console."
			d.keys("q")
		},
	} {
		for _, s := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", name, s[0], s[1]), func(t *testing.T) {
				d := sit(t, newFake(), s[0], s[1], plain)
				appear(d)
				fits(t, d.m.View(), s[0], s[1])
				compare(t, fmt.Sprintf("%s-%dx%d.txt", name, s[0], s[1]), d.screen())
			})
		}
	}
	for _, theme := range Themes {
		t.Run("colour-"+theme, func(t *testing.T) {
			d := sit(t, newFake(), 80, 24, func(o *Options) { o.Theme = theme })
			compare(t, "colour-"+theme+"-80x24.txt", strings.ReplaceAll(d.m.View(), "\x1b", "^["))
		})
	}
}

// everyLook draws a screen in ASCII and in colour at all sizes: neither leaves
// the terminal, ASCII is ASCII, and colour adds nothing but styles. What they
// look like is kept for one size.
func everyLook(t *testing.T, name, keys string, change func(*fake)) {
	draw := func(w, h int, look func(*Options)) *desk {
		f := newFake()
		if change != nil {
			change(f)
		}
		d := sit(t, f, w, h, look)
		d.keys(keys)
		fits(t, d.m.View(), w, h)
		return d
	}
	for _, s := range [][2]int{{60, 15}, {80, 24}, {120, 36}} {
		bare, dyed, mono := draw(s[0], s[1], ascii).screen(), draw(s[0], s[1], func(*Options) {}), draw(s[0], s[1], plain)
		if i := strings.IndexFunc(bare, func(r rune) bool { return r > 0x7e || r < 0x20 && r != '\n' }); i >= 0 {
			t.Fatalf("%q is not ASCII", bare[i:min(i+20, len(bare))])
		}
		if got, want := withoutChart(dyed.screen()), withoutChart(mono.screen()); got != want {
			t.Errorf("%dx%d says something else in colour. Want:\n%s\ngot:\n%s", s[0], s[1], want, got)
		}
		if s[0] == 80 {
			compare(t, "ascii-"+name+"-80x24.txt", bare)
			compare(t, "colour-"+name+"-80x24.txt", strings.ReplaceAll(dyed.m.View(), "\x1b", "^["))
		}
	}
}

// withoutChart leaves the chart's marks out: in colour what is usual is a band
// behind it, without colour a line and a gap in it.
func withoutChart(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '┄' || r >= 0x2800 && r <= 0x28ff {
			return ' '
		}
		return r
	}, s)
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got = strings.Join(lines, "\n") + "\n"
	file := filepath.Join("testdata", "screens", name)
	if updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./tui -update writes it; look at it before you commit it)", err)
	}
	if string(want) != got {
		t.Errorf("%s changed. Want:\n%s\ngot:\n%s", name, want, got)
	}
}

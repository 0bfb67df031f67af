package tui

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
	"levee/detect"
)

// hostile is what people put into requests to see what a log viewer does.
var hostile = []string{
	"\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1bPq\x1b\\", "\u009b31m", "\r\nfake line", "\n\n\n", "\t\t", "\x00\x7f\x08\x08\x08",
	"\u202egnp.exe\u202c", "\u2066\u2069", "e\u0301\u0301\u0301\u0301\u0301", "\u0301\u0301lead", "日本語テキスト", "👩‍👩‍👧‍👦", "🇩🇪🇩", "👍🏽", "❤️", "1️⃣", "שלום", "مرحبا",
	"\u200b\u200d\ufeff", "ﷺ", "각", "\xff\xfe\x80", "क्षत्रिय", "\U000e0041", "\u00ad", "﹏", "𝒳", strings.Repeat("W", 400), strings.Repeat("漢", 200), strings.Repeat("\x1b", 50),
	"\u2028\u2029", "%s%n%d", "\\x1b[2J", "\ue000", "\U0010ffff", "ก็็็็็็็็็", "\u3164", "\u115f\u1160",
}

// poison puts hostile text into every field that data can reach.
func poison(f *fake, pick func() string) {
	s := f.snap
	for i := range s.Suspects {
		p := &s.Suspects[i]
		p.TopPath, p.TopAgent, p.TopMethod, p.ASName, p.Country, p.Service = pick(), pick(), pick(), pick(), pick(), pick()
		p.Evidence = []detect.Evidence{{Signal: pick(), Text: pick(), Points: 3}, {Signal: pick(), Text: pick(), Points: -3}}
		p.Attack, p.Measure = detect.Attack(pick()), detect.Measure(pick())
	}
	for _, list := range [][]detect.Share{s.Paths, s.Networks, s.Agents} {
		for i := range list {
			list[i].Name = pick()
		}
	}
	in := &s.Incidents[0]
	in.ID, in.Service, in.Signature = pick(), pick(), detect.Signature{Path: pick(), UserAgent: pick(), Method: pick(), Country: pick()}
	in.Evidence = []detect.Evidence{{Signal: pick(), Text: pick()}}
	in.Samples[0].Target, in.Samples[0].Agent, in.Samples[0].Method = pick(), pick(), pick()
	in.Measures = append(in.Measures, detect.Measure(pick()))
	for i := range f.board.Active {
		a := &f.board.Active[i]
		a.Actor.Name, a.Actor.Via, a.Reason, a.Evidence = pick(), pick(), pick(), []string{pick()}
		a.Receipts = append(a.Receipts, actions.Receipt{Enforcer: pick(), Note: pick()})
	}
	for i := range f.board.Jobs {
		j := &f.board.Jobs[i]
		j.Name, j.Why, j.URL, j.Console, j.State = pick(), pick(), pick(), pick()+"\n"+pick(), pick()
	}
	f.board.Auto.Next, f.board.Auto.Why, f.board.Auto.DisarmedBy = []string{pick()}, []string{pick()}, pick()
	f.board.Auto.Services = map[string]actions.Level{pick(): actions.Level(pick())}
	for i := range f.board.Enforcers {
		f.board.Enforcers[i].Name, f.board.Enforcers[i].Note = pick(), pick()
	}
	st := &f.status
	st.Name, st.Jenkins.Note, st.People[0].Name, st.People[1].Name = pick(), pick(), pick(), pick()
	for i := range st.Inputs {
		st.Inputs[i].Name, st.Inputs[i].Note, st.Inputs[i].Format, st.Inputs[i].State = pick(), pick(), pick(), pick()
	}
	for i := range f.notices {
		f.notices[i].Text, f.notices[i].Level = pick(), pick()
	}
}

var tour = "1 j space b esc 2 enter p n - 3 n t esc b esc 4 x esc 5 j 6 j 7 8 9 M ? esc 1 / x esc : b tab esc left A esc s esc B esc"

func TestHostileTextStaysText(t *testing.T) {
	for i, h := range hostile {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			for _, o := range []func(*Options){plain, ascii} {
				f := newFake()
				poison(f, func() string { return h + "x" + h })
				f.planErr = fmt.Errorf("refused: %s", h)
				d := sit(t, f, 100, 30, o)
				for _, k := range append([]string{""}, strings.Fields(tour)...) {
					d.keys(k)
					fits(t, d.m.View(), 100, 30)
				}
			}
		})
	}
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"/login": "/login", "\x1b[31m": `\x1b[31m`, "a\u202eb": `a\u202eb`, "\xff": `\xff`, "\U000e0041": `\U000e0041`, "é": "é", "日本": "日本",
		"\xff\x9b": `\xff\x9b`, "a\nb": `a\x0ab`, "שלום": `\u05e9\u05dc\u05d5\u05dd`, "\u009b": `\x9b`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// What measure says is what a canvas takes.
func FuzzCanvasKeepsToItsWidth(f *testing.F) {
	for i, h := range hostile {
		f.Add(h, h+"tail", uint8(i*7))
	}
	f.Fuzz(func(t *testing.T, a, b string, width uint8) {
		w := int(width)
		for _, ascii := range []bool{false, true} {
			c := newCanvas(w, 3, ascii)
			c.put("", a)
			c.cell("\x1b[1m", b, 12, true)
			c.cell("", a, 9, false)
			c.fill("")
			c.end()
			c.cell("", b, w, false)
			c.end()
			c.put("", b+a)
			c.end()
			c.line("", "no room is left for this line")
			fits(t, c.String(), w, 3)
		}
		c := newCanvas(4000, 1, false)
		c.put("", a)
		if n := measure(a); n < 4000 && c.col != n {
			t.Fatalf("%q measures %d and takes %d columns", a, n, c.col)
		}
	})
}

var anyKey = append(strings.Fields(tour), "y", "!", "u", "w", "x", "z", "o", "O", "v", "V", "F", "g", "G", "pgdown", "pgup", "home", "end", "up", "down", "right", "+", "_",
	"a", "c", "C", "h", "k", "backspace", "shift+tab", "delete", "ctrl+u", "ctrl+w", "space", "é", "漢", "Q", "ctrl+@", "0")

// FuzzKeysAndSizes presses any keys at any sizes: nothing may panic, and no
// frame may leave the terminal.
func FuzzKeysAndSizes(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07"), uint16(80), uint16(24), uint8(0))
	f.Add([]byte("jjjbyu4x5678?"), uint16(20), uint16(5), uint8(3))
	f.Add([]byte{0xff, 80, 24, 0xfe, 3, 9, 0xff, 1, 1, 7, 0xff, 200, 60, 12}, uint16(500), uint16(200), uint8(9))
	f.Fuzz(func(t *testing.T, script []byte, w, h uint16, mood uint8) {
		fk := newFake()
		rng := rand.New(rand.NewPCG(uint64(mood), 7))
		if mood%3 == 1 {
			poison(fk, func() string { return hostile[rng.IntN(len(hostile))] })
		}
		if mood%5 == 2 {
			fk.snap, fk.board = nil, nil
		}
		if mood%4 == 3 {
			fk.needs, fk.typed = actions.ConfirmTyped, "12"
		}
		cw, ch := int(w%501), int(h%201)
		d := sit(t, fk, cw, ch, func(o *Options) { o.ASCII, o.NoColor = mood%2 == 1, mood%7 == 1 })
		for i := 0; i < len(script) && i < 300; i++ {
			switch b := script[i]; {
			case b == 0xff && i+2 < len(script):
				cw, ch = int(script[i+1]), int(script[i+2])
				i += 2
				d.size(cw, ch)
			case b == 0xfe:
				if fk.snap != nil {
					fk.step(time.Second, func(s *detect.Snapshot, b *actions.Board) {
						rng.Shuffle(len(s.Suspects), func(i, j int) { s.Suspects[i].Score, s.Suspects[j].Score = s.Suspects[j].Score, s.Suspects[i].Score })
						s.Suspects = s.Suspects[:len(s.Suspects)-rng.IntN(1+len(s.Suspects)/2)]
						b.Active = b.Active[:len(b.Active)-rng.IntN(1+len(b.Active))]
						b.Jobs = b.Jobs[:len(b.Jobs)/2]
						if rng.IntN(3) == 0 {
							s.Incidents = nil
						}
					})
				}
				d.wait(time.Duration(rng.IntN(20)) * time.Second)
			case b == 0xfd:
				d.send(tea.MouseMsg{Button: tea.MouseButtonWheelDown})
			default:
				d.keys(anyKey[int(b)%len(anyKey)])
			}
			fits(t, d.m.View(), cw, ch)
		}
	})
}

func TestResizeStorm(t *testing.T) {
	f := newFake()
	rng := rand.New(rand.NewPCG(1, 2))
	poison(f, func() string { return hostile[rng.IntN(len(hostile))] })
	d := sit(t, f, 80, 24, plain)
	for _, k := range strings.Fields(tour) {
		d.keys(k)
		for _, s := range [][2]int{{20, 5}, {500, 200}, {1, 1}, {60, 15}, {0, 0}, {3, 40}, {240, 2}, {120, 36}, {79, 8}, {33, 9}, {rng.IntN(300), rng.IntN(90)}} {
			d.size(s[0], s[1])
			fits(t, d.m.View(), s[0], s[1])
		}
	}
}

// Even the smallest terminal tells who is worst and whether automation is on.
func TestSmallestTerminal(t *testing.T) {
	d := sit(t, newFake(), 20, 5, plain)
	d.sees("ARMED", "203.0.113.0/24")
	d.keys("j b")
	d.sees("Cancel")
}

package tui

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/teatest"

	"levee/actions"
	"levee/detect"
)

// The on-call's first night, in the real program: woken up, she sees the
// attack, understands the suspect, blocks it, sees the traffic fall, undoes a
// block that was one too many, hands the incident over and leaves.
func TestOnCallsFirstNight(t *testing.T) {
	f := newFake()
	var clipboard tty
	tm := teatest.NewTestModel(t, New(f, hands{f, ana}, Options{NoColor: true, Terminal: &clipboard}), teatest.WithInitialTermSize(120, 36))
	see := func(words ...string) {
		t.Helper()
		teatest.WaitFor(t, tm.Output(), func(b []byte) bool {
			for _, w := range words {
				if !bytes.Contains(b, []byte(w)) {
					return false
				}
			}
			return true
		}, teatest.WithDuration(30*time.Second), teatest.WithCheckInterval(10*time.Millisecond))
	}
	see("ATTACK", "distributed flood on /login", "198.51.100.23", "suspect", "? help")
	tm.Send(keyMsg("j"))
	see("198.51.100.23 why 95")
	tm.Send(keyMsg("enter"))
	see("recent requests", "188 requests/s, its peers make 4/s", "curl/8.5")
	tm.Send(keyMsg("-"))
	see("Top paths")
	tm.Send(keyMsg("b"))
	see("Block 198.51.100.23", "of usual traffic", "y  block now", "Cancel")
	tm.Send(keyMsg("y"))
	see("BLOCKED", "ana")
	f.step(30*time.Second, func(s *detect.Snapshot, _ *actions.Board) {
		s.Total.Rate = 4321
		s.Suspects[1].Rate = 0
	})
	see("4.3k req/s")
	tm.Send(keyMsg("u"))
	see("Undo block of 198.51.100.23", "y  undo it now")
	tm.Send(keyMsg("y"))
	see("undone")
	tm.Send(keyMsg("3"))
	see("removes 91% of the excess", "touches 0.3% of usual traffic")
	tm.Send(keyMsg("o"))
	see("ana since", "you; :handover NAME gives it away")
	tm.Send(keyMsg("c"))
	see("copied the hand-over text")
	for _, k := range strings.Split(":handover bo", "") {
		tm.Send(keyMsg(strings.ReplaceAll(k, " ", "space")))
	}
	tm.Send(keyMsg("enter"))
	see("bo since")
	tm.Send(keyMsg("q"))
	tm.WaitFinished(t, teatest.WithFinalTimeout(30*time.Second))
	if f.commits != 2 {
		t.Fatalf("%d commits, want the block and its undo", f.commits)
	}
	code := strings.TrimSuffix(strings.TrimPrefix(clipboard.String(), "\x1b]52;c;"), "\a")
	if text, err := base64.StdEncoding.DecodeString(code); err != nil || !strings.Contains(string(text), "Owner: ana") || !strings.Contains(string(text), "distributed flood") {
		t.Fatalf("the hand-over text says %q (%v)", text, err)
	}
}

// Many suspects at once, with a protected address among them.
func TestMassBlockLeavesTheProtectedOut(t *testing.T) {
	f := newFake()
	office := pfx("192.0.2.200")
	f.refuse[office] = actions.Refusal{Target: actions.Target{Prefix: office}, Rule: "allow_list", Value: "192.0.2.200 is allowed by ana", Mend: "lift the allow first (x)"}
	f.needs, f.typed = actions.ConfirmTyped, "33"
	d := sit(t, f, 120, 36, plain)
	d.keys("2")
	d.keys("/")
	d.write("!state:blocked !state:job")
	d.keys("enter g space G v b")
	d.sees("Block 34 targets", "REFUSED", "192.0.2.200 is allowed by ana", "lift the allow first", `Type "33", then y`)
	d.keys("3 3 y")
	b := f.Board()
	if n := len(b.Active); n != 3+33 {
		t.Fatalf("%d decisions in force, want 36", n)
	}
	for _, a := range b.Active {
		if a.Target.Prefix == office && a.Verb == actions.Block {
			t.Fatal("the protected address was blocked")
		}
	}
}

func TestIncidentBlocksItsSources(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("3 b")
	r := f.received[len(f.received)-1]
	if r.Incident != "shop-0307-1" || len(r.Targets) != 33 || r.Attack != detect.DistributedFlood || len(r.Evidence) == 0 {
		t.Fatalf("asked for %d targets of %q, attack %q, evidence %q", len(r.Targets), r.Incident, r.Attack, r.Evidence)
	}
	for _, target := range r.Targets {
		if s := target.Prefix.String(); s == "203.0.113.0/24" || s == "192.0.2.14/32" || s == "192.0.2.200/32" {
			t.Fatalf("%s is blocked, on its way or allowed, and was asked for again", s)
		}
	}
	d.keys("esc t")
	if r := f.received[len(f.received)-1]; r.Verb != actions.Throttle || r.Targets[0].Signature == nil || r.Targets[0].Signature.Path != "/login" {
		t.Fatalf("t asked for %+v", r)
	}
}

func TestFlashCrowdIsNeverBlocked(t *testing.T) {
	f := newFake()
	flashCrowd(f)
	d := sit(t, f, 120, 36, plain)
	d.sees("FLASH CROWD on /sale", "block nobody")
	d.misses("ATTACK")
	d.keys("3 b")
	if d.m.dialog != nil {
		t.Fatal("a flash crowd can be blocked")
	}
	d.sees("real visitors")
	d.keys("s")
	d.sees("Scale up shop.example.com")
}

func TestHandOverText(t *testing.T) {
	f := newFake()
	var out bytes.Buffer
	d := sit(t, f, 120, 36, plain, func(o *Options) { o.Terminal = &out })
	text := d.m.screens[scrIncident].(*incidentScreen)
	text.load(d.m)
	s := text.handover(d.m)
	for _, w := range []string{"shop-0307-1", "distributed flood on shop.example.com", "91% of the excess", "block 203.0.113.0/24 by auto, verified"} {
		if !strings.Contains(s, w) {
			t.Errorf("the hand-over does not say %q:\n%s", w, s)
		}
	}
	d.keys("3 c")
	if !strings.HasPrefix(out.String(), "\x1b]52;c;") {
		t.Fatalf("the terminal got %q", out.String())
	}
}

func TestCopyInsideTmux(t *testing.T) {
	var out bytes.Buffer
	d := sit(t, newFake(), 80, 24, plain, func(o *Options) { o.Terminal, o.Tmux = &out, true })
	d.keys("j c")
	if !strings.HasPrefix(out.String(), "\x1bPtmux;") {
		t.Fatalf("the terminal got %q", out.String())
	}
	out.Reset()
	d.keys("C")
	if out.Len() == 0 {
		t.Fatal("no rows were copied")
	}
	d = sit(t, newFake(), 80, 24, plain)
	d.keys("j c")
	d.sees("can't be copied from")
}

func TestSpreadsheetCellsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "/a": "/a", "-x": "'-x", "\x1b[2J": `\x1b[2J`, "": ""} {
		if got := formulaSafe(clean(in)); got != want {
			t.Errorf("formulaSafe(clean(%q)) = %q, want %q", in, got, want)
		}
	}
}

func TestQuitAsksWhenSomethingEnds(t *testing.T) {
	d := sit(t, newFake(), 80, 24, plain, func(o *Options) { o.QuitEnds = "The watch ends with this console; blocks stay until their TTL." })
	d.keys("q")
	d.sees("Leave the console?", "The watch ends")
	d.keys("enter")
	if d.quit {
		t.Fatal("enter left the console")
	}
	d.keys("q y")
	if !d.quit {
		t.Fatal("q, y did not leave")
	}
	d = sit(t, newFake(), 80, 24, plain)
	d.keys("j enter ? q q")
	if d.quit || d.m.at != scrOverview {
		t.Fatalf("q in a detail left the console (%v) or did not go back (screen %d)", d.quit, d.m.at)
	}
	d.keys("ctrl+c")
	if !d.quit {
		t.Fatal("ctrl+c did not leave")
	}
}

func TestEveryScreenByNumberAndBack(t *testing.T) {
	d := sit(t, newFake(), 100, 30, plain)
	for i := range 10 {
		d.keys(fmt.Sprint((i + 1) % 10))
		if d.m.at != screenID(i) {
			t.Fatalf("%d opened screen %d", i+1, d.m.at)
		}
	}
	for i := 8; i >= 0; i-- {
		d.keys("-")
		if d.m.at != screenID(i) {
			t.Fatalf("- went to %d, not %d", d.m.at, i)
		}
	}
	for i := range 10 {
		d.keys("tab")
		if d.m.at != screenID((i+1)%10) {
			t.Fatalf("tab went to %d", d.m.at)
		}
	}
	d.keys("shift+tab")
	if d.m.at != scrFleet {
		t.Fatalf("shift+tab went to %d", d.m.at)
	}
}

// Several things at once: the banner tells of the one that hurts most.
func TestBannerTellsTheGravest(t *testing.T) {
	f := newFake()
	scan, crowd := f.snap.Incidents[0], f.snap.Incidents[0]
	scan.ID, scan.Attack, scan.Rate, scan.Signature = "scan-1", detect.Scan, 0, detect.Signature{}
	crowd.ID, crowd.Attack, crowd.Rate, crowd.Signature = "crowd-1", detect.FlashCrowd, 1300, detect.Signature{Path: "/sale"}
	f.snap.Incidents = append(f.snap.Incidents, scan, crowd)
	d := sit(t, f, 160, 36, plain)
	d.sees("ATTACK  distributed flood", "(scan, flash crowd)")
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Incidents = []detect.Incident{scan, crowd} })
	d.wait(time.Second)
	d.sees("FLASH CROWD on /sale", "+1 more (scan)")
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Incidents = []detect.Incident{scan} })
	d.wait(time.Second)
	d.sees("ATTACK  scan")
}

// A kernel's message or a suspended ssh leaves another screen than ours: one key
// draws it anew, whatever is open.
func TestRedraw(t *testing.T) {
	d := sit(t, newFake(), 80, 24, plain)
	clear := tea.ClearScreen()
	for _, keys := range []string{"", "/", "j b"} {
		d.keys(keys)
		if _, cmd := d.m.Update(tea.KeyMsg{Type: tea.KeyCtrlL}); cmd == nil || cmd() != clear {
			t.Errorf("after %q the screen is not drawn anew", keys)
		}
		d.keys("esc esc")
	}
	d.send(tea.KeyMsg{Type: tea.KeyCtrlZ})
	d.sees("ctrl+z does not suspend the console; q leaves it")
}

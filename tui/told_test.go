package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// One act is one line: what the station says of it beside this session's own
// words is left out, what it says of others and of failures is not.
func TestOneActIsOneMessage(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("j b y")
	f.mu.Lock()
	f.notices = append(f.notices,
		actions.Notice{Seq: 3, Time: f.now.Add(time.Second), Level: "ok", Text: "block 198.51.100.23 for 30m0s (ana) job #4413"},
		actions.Notice{Seq: 4, Time: f.now.Add(time.Second), Level: "ok", Text: "block 192.0.2.77 for 1h0m0s (bo)"},
		actions.Notice{Seq: 5, Time: f.now.Add(time.Second), Level: "error", Text: "block 198.51.100.23 failed: (ana)"},
		actions.Notice{Seq: 6, Time: f.now.Add(time.Minute), Level: "ok", Text: "block 192.0.2.78 for 2m0s (ana)"})
	f.mu.Unlock()
	d.wait(time.Second)
	var texts []string
	for _, n := range d.m.notices {
		texts = append(texts, n.Text)
	}
	got := strings.Join(texts, "\n")
	for _, want := range []string{"Block 198.51.100.23: u undoes it; done, for 30m", "block 192.0.2.77 for 1h (bo)", "failed: (ana)", "block 192.0.2.78 for 2m (ana)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no message says %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "#4413") {
		t.Errorf("the act is told twice:\n%s", got)
	}
}

func TestUndoSaysNothingOfATTL(t *testing.T) {
	down := []actions.Decision{{Verb: actions.ScaleDown, State: actions.Applied, TTL: 30 * time.Minute}}
	if _, got := outcome("Undo scale up of shop", "u", true, down); got != "Undo scale up of shop: done" {
		t.Errorf("got %q", got)
	}
}

// What failed says why, also when no enforcer did.
func TestAFailureHasAReason(t *testing.T) {
	failed := actions.Decision{Verb: actions.Block, State: actions.Failed}
	said, ended, silent := failed, failed, failed
	said.Receipts = []actions.Receipt{{Enforcer: "denylist", OK: true}, {Enforcer: "nft", Note: "no right"}}
	ended.EndedBy = "another host blocked it first"
	for want, d := range map[string]actions.Decision{
		"FAILED for 1 of 1: nft FAILED":                         said,
		"FAILED for 1 of 1: another host blocked it first":      ended,
		"FAILED for 1 of 1: no enforcer said why; Health shows": silent,
	} {
		if level, got := outcome("Block it", "u", false, []actions.Decision{d}); level != "error" || !strings.Contains(got, want) {
			t.Errorf("%s %q, want %q", level, got, want)
		}
	}
}

// A source that went quiet under its block still says what it was blocked for.
func TestQuietSourceKeepsItsReason(t *testing.T) {
	f := newFake()
	f.snap.Suspects[0].Evidence = nil
	d := sit(t, f, 120, 36, plain)
	d.sees("was distributed")
}

// A switch that this session turned is told once, in its own words.
func TestOneSwitchIsOneMessage(t *testing.T) {
	f := newFake()
	d := sit(t, f, 140, 36, plain)
	d.keys("A")
	f.step(time.Second, func(*detect.Snapshot, *actions.Board) {
		f.notices = append(f.notices, actions.Notice{Seq: 9, Time: f.now, Level: "warn", Text: "auto mode off by ana"})
	})
	d.wait(time.Second)
	d.sees("auto mode is off: it only suggests")
	d.misses("auto mode off by ana")
	f.step(time.Second, func(*detect.Snapshot, *actions.Board) {
		f.notices = append(f.notices, actions.Notice{Seq: 10, Time: f.now, Level: "warn", Text: "auto mode on by bo"})
	})
	d.wait(time.Second)
	d.sees("auto mode on by bo")
}

// teller returns what brings the console news from the station.
func (d *desk) teller(f *fake) func(seq uint64, level, text string) {
	return func(seq uint64, level, text string) {
		f.mu.Lock()
		f.notices = append(f.notices, actions.Notice{Seq: seq, Time: f.now, Level: level, Text: text})
		f.mu.Unlock()
		d.wait(time.Second)
	}
}

// A warning stays on the line while it is new, whatever others succeed with;
// what this session has to say takes its place.
func TestAWarningIsNotPushedAside(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	tell := d.teller(f)
	tell(10, "warn", "BREAK GLASS: bo did block on 1001 targets")
	tell(11, "ok", "block 192.0.2.77 for 1h (bo)")
	d.sees("BREAK GLASS: bo did block")
	d.command("sort nothing")
	d.sees("sort by one of")
	d.wait(newFor)
	tell(12, "ok", "block 192.0.2.78 for 1h (bo)")
	d.sees("block 192.0.2.78")
}

// Under attack auto mode succeeds every second: the answer to what one has just
// done is read all the same.
func TestAutoModeLeavesAnAnswerReadable(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.command("sort nothing")
	tell := func(after time.Duration, seq uint64, text string) {
		f.step(after, func(*detect.Snapshot, *actions.Board) {
			f.notices = append(f.notices, actions.Notice{Seq: seq, Time: f.now, Level: "ok", Text: text})
		})
		d.wait(time.Second)
	}
	tell(time.Second, 10, "block 58 targets, first 192.0.2.77 for 10m (auto)")
	tell(time.Second, 11, "block 61 targets, first 192.0.2.78 for 10m (auto)")
	d.sees("sort by one of")
	tell(answeredFor, 12, "block 9 targets, first 192.0.2.79 for 10m (auto)")
	d.sees("first 192.0.2.79")
	d.misses("sort by one of")
}

// TestWordsOfAColleagueStay: what somebody says is read whole and stays for a
// moment, whatever succeeds meanwhile; what goes wrong comes first.
func TestWordsOfAColleagueStay(t *testing.T) {
	f := newFake()
	d := sit(t, f, 60, 15, plain)
	tell := d.teller(f)
	sees := func(text string, want bool) {
		t.Helper()
		if got := strings.Contains(d.m.View(), text); got != want {
			t.Errorf("%q is seen: %v\n%s", text, got, d.m.View())
		}
	}
	tell(101, "say", "bo says: I take this one, watch the logins of the shop")
	tell(102, "ok", "block 192.0.2.77 for 1h0m0s (auto)")
	sees("bo says: I take this one", true)
	sees("of the shop", true)
	tell(103, "error", "nothing can be decided")
	sees("nothing can be decided", true)
	sees("bo says", false)
	f.step(newFor+time.Second, nil)
	tell(104, "ok", "block 192.0.2.78 for 1h0m0s (auto)")
	sees("192.0.2.78", true)
}

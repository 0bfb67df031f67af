package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
	"levee/detect"
)

func TestEnterNeverConfirms(t *testing.T) {
	for _, open := range []string{"j b", "j B", "j w", "s", "u", "4 x", "3 b", "3 t", "3 h"} {
		f := newFake()
		d := sit(t, f, 80, 24, plain)
		d.keys(open)
		if d.m.dialog == nil {
			t.Fatalf("%q opened no dialog", open)
		}
		d.sees("Cancel")
		d.keys("enter")
		if f.commits != 0 || d.m.dialog != nil {
			t.Fatalf("%q: enter made %d commits, dialog %v", open, f.commits, d.m.dialog)
		}
	}
}

func TestOnlyYConfirms(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j b space Y n")
	if f.commits != 0 {
		t.Fatal("something else than y committed")
	}
	d.keys("b y")
	if f.commits != 1 || d.m.dialog != nil {
		t.Fatalf("y made %d commits, dialog %v", f.commits, d.m.dialog)
	}
	if r := d.row("198.51.100.23 "); !strings.Contains(r, "BLOCKED") || !strings.Contains(r, "30m") || !strings.Contains(r, "ana") {
		t.Fatalf("the row does not tell of the block: %q", r)
	}
}

func TestPreviewCannotCommit(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j B y y")
	d.sees("a preview")
	if f.commits != 0 {
		t.Fatal("a preview was committed")
	}
}

func TestTypedConfirmation(t *testing.T) {
	f := newFake()
	f.needs, f.typed = actions.ConfirmTyped, "57"
	d := sit(t, f, 80, 24, plain)
	d.keys("j b y")
	d.sees(`Type "57", then y`)
	if f.commits != 0 {
		t.Fatal("y alone committed a large act")
	}
	d.keys("backspace 5 8 y")
	if f.commits != 0 {
		t.Fatal("a wrong word committed a large act")
	}
	d.keys("backspace backspace 7")
	d.keys("enter")
	if f.commits != 0 || d.m.dialog == nil {
		t.Fatal("enter after the typed word did something")
	}
	d.sees("y  block now")
	d.keys("y")
	if f.commits != 1 {
		t.Fatal("the typed word and y did not commit")
	}
}

func TestDialogKeepsItsTargets(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j space space b")
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects = s.Suspects[6:] })
	d.wait(time.Second)
	d.sees("Block 2 targets", "198.51.100.23", "198.51.100.77")
	d.keys("y")
	b := f.Board()
	if len(b.Active) != 5 || b.Active[1].Target.Prefix != pfx("198.51.100.23") || b.Active[0].Target.Prefix != pfx("198.51.100.77") {
		t.Fatalf("blocked %v and %v", b.Active[0].Target.Prefix, b.Active[1].Target.Prefix)
	}
}

func TestUnaskedDialogSwallowsKeys(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j")
	f.step(time.Second, func(_ *detect.Snapshot, b *actions.Board) {
		b.Auto.Armed, b.Auto.DisarmedBy, b.Auto.Since = false, "bo", t0
	})
	d.wait(time.Second)
	d.sees("Automation was stopped", "bo stopped all automation")
	for range 5 { // a typist in full flight
		d.time = d.time.Add(200 * time.Millisecond)
		d.send(keyMsg("enter"))
		if d.m.dialog == nil {
			t.Fatal("a key typed for something else closed the dialog")
		}
	}
	d.time = d.time.Add(424 * time.Millisecond)
	d.send(keyMsg("enter"))
	if d.m.dialog == nil {
		t.Fatal("a key 424 ms after the last one got through")
	}
	d.time = d.time.Add(425 * time.Millisecond)
	d.send(keyMsg("enter"))
	if d.m.dialog != nil {
		t.Fatal("a key after 425 ms of quiet did not get through")
	}
}

func TestPanicKeyAsksNothingAndArmingDoes(t *testing.T) {
	for _, before := range []string{"", "j b", "?", "4", "j space"} {
		f := newFake()
		d := sit(t, f, 80, 24, plain)
		d.keys(before)
		d.keys("!")
		if f.disarms != 1 {
			t.Fatalf("after %q, ! stopped automation %d times", before, f.disarms)
		}
		d.wait(time.Second)
		d.sees("DISARMED by ana")
	}
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("! A enter")
	if f.Board().Auto.Armed {
		t.Fatal("enter armed automation")
	}
	d.keys("A y")
	if !f.Board().Auto.Armed {
		t.Fatal("A, y did not arm automation")
	}
}

func TestRefusalShowsRuleValueAndMend(t *testing.T) {
	f := newFake()
	refuseSecond(f)
	d := sit(t, f, 80, 24, plain)
	d.keys("j space space b")
	d.sees("REFUSED", "allow list", "levee.yaml:12", "take it off the list", "1 of 2")
	d.keys("y")
	if b := f.Board(); b.Active[0].Target.Prefix != pfx("198.51.100.77") || b.Active[1].Target.Prefix == pfx("198.51.100.23") {
		t.Fatal("the refused target was blocked")
	}
	f = newFake()
	refuseSecond(f)
	d = sit(t, f, 80, 24, plain)
	d.keys("j b y")
	d.sees("nothing is left")
	if f.commits != 0 {
		t.Fatal("y committed a plan without targets")
	}
}

func TestStaleDataStartsNothingLarge(t *testing.T) {
	f := newFake()
	f.status.DataAge = 2 * time.Minute
	d := sit(t, f, 80, 24, plain)
	d.sees("STALE")
	d.keys("j space space b")
	d.sees("2 MARKED")
	if d.m.dialog != nil {
		t.Fatal("stale data let many sources be blocked at once")
	}
	d.sees("can't be used", "old")
	d.keys("esc b")
	if d.m.dialog == nil {
		t.Fatal("one source could not be blocked")
	}
}

func TestUnknownIsNeverShownAsDone(t *testing.T) {
	f := newFake()
	f.outcome = actions.Unknown
	d := sit(t, f, 80, 24, plain)
	d.keys("j b y")
	d.sees("UNKNOWN", "not confirmed")
	d.wait(time.Second)
	d.keys("enter")
	if r := d.row("198.51.100.23 "); !strings.Contains(r, "UNKNOWN") {
		t.Fatalf("the row hides that the outcome is unknown: %q", r)
	}
}

func TestCommitThatNeverAnswersIsUnknown(t *testing.T) {
	f := newFake()
	f.commErr = context.DeadlineExceeded
	d := sit(t, f, 80, 24, plain)
	d.keys("j b y")
	d.sees("UNKNOWN: no answer came in time")
	d.misses("NOT DONE")
}

// Two operators want the same source: the first commit wins, and the other
// one learns who was quicker, while the dialog is open and on the attempt.
func TestLoserSeesWho(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j b")
	bo := hands{f, actions.Actor{Name: "bo", Role: actions.Operator, Via: "ssh"}}
	p, err := bo.Plan(t.Context(), actions.Request{Verb: actions.Block, Targets: []actions.Target{{Prefix: pfx("198.51.100.23")}}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bo.Commit(t.Context(), p.Token, actions.Answer{}); err != nil {
		t.Fatal(err)
	}
	d.wait(time.Second)
	d.sees("already", "BLOCKED by bo")
	d.keys("y")
	d.sees("NOT DONE", "bo blocked 198.51.100.23 first")
	d.keys("esc")
	if r := d.row("198.51.100.23 "); !strings.Contains(r, "BLOCKED") || !strings.Contains(r, "bo") {
		t.Fatalf("the row does not say who blocked: %q", r)
	}
}

func TestViewerMayOnlyLook(t *testing.T) {
	f := newFake()
	var time0 time.Time
	m := New(f, hands{f, actions.Actor{Name: "bo", Role: actions.Viewer}}, Options{NoColor: true, Now: func() time.Time { return time0 }})
	d := &desk{t: t, f: f, m: m}
	d.size(80, 24)
	for _, k := range []string{"b", "w", "x", "u", "s", "A"} {
		d.keys(k)
		if m.dialog != nil {
			t.Fatalf("%s opened a dialog for a viewer", k)
		}
		d.sees("your role is viewer")
	}
	for _, line := range []string{"block 192.0.2.1", "scale", "auto off", "undo", "allow 192.0.2.1"} {
		d.keys(":")
		d.write(line)
		d.keys("enter")
		if m.dialog != nil || len(f.received) > 0 {
			t.Fatalf(":%s was taken from a viewer", line)
		}
	}
}

func TestConsoleWithoutOperatorOnlyShows(t *testing.T) {
	m := New(newFake(), nil, Options{NoColor: true})
	d := &desk{t: t, m: m}
	d.size(80, 24)
	for _, k := range []string{"b", "w", "x", "u", "s", "A", "!"} {
		d.keys(k)
		if m.dialog != nil {
			t.Fatalf("%s opened a dialog although nothing can act", k)
		}
	}
	d.sees("view only")
}

func TestLatePlanIsReadBeforeItIsAnswered(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j")
	_, cmd := d.m.Update(keyMsg("b"))
	d.send(keyMsg("y")) // nothing to say yes to yet
	d.time = d.time.Add(2 * time.Second)
	d.m.Update(cmd())
	d.time = d.time.Add(100 * time.Millisecond)
	d.send(keyMsg("y"))
	if f.commits != 0 {
		t.Fatal("a y typed into a preview that had just appeared was taken")
	}
	d.keys("y")
	if f.commits != 1 {
		t.Fatal("y was not taken after the quiet")
	}
}

func TestPlanOfAClosedDialogIsDropped(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j")
	_, cmd := d.m.Update(keyMsg("b"))
	d.keys("esc j")
	d.keys("b") // another source's dialog
	before := d.m.dialog.(*planDialog).got.Token
	d.m.Update(cmd())
	if got := d.m.dialog.(*planDialog).got.Token; got != before {
		t.Fatalf("the late plan %s took the place of %s", got, before)
	}
}

func TestPlanErrorAndCommitErrorAreTold(t *testing.T) {
	f := newFake()
	f.planErr = errors.New("ledger is locked: another levee holds /var/lib/levee/ledger.db")
	d := sit(t, f, 80, 24, plain)
	d.keys("j b y")
	d.sees("NOT DONE", "ledger is locked")
	f.planErr, f.commErr = nil, errors.New("budget is spent: 6000 blocks a minute")
	d.keys("esc b y")
	d.sees("NOT DONE", "budget is spent")
	if f.commits != 0 {
		t.Fatal("an error was taken for a commit")
	}
}

func TestPasteActsOnNothing(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("b"), Paste: true})
	d.keys("j b")
	d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("y"), Paste: true})
	if f.commits != 0 {
		t.Fatal("a paste confirmed")
	}
	d.sees("a paste is not taken for keys")
}

func TestReasonInTheOperatorsWords(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j b r ctrl+u")
	d.write("customer says it is not theirs y")
	if f.commits != 0 {
		t.Fatal("a y in the reason confirmed")
	}
	d.keys("enter")
	d.sees("customer says it is not theirs y")
	d.keys("y")
	if r := f.Board().Active[0].Reason; r != "customer says it is not theirs y" {
		t.Fatalf("the reason on the ledger is %q", r)
	}
}

// Where a dialog does not fit, nothing of it is lost: it scrolls.
func TestSmallDialogScrolls(t *testing.T) {
	f := newFake()
	refuseSecond(f)
	d := sit(t, f, 60, 12, plain)
	d.keys("j space space b")
	d.sees("more lines", "Cancel", "y  block now")
	d.misses("take it off the list")
	d.keys("down down down down down down")
	d.sees("take it off the list", "Cancel", "y  block now")
}

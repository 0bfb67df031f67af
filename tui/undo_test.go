package tui

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"levee/actions"
)

func TestUndoLiftsTheLatestOwnAct(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j b y u")
	d.sees("Undo block of 198.51.100.23")
	d.keys("y")
	if r := d.row("198.51.100.23 "); !strings.Contains(r, "undone") {
		t.Fatalf("undone block: %q", r)
	}
	d.keys("u")
	d.sees("Undo allow of 192.0.2.200")
}

// A block of many was one act, and u takes all of it back.
func TestUndoTakesTheWholeActBack(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.keys("j space space space b y")
	if n := len(f.Board().Active); n != 6 {
		t.Fatalf("%d decisions in force, want 6", n)
	}
	d.keys("u")
	d.sees("Undo block of 3 targets")
	d.keys("y")
	if n := len(f.Board().Active); n != 3 {
		t.Fatalf("%d decisions in force after the undo, want 3", n)
	}
}

// thousands is an operator whose latest act was on more than the board lists.
type thousands struct {
	hands
	n     int
	asked []actions.UndoFilter
}

func (h *thousands) UndoMany(ctx context.Context, f actions.UndoFilter) (actions.Plan, error) {
	h.asked = append(h.asked, f)
	r := actions.Request{Verb: actions.Unblock, Actor: h.who, Reason: "undo many"}
	for i := range h.n {
		r.Targets = append(r.Targets, actions.Target{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32)})
	}
	return h.Plan(ctx, r)
}

// Many are lifted at once from the command line as well, by a filter.
func TestUnblockManyFromTheCommandLine(t *testing.T) {
	f := newFake()
	f.needs, f.typed = actions.ConfirmTyped, "unblock them"
	d := sit(t, f, 120, 36, plain)
	op := &thousands{hands: hands{f, ana}, n: 1500}
	d.m.op = op
	say := func(line string) {
		d.keys(":")
		d.write(line)
		d.keys("enter")
	}
	say("unblock --incident i-1 --by auto --since 10m")
	d.sees("Lift 1500 targets", `Type "unblock them"`)
	want := actions.UndoFilter{Incident: "i-1", By: "auto", Since: f.now.Add(-10 * time.Minute)}
	if len(op.asked) != 1 || op.asked[0] != want {
		t.Errorf("asked %+v, want %+v", op.asked, want)
	}
	d.write("unblock them")
	d.keys("y")
	if f.commits != 1 {
		t.Errorf("%d commits", f.commits)
	}
	for line, why := range map[string]string{"unblock --since soon": "is no time", "unblock --by": "write TARGET", "unblock --to x": "not known here"} {
		say(line)
		d.sees(why)
	}
}

// Of an act on thousands u undoes all, and not what the board happens to list.
func TestUndoOfThousandsIsOneAct(t *testing.T) {
	f := newFake()
	var mine []actions.Decision
	for i := range 3 {
		mine = append(mine, actions.Decision{ID: fmt.Sprint("m", i), Request: "rm", Verb: actions.Block, State: actions.Verified, Actor: ana, Created: t0, Changed: t0,
			Target: actions.Target{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}), 32)}, TTL: time.Hour, Expires: t0.Add(time.Hour)})
	}
	f.board.Active = append(mine, f.board.Active...)
	f.board.NActive = 1503
	f.needs, f.typed = actions.ConfirmTyped, "unblock 1500"
	d := sit(t, f, 120, 36, plain)
	op := &thousands{hands: hands{f, ana}, n: 1500}
	d.m.op = op
	d.keys("u")
	d.sees("Undo block of 1500 targets", "1-4 of 1500", "unblock 1500")
	if len(op.asked) != 1 || op.asked[0] != (actions.UndoFilter{Request: "rm"}) {
		t.Fatalf("asked for %+v", op.asked)
	}
	d.keys("y")
	if f.commits != 0 {
		t.Fatal("undone without the typed count")
	}
	d.keys("backspace")
	d.write("unblock 1500")
	d.keys("y")
	if f.commits != 1 || f.answers[0].Typed != "unblock 1500" {
		t.Fatalf("%d commits with %+v", f.commits, f.answers)
	}
}

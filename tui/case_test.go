package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
)

// desks sits two operators at the same station.
func desks(t *testing.T, f *fake) (a, b *desk) {
	a = sit(t, f, 120, 36, plain)
	b = sit(t, f, 120, 36, plain)
	b.m = New(f, hands{f, actions.Actor{Name: "bo", Role: actions.Operator, Via: "ssh"}}, b.m.opt)
	b.size(120, 36)
	return a, b
}

// An incident is taken, written about and handed over; the text says all of it.
func TestIncidentIsHandedOver(t *testing.T) {
	f := newFake()
	ana, bo := desks(t, f)
	ana.keys("3")
	ana.sees("nobody yet: o makes it yours")
	ana.keys("o N")
	ana.write("called the\x1b[2J hoster")
	ana.keys("enter")
	ana.sees("ana since 03:12:07Z (you", "called the")
	bo.wait(time.Second)
	bo.keys("3 o")
	bo.sees("Take it over from ana?")
	bo.keys("enter")
	if f.cases["shop-0307-1"].Owner != "ana" {
		t.Fatal("enter took the incident over")
	}
	ana.write(":handover bo")
	ana.keys("enter")
	bo.wait(time.Second)
	bo.sees("bo since 03:12:07Z (you")
	s := bo.m.screens[scrIncident].(*incidentScreen).handover(bo.m)
	for _, w := range []string{"Owner: bo since 03:12:07Z", "Note 2026-03-14T03:12:07Z ana: called the"} {
		if !strings.Contains(s, w) {
			t.Errorf("the hand-over does not say %q:\n%s", w, s)
		}
	}
}

// An incident is kept quiet for a while; everybody sees it, and by whom.
func TestIncidentIsMuted(t *testing.T) {
	f := newFake()
	ana, bo := desks(t, f)
	ana.keys("3")
	for line, want := range map[string]string{":mute soon": "takes a time such as 30m, or off", ":mute -1h": "takes a time", ":mute 1h 2h": "takes one time"} {
		ana.write(line)
		ana.keys("enter")
		ana.sees(want)
	}
	ana.write(":mute 2h")
	ana.keys("enter")
	ana.sees("muted", "by ana until 05:12:07Z: nobody is told of it; :mute off ends that")
	bo.wait(time.Second)
	bo.keys("3")
	bo.sees("by ana until 05:12:07Z")
	bo.write(":mute off")
	bo.keys("enter")
	if c := f.cases["shop-0307-1"]; !c.Muted.IsZero() {
		t.Errorf("it is muted: %+v", c)
	}
}

// Two take an incident at once: the second is told who was first.
func TestTwoTakeAnIncident(t *testing.T) {
	f := newFake()
	ana, bo := desks(t, f)
	bo.keys("3")
	_, slow := bo.m.Update(keyMsg("o")) // bo's request is on its way
	ana.keys("3 o")
	bo.send(slow())
	bo.sees("ana took it first")
	if f.cases["shop-0307-1"].Owner != "ana" {
		t.Fatal("the second one won")
	}
}

// A plan that needs two people: one asks, the other is shown what it is about
// and says yes, and only then y carries it out, without break-glass.
func TestSecondPersonFromAnotherConsole(t *testing.T) {
	f := newFake()
	f.needs = actions.ConfirmTwo
	ana, bo := desks(t, f)
	ana.keys("j b")
	ana.sees("a  asks for one")
	ana.keys("y")
	if f.commits > 0 {
		t.Fatal("y alone was enough")
	}
	_, ask := ana.m.Update(keyMsg("a"))
	_, answer := ana.m.Update(ask())
	ana.sees("Waiting for another operator", "K7QX2M")
	ana.wait(time.Second)
	if ana.m.d.waits != nil {
		t.Fatal("she may approve her own request")
	}
	bo.wait(time.Second)
	bo.sees("P APPROVE?")
	bo.keys("P")
	bo.sees("Approve what ana asks for?", "block 1 target, which carry 6% of usual traffic", "K7QX2M")
	bo.keys("enter P y")
	ana.send(answer())
	ana.sees("A second person approved", "Cancel")
	ana.send(keyMsg("y")) // typed before it could be read
	if f.commits > 0 {
		t.Fatal("a key that was already on its way carried it out")
	}
	ana.keys("y")
	if f.commits != 1 || f.answers[0].BreakGlass {
		t.Fatalf("%d commits, %+v", f.commits, f.answers)
	}
	bo.wait(time.Second)
	bo.misses("P APPROVE?")
	bo.keys("P")
	bo.sees("nobody waits for a second person")
}

// Closing the dialog takes the question back.
func TestSecondPersonIsNotAskedForAClosedDialog(t *testing.T) {
	f := newFake()
	f.needs = actions.ConfirmTwo
	ana, _ := desks(t, f)
	ana.keys("j b")
	_, ask := ana.m.Update(keyMsg("a"))
	_, answer := ana.m.Update(ask())
	ana.keys("esc")
	ana.send(answer()) // ends, because its context did
	if len(f.asked) > 0 {
		t.Fatal("the request still waits")
	}
	// break-glass still works, alone and loudly
	ana.keys("b")
	ana.write("break-glass")
	ana.keys("y")
	if f.commits != 1 || !f.answers[0].BreakGlass {
		t.Fatalf("%d commits, %+v", f.commits, f.answers)
	}
}

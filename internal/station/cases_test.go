package station

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
)

// The first to take an incident owns it, the second is told who; what was
// written stays in the audit; who may only look writes nothing.
func TestIncidentsHaveOneOwner(t *testing.T) {
	p := place{dir: t.TempDir()}
	s, err := Open(t.Context(), p.options())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	person := func(name string, role actions.Role) *Operator {
		op, leave := s.Join(actions.Actor{Name: name, Role: role, Via: "console"})
		t.Cleanup(leave)
		return op
	}
	ana, bo, eve := person("ana", actions.Operator), person("bo", actions.Operator), person("eve", actions.Viewer)
	ctx := t.Context()
	if err := ana.Own(ctx, "i1", "", "ana"); err != nil {
		t.Fatal(err)
	}
	if err := bo.Own(ctx, "i1", "", "bo"); err == nil || !strings.Contains(err.Error(), "ana took it first") {
		t.Fatalf("the second to take it got %v", err)
	}
	if err := bo.Own(ctx, "i1", "ana", "bo"); err != nil {
		t.Fatalf("an incident can't be taken over: %v", err)
	}
	if err := eve.Note(ctx, "i1", "hello"); err == nil {
		t.Fatal("a viewer wrote a note")
	}
	if err := bo.Note(ctx, "i1", "called\x1b[2J the\nhoster"); err != nil {
		t.Fatal(err)
	}
	held := s.Case("i1")
	for range 2 * notesMost {
		if err := ana.Note(ctx, "i1", strings.Repeat("x", 300)); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.Case("i1"); c.Owner != "bo" || c.Since.IsZero() || len(c.Notes) != notesMost || len(c.Notes[0].Text) > saidMost+3 {
		t.Fatalf("%+v", c)
	}
	if len(held.Notes) != 1 || held.Notes[0].Text != "called [2J the hoster" || held.Notes[0].By != "bo" {
		t.Fatalf("%+v", held.Notes)
	}
	rows, err := s.Audit(ctx, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	notes := 0
	for _, r := range rows {
		if strings.Contains(string(r.Body), "incident note i1") {
			notes++
		}
	}
	if notes != 1+2*notesMost {
		t.Fatalf("the audit holds %d notes", notes)
	}
}

// What waits for a second person can be seen and approved from a console.
func TestWaitingIsSeenAndApproved(t *testing.T) {
	p := place{dir: t.TempDir()}
	s, err := Open(t.Context(), p.options())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ana, leave := s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
	defer leave()
	bo, leave := s.Join(actions.Actor{Name: "bo", Role: actions.Operator, Via: "console"})
	defer leave()
	code, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- ana.AskApproval(t.Context(), actions.Plan{Token: "t", Expires: time.Now().Add(time.Hour),
			Request: actions.Request{Verb: actions.Block, Targets: make([]actions.Target, 1200), Reason: "flood"}}, func(c string) { code <- c })
	}()
	c := <-code
	if w := s.Waiting(); len(w) != 1 || w[0].Code != c || w[0].By != "ana" || w[0].Targets != 1200 || w[0].Reason != "flood" {
		t.Fatalf("%+v", w)
	}
	if err := ana.GiveApproval(c); err == nil {
		t.Fatal("somebody approved her own request")
	}
	if err := bo.GiveApproval(c); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(s.Waiting()) != 0 {
		t.Fatal("it still waits")
	}
}

package station

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/config"
)

// TestWhoTakesOrMutesAnIncidentEndsTheMessages: people are told once; whoever
// takes the incident is the one who looks after it, and a muted one is quiet.
func TestWhoTakesOrMutesAnIncidentEndsTheMessages(t *testing.T) {
	got := make(chan string, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.URL.Query().Get("title") + " " + string(b)
	}))
	defer hook.Close()
	p := place{dir: t.TempDir()}
	o := p.options()
	host := strings.TrimPrefix(hook.URL, "http://")
	o.Config.Notify = []config.Notify{{Name: "hook", URL: config.NewSecret("generic://" + host + "/?disabletls=yes&template=json")},
		{Name: "night", URL: config.NewSecret("generic://" + host + "/night?disabletls=yes"), Escalation: true, Least: "critical"}}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.notifier.Run(ctx) }()
	defer func() { stop(); <-done }()

	person := func(name string, role actions.Role) *Operator {
		op, leave := s.Join(actions.Actor{Name: name, Role: role, Via: "console"})
		t.Cleanup(leave)
		return op
	}
	ana, eve := person("ana", actions.Operator), person("eve", actions.Viewer)
	in := &detect.Incident{ID: "shop-1", Service: "shop", Attack: detect.DistributedFlood, Opened: time.Now(), Rate: 900, Baseline: 100, Sources: 40}
	tell := func(kind detect.EventKind) string {
		t.Helper()
		s.tellPeople(detect.Event{Time: time.Now(), Kind: kind, Incident: in})
		select {
		case m := <-got:
			return m
		case <-time.After(time.Minute):
			t.Fatal("nobody was told")
			return ""
		}
	}
	if m := tell(detect.IncidentOpen); !strings.Contains(m, "opened: 900 requests/s, usual 100, 40 sources") || !strings.Contains(m, "critical: distributed_flood on shop (open)") {
		t.Errorf("told %q", m)
	}
	s.tellRollBack(&actions.Request{Verb: actions.Unblock, Incident: "shop-1", Attack: detect.DistributedFlood, Reason: "roll-back of throttle: it hit people",
		Targets: []actions.Target{{Service: "shop"}}, Seen: []detect.Suspect{{Service: "shop"}}})
	select {
	case m := <-got:
		if !strings.Contains(m, "auto mode took its own act back: roll-back of throttle: it hit people") {
			t.Errorf("told %q", m)
		}
	case <-time.After(time.Minute):
		t.Error("nobody was told of a roll-back")
	}
	if err := eve.Mute(ctx, "shop-1", time.Hour); err == nil {
		t.Error("a viewer muted it")
	}
	for d, want := range map[time.Duration]string{-time.Second: "no time to be quiet", 25 * time.Hour: "up to 24h"} {
		if err := ana.Mute(ctx, "shop-1", d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("for %s: %v", d, err)
		}
	}
	if err := ana.Mute(ctx, "shop-9", time.Hour); err == nil || !strings.Contains(err.Error(), "levee incidents lists them") {
		t.Errorf("an incident nobody knows: %v", err)
	}
	if err := ana.Own(ctx, "shop-1", "", "ana"); err != nil {
		t.Fatal(err)
	}
	if err := ana.Mute(ctx, "shop-1", time.Hour); err != nil {
		t.Fatal(err)
	}
	if c := s.Case("shop-1"); c.Owner != "ana" || c.MutedBy != "ana" || time.Until(c.Muted) < 50*time.Minute {
		t.Errorf("the case is %+v", c)
	}
	s.tellPeople(detect.Event{Time: time.Now(), Kind: detect.IncidentClose, Incident: in}) // muted: not told
	if c := s.Case("shop-1"); !c.Muted.IsZero() {
		t.Error("it is muted after its end")
	}

	// Another host of the fleet asks this one, which leads, to tell of its own.
	theirs := *in
	theirs.ID, theirs.Service = "api-1", "api"
	s.wishOfPeer(ctx, newsWish(detect.IncidentOpen, &theirs, "opened: 50 requests/s"))
	select {
	case m := <-got:
		if !strings.Contains(m, "opened: 50 requests/s") || !strings.Contains(m, "distributed_flood on api (open)") {
			t.Errorf("told %q", m)
		}
	case <-time.After(time.Minute):
		t.Error("nobody was told of what another host saw")
	}
	rows, err := s.ledger.Audit(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var audit strings.Builder
	for _, r := range rows {
		audit.Write(r.Body)
	}
	for _, want := range []string{"incident owner shop-1", "incident mute shop-1"} {
		if !strings.Contains(audit.String(), want) {
			t.Errorf("the audit does not have %q", want)
		}
	}
}

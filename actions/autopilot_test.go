package actions_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

var t0 = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func addr(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{100, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
}

// suspect is a verdict to block a source.
func suspect(at time.Time, n int, rate, score float64) detect.Event {
	return detect.Event{Time: at, Kind: detect.SuspectSeen, Suspect: &detect.Suspect{Key: addr(n), Service: "shop", Score: score, Rate: rate,
		Attack: detect.DistributedFlood, Measure: detect.BlockSource, Incident: "i-1", MayAct: true,
		Evidence: []detect.Evidence{{Signal: "rate", Text: fmt.Sprintf("%.0f requests/s", rate)}}}}
}

func incident(at time.Time, kind detect.EventKind, change func(*detect.Incident)) detect.Event {
	in := &detect.Incident{ID: "i-1", Service: "shop", Attack: detect.DistributedFlood, Opened: at, Rate: 1000, Baseline: 100, Peak: 1000,
		Excess: 0.9, Collateral: 0.01, Signature: detect.Signature{Path: "/login", Method: "POST"}, Sources: 100}
	if kind == detect.IncidentClose {
		in.Closed = at
	}
	if change != nil {
		change(in)
	}
	return detect.Event{Time: at, Kind: kind, Incident: in}
}

func blocks(rs []actions.Request) (out []string) {
	for _, r := range rs {
		if r.Verb == actions.Block {
			for _, t := range r.Targets {
				out = append(out, t.String())
			}
		}
	}
	return out
}

func verbs(rs []actions.Request) string {
	var out []string
	for _, r := range rs {
		out = append(out, string(r.Verb))
	}
	return strings.Join(out, " ")
}

func TestAutoActsOnlyOnWhatItMay(t *testing.T) {
	for _, c := range []struct {
		name   string
		level  actions.Level
		change func(*detect.Suspect)
		want   bool
	}{
		{"a source to block", actions.LevelBlock, func(s *detect.Suspect) {}, true},
		{"a prefix to block", actions.LevelBlock, func(s *detect.Suspect) { s.Measure = detect.BlockPrefix }, true},
		{"only to be watched", actions.LevelBlock, func(s *detect.Suspect) { s.Measure = detect.Observe }, false},
		{"a flash crowd", actions.LevelBlock, func(s *detect.Suspect) { s.Attack = detect.FlashCrowd }, false},
		{"a retry storm", actions.LevelBlock, func(s *detect.Suspect) { s.Attack = detect.RetryStorm }, false},
		{"unclear", actions.LevelBlock, func(s *detect.Suspect) { s.Attack = detect.Unclear }, false},
		{"no attack named", actions.LevelBlock, func(s *detect.Suspect) { s.Attack = "" }, false},
		{"seen by what can't be trusted", actions.LevelBlock, func(s *detect.Suspect) { s.MayAct = false }, false},
		{"more usual traffic than the budget", actions.LevelBlock, func(s *detect.Suspect) { s.UsualShare = 0.006 }, false},
		{"a service with a level of its own", actions.LevelObserve, func(s *detect.Suspect) { s.Service = "bold" }, true},
		{"at level throttle", actions.LevelThrottle, func(s *detect.Suspect) {}, false},
		{"at level suggest", actions.LevelSuggest, func(s *detect.Suspect) {}, false},
		{"at a level nobody knows", "yolo", func(s *detect.Suspect) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := actions.NewAutopilot(actions.AutoOptions{Level: c.level, Services: map[string]actions.Level{"bold": actions.LevelBlock}})
			ev := suspect(t0, 1, 188, 95)
			c.change(ev.Suspect)
			a.Observe(ev)
			if got := a.Tick(t0); (len(blocks(got)) == 1) != c.want {
				t.Errorf("asked for %v", blocks(got))
			} else if c.want && (got[0].Actor != actions.Auto || len(got[0].Seen) != 1 || got[0].Evidence[0] != "188 requests/s") {
				t.Errorf("%+v", got[0])
			}
			if got := a.Tick(t0.Add(time.Second)); len(got) != 0 {
				t.Errorf("asked again for %v before there was an answer", blocks(got))
			}
		})
	}
}

func TestAutoSaysWhatItWouldDoAndWhyNot(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelSuggest, Budget: actions.Budget{BlocksPerMinute: 1},
		Services: map[string]actions.Level{"bold": actions.LevelBlock}})
	a.Observe(suspect(t0, 1, 188, 95), incident(t0, detect.IncidentOpen, nil))
	for n := 2; n < 4; n++ {
		ev := suspect(t0, n, float64(n), 90)
		ev.Suspect.Service = "bold"
		a.Observe(ev)
	}
	a.Tick(t0)
	s := a.State()
	next, why := strings.Join(s.Next, "\n"), strings.Join(s.Why, "\n")
	for _, want := range []string{"block 100.0.0.2 for distributed_flood: 2 requests/s, score 90",
		"would block 100.0.0.1 for distributed_flood: 188 requests/s, score 95; the level of shop is suggest",
		"scale_up shop in 30s if 50% of the excess is still there"} {
		if !strings.Contains(next, want) {
			t.Errorf("next:\n%s\nlacks %q", next, want)
		}
	}
	if !strings.Contains(why, "budget: blocks_per_minute is spent: 1 of 1") {
		t.Errorf("why:\n%s", why)
	}
	a.Hold("automation was stopped by ana")
	a.Observe(suspect(t0.Add(2*time.Minute), 9, 100, 90))
	if rs := a.Tick(t0.Add(2 * time.Minute)); len(rs) != 0 {
		t.Errorf("it acted while held: %s", verbs(rs))
	}
	if why := a.State().Why; why[0] != "automation was stopped by ana" {
		t.Errorf("why: %v", why)
	}
}

func TestDecoysDontExhaustTheBudget(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{BlocksPerMinute: 1000}})
	// Three thousand decoys come first; a second later a hundred that hurt.
	for n := range 3000 {
		a.Observe(suspect(t0, n, 2, 80))
	}
	first := len(blocks(a.Tick(t0)))
	now := t0.Add(time.Second)
	heavy := map[string]bool{}
	for n := 10000; n < 10100; n++ {
		a.Observe(suspect(now, n, 200, 95))
		heavy[actions.Target{Prefix: addr(n)}.String()] = true
	}
	got := blocks(a.Tick(now))
	if first > 1000 || first+len(got) > 1000 {
		t.Fatalf("%d + %d blocks in a minute", first, len(got))
	}
	hit := 0
	for _, s := range got {
		if heavy[s] {
			hit++
		}
	}
	if hit != 100 {
		t.Errorf("%d of 100 heavy sources blocked", hit)
	}
	// The other way round, what follows the heavy ones leaves almost half of
	// the budget for more of them; it comes with time.
	b := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{BlocksPerMinute: 1000}})
	for n := range 5000 {
		ev := suspect(t0, n, 2, 80)
		if n < 400 {
			ev = suspect(t0, n, 200, 95)
		}
		b.Observe(ev)
	}
	if got := blocks(b.Tick(t0)); len(got) < 400 || len(got) > 520 {
		t.Errorf("%d blocked at once", len(got))
	}
	n := len(blocks(b.Tick(t0.Add(time.Second))))
	for s := 2; s < 59; s++ {
		n += len(blocks(b.Tick(t0.Add(time.Duration(s) * time.Second))))
	}
	if n < 450 || n > 500 {
		t.Errorf("%d more within the minute", n)
	}
}

func TestAPlaybookRuns(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	a.Observe(incident(t0, detect.IncidentOpen, nil), suspect(t0, 1, 188, 95))
	rs := a.Tick(t0)
	if got := verbs(rs); got != "block notify throttle" {
		t.Fatalf("at once: %s", got)
	}
	if sig := rs[2].Targets[0].Signature; sig == nil || sig.Path != "/login" || rs[2].Incident != "i-1" {
		t.Errorf("throttle of %+v", rs[2].Targets[0])
	}
	a.Changed(actions.Decision{ID: "t", Verb: actions.Throttle, Target: rs[2].Targets[0], Actor: actions.Auto, State: actions.Applied,
		Created: t0, TTL: 10 * time.Minute, Expires: at(10 * time.Minute)})
	if got := verbs(a.Tick(at(29 * time.Second))); got != "" {
		t.Errorf("after 29 s: %s", got)
	}
	a.Observe(incident(at(30*time.Second), detect.IncidentChange, func(in *detect.Incident) { in.Rate = 400 }))
	if got := verbs(a.Tick(at(30 * time.Second))); got != "" {
		t.Errorf("a third of the excess is left: %s", got)
	}
	a.Observe(incident(at(40*time.Second), detect.IncidentChange, func(in *detect.Incident) { in.Rate = 700 }))
	if got := verbs(a.Tick(at(40 * time.Second))); got != "scale_up" {
		t.Errorf("two thirds of the excess are left: %s", got)
	}
	if got := verbs(a.Tick(at(5 * time.Minute))); got != "" {
		t.Errorf("while it cools down: %s", got)
	}
	if got := verbs(a.Tick(at(8 * time.Minute))); got != "throttle" {
		t.Errorf("the throttle ends soon: %s", got)
	}
}

func TestWhatIsNoAttackGetsServersOnly(t *testing.T) {
	for _, attack := range []detect.Attack{detect.FlashCrowd, detect.RetryStorm} {
		a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Playbooks: actions.Playbooks{
			detect.FlashCrowd: {{Do: actions.Block}, {Do: actions.Throttle}, {Do: actions.ScaleUp}}}})
		a.Observe(incident(t0, detect.IncidentOpen, func(in *detect.Incident) { in.Attack = attack }))
		ev := suspect(t0, 1, 188, 95)
		ev.Suspect.Attack = attack
		a.Observe(ev)
		if got := verbs(a.Tick(t0)); strings.Contains(got, "block") || strings.Contains(got, "throttle") || !strings.Contains(got, "scale_up") {
			t.Errorf("%s: %s", attack, got)
		}
	}
}

func TestASignatureThatTouchesUsualTrafficIsNotThrottled(t *testing.T) {
	for _, c := range []struct {
		change func(*detect.Incident)
		why    string
	}{
		{func(in *detect.Incident) { in.Collateral = 0.06 }, "touches 6.0% of usual traffic; the limit is 5.0%"},
		{func(in *detect.Incident) { in.Untried = true }, "takes what nobody asked before: whom a throttle would hit can't be told"},
		{func(in *detect.Incident) { in.Collateral, in.UsualOf = 0, 60 }, "touches 0.0% of usual traffic, by 60 samples, which may be 6.0%; the limit is 5.0%"},
		{func(in *detect.Incident) { in.Signature = detect.Signature{} }, "nothing in common"},
	} {
		a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
		a.Observe(incident(t0, detect.IncidentOpen, c.change))
		if got := verbs(a.Tick(t0)); got != "notify" {
			t.Errorf("%s", got)
		}
		if why := strings.Join(a.State().Why, "\n"); !strings.Contains(why, c.why) {
			t.Errorf("why: %s", why)
		}
	}
}

func TestScalingHasABudgetACoolDownAndAWayDown(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{ScaleUpsPerHour: 3}})
	now := t0
	a.Observe(incident(now, detect.IncidentOpen, func(in *detect.Incident) { in.Attack = detect.FlashCrowd }))
	ups, downs, n := 0, 0, 0
	run := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(10 * time.Second) {
			for _, r := range a.Tick(now) {
				if r.Verb == actions.ScaleUp {
					ups++
				}
				if r.Verb == actions.ScaleDown {
					downs++
				}
				n++
				a.Changed(actions.Decision{ID: fmt.Sprint(n), Verb: r.Verb, Target: r.Targets[0], State: actions.Applied, Created: now, Actor: actions.Auto})
			}
		}
	}
	run(9 * time.Minute)
	if ups != 1 {
		t.Errorf("%d scale-ups within the cool-down", ups)
	}
	run(50 * time.Minute)
	if ups != 3 || !strings.Contains(strings.Join(a.State().Why, "\n"), "scale_ups_per_hour is spent: 3 of 3") {
		t.Errorf("%d scale-ups in an hour, why %v", ups, a.State().Why)
	}
	a.Observe(incident(now, detect.IncidentClose, func(in *detect.Incident) { in.Attack = detect.FlashCrowd }))
	run(14 * time.Minute)
	if downs != 0 {
		t.Errorf("%d scale-downs before it was calm", downs)
	}
	run(time.Hour)
	if downs != ups {
		t.Errorf("%d scale-ups, %d scale-downs", ups, downs)
	}
}

func TestRollBackWhenUsualTrafficFalls(t *testing.T) {
	for _, c := range []struct {
		name        string
		shop, other float64 // share of usual rate left
		want        bool
	}{
		{"all is well", 1.1, 1, false},
		{"only what it acted on fell", 0.5, 1, true},
		{"everything fell: it is night, or the link", 0.5, 0.5, false},
		{"there is nothing to compare with", 0.5, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
			a.Observe(suspect(t0, 1, 188, 95), suspect(t0, 2, 188, 95))
			for i, tg := range a.Tick(t0)[0].Targets {
				a.Changed(actions.Decision{ID: fmt.Sprint(i), Verb: actions.Block, Target: tg, State: actions.Applied, Actor: actions.Auto,
					Created: t0, TTL: 10 * time.Minute, Expires: t0.Add(10 * time.Minute)})
			}
			var got []actions.Request
			now := t0
			for range 20 {
				now = now.Add(time.Second)
				services := []detect.Service{{Name: "shop", Traffic: detect.Traffic{Rate: 100 * c.shop, Baseline: 100}},
					{Name: "other", Traffic: detect.Traffic{Rate: 50 * c.other, Baseline: 50}}}
				if c.other == 0 {
					services = services[:1]
				}
				a.Watch(now, &detect.Snapshot{Services: services}, nil)
				got = append(got, a.Tick(now)...)
			}
			if rolled := verbs(got) == "unblock" && len(got[0].Targets) == 2; rolled != c.want {
				t.Errorf("asked for %q", verbs(got))
			}
			if !c.want {
				return
			}
			for i, tg := range got[0].Targets {
				a.Changed(actions.Decision{ID: fmt.Sprint(i), Verb: actions.Block, Target: tg, State: actions.Undone, Actor: actions.Auto})
			}
			a.Observe(suspect(now, 3, 188, 95))
			if rs := a.Tick(now); len(rs) != 0 {
				t.Errorf("it goes on at once: %s", verbs(rs))
			}
			now = now.Add(10 * time.Minute)
			a.Observe(suspect(now, 3, 188, 95))
			if rs := a.Tick(now); len(blocks(rs)) != 1 {
				t.Error("it rests for good")
			}
		})
	}
}

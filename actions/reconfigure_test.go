package actions_test

import (
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// TestANewLevelMovesWhatWaits: a level that is raised lets what was only
// suggested be done, and one that is lowered takes what was not asked for yet
// back.
func TestANewLevelMovesWhatWaits(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelSuggest})
	a.Observe(suspect(t0, 1, 188, 95), suspect(t0, 2, 90, 95))
	if got := a.Tick(t0); len(got) != 0 {
		t.Fatalf("at level suggest it asks for %v", got)
	}
	a.Reconfigure(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{BlocksPerMinute: 1}})
	if got := len(blocks(a.Tick(t0))); got != 1 {
		t.Fatalf("at level block with a budget of 1 it blocks %d", got)
	}
	a.Reconfigure(actions.AutoOptions{Level: actions.LevelObserve})
	later := t0.Add(90 * time.Second)
	a.Observe(suspect(later, 2, 90, 95))
	if got := a.Tick(later); len(got) != 0 {
		t.Fatalf("at level observe it asks for %v", got)
	}
	a.Reconfigure(actions.AutoOptions{Level: actions.LevelObserve, Services: map[string]actions.Level{"shop.example.com": actions.LevelBlock}})
	a.Observe(suspect(later, 2, 90, 95))
	if s := a.State(); s.Services["shop.example.com"] != actions.LevelBlock || s.Budget.BlocksPerMinute != 6000 {
		t.Errorf("the state says %+v", s)
	}
}

// TestANewPlaybookDoesNotRepeat: steps an incident had already are not taken
// again because their place in the playbook changed, and new ones are taken.
func TestANewPlaybookDoesNotRepeat(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Playbooks: actions.Playbooks{detect.LoginAbuse: {{Do: actions.Notify}}}})
	a.Observe(incident(t0, detect.IncidentOpen, func(in *detect.Incident) { in.Attack = detect.LoginAbuse }))
	if got := verbs(a.Tick(t0)); got != "notify" {
		t.Fatalf("at once: %s", got)
	}
	a.Reconfigure(actions.AutoOptions{Level: actions.LevelBlock, Playbooks: actions.Playbooks{detect.LoginAbuse: {{Do: actions.ScaleUp}, {Do: actions.Notify}}}})
	if got := verbs(a.Tick(t0.Add(time.Second))); got != "scale_up" {
		t.Errorf("with the new playbook: %s", got)
	}
}

// TestANewAllowListLifts: what is put on the allow list while levee runs is
// lifted at once and refused from then on, and nothing else is touched.
func TestANewAllowListLifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		ds := b.commit(block(ana, "203.0.113.7", "198.51.100.9"))
		settle()
		g, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: []actions.Rule{{Value: "203.0.113.0/24", From: "levee.yaml:3"}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.d.Reconfigure(actions.Settings{Guardrails: g, DryRun: true}); err != nil {
			t.Fatal(err)
		}
		settle()
		for _, d := range ds {
			allowed := d.Target.String() == "203.0.113.7"
			if got := b.get(d.ID); got.State.Active() == allowed || b.wall.holds(d.Target.Key()) == allowed {
				t.Errorf("%s is %s (%s); held: %v", d.Target, got.State, got.EndedBy, b.wall.holds(d.Target.Key()))
			}
		}
		if p := b.plan(block(ana, "203.0.113.8")); p.Token != "" {
			t.Error("what is allowed now may be blocked")
		}
		if d := b.commit(block(ana, "198.51.100.10"))[0]; !d.DryRun {
			t.Error("a dry run does things")
		}
	})
}

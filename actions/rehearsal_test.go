package actions_test

import (
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

func rehearse(t testing.TB, o actions.AutoOptions, g actions.GuardrailOptions) *actions.Rehearsal {
	t.Helper()
	rails, err := actions.NewGuardrails(g)
	if err != nil {
		t.Fatal(err)
	}
	return actions.NewRehearsal(o, rails, nil)
}

func TestRehearsalInLogTime(t *testing.T) {
	h := rehearse(t, actions.AutoOptions{Level: actions.LevelBlock}, actions.GuardrailOptions{Allow: []actions.Rule{{Value: "100.0.0.9"}}})
	var rows []actions.Row
	step := func(after time.Duration, evs ...detect.Event) []actions.Row {
		rows = h.Step(rows[:0], t0.Add(after), evs)
		return rows
	}
	if got := step(0, suspect(t0, 1, 188, 95), suspect(t0, 9, 500, 99)); len(got) != 1 || got[0].Verb != actions.Block ||
		got[0].Target.String() != "100.0.0.1" || got[0].TTL != 10*time.Minute || !got[0].Time.Equal(t0) || got[0].Service != "shop" {
		t.Fatalf("first: %+v", got)
	}
	// It goes on: renewed before its end, and not at every word of it.
	renewed := 0
	for m := 1; m <= 30; m++ {
		for _, r := range step(time.Duration(m)*time.Minute, suspect(t0.Add(time.Duration(m)*time.Minute), 1, 188, 95)) {
			if r.Verb != actions.Block {
				t.Fatalf("minute %d: %+v", m, r)
			}
			renewed++
		}
	}
	if renewed < 3 || renewed > 6 {
		t.Errorf("renewed %d times in 30 min", renewed)
	}
	// It stops, the TTL ends at its own moment, and a return doubles it.
	got := step(60 * time.Minute)
	if len(got) != 1 || got[0].Verb != actions.Unblock || !got[0].Time.Before(t0.Add(41*time.Minute)) {
		t.Fatalf("end: %+v", got)
	}
	if got := step(61*time.Minute, suspect(t0.Add(61*time.Minute), 1, 188, 95)); len(got) != 1 || got[0].TTL != 20*time.Minute {
		t.Errorf("return: %+v", got)
	}
}

// TestABotnetKeepsEveryBudget sends 100,000 sources for five minutes.
func TestABotnetKeepsEveryBudget(t *testing.T) {
	sources := atRace(100_000, 30_000)
	budget := actions.Budget{BlocksPerMinute: 6000, ActiveBlocks: 20000, UsualShare: 0.005, ScaleUpsPerHour: 4}
	h := rehearse(t, actions.AutoOptions{Level: actions.LevelBlock, Budget: budget, TTL: 2 * time.Minute}, actions.GuardrailOptions{})
	began := map[string]time.Time{}
	active := map[string]bool{}
	var minute []time.Time
	var rows []actions.Row
	ups, most := 0, 0
	for s := range 300 {
		now := t0.Add(time.Duration(s) * time.Second)
		var evs []detect.Event
		if s%60 == 0 {
			kind := detect.IncidentChange
			if s == 0 {
				kind = detect.IncidentOpen
			}
			evs = append(evs, incident(now, kind, nil))
		}
		for n := s % 60; n < sources; n += 60 { // each source once a minute
			ev := suspect(now, n, 1+float64(n%7), 80)
			ev.Suspect.UsualShare = 1e-7 * float64(n%3)
			evs = append(evs, ev)
		}
		rows = h.Step(rows[:0], now, evs)
		for _, r := range rows {
			key := r.Target.String()
			switch r.Verb {
			case actions.Block:
				if !active[key] {
					minute = append(minute, r.Time)
					began[key] = r.Time
				}
				active[key] = true
			case actions.Unblock:
				delete(active, key)
			case actions.ScaleUp:
				ups++
			}
		}
		for len(minute) > 0 && now.Sub(minute[0]) >= time.Minute {
			minute = minute[1:]
		}
		if len(minute) > budget.BlocksPerMinute {
			t.Fatalf("second %d: %d blocks in a minute", s, len(minute))
		}
		if most = max(most, len(active)); most > budget.ActiveBlocks {
			t.Fatalf("second %d: %d in force", s, most)
		}
		if u := h.Auto.State().Used; u.UsualShare > budget.UsualShare || u.ActiveBlocks != len(active) {
			t.Fatalf("second %d: %+v, %d in force", s, u, len(active))
		}
	}
	if ups == 0 || ups > budget.ScaleUpsPerHour || most < 10000 {
		t.Errorf("%d scale-ups, at most %d blocks in force", ups, most)
	}
}

func BenchmarkBotnetVerdicts(b *testing.B) {
	h := rehearse(b, actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{BlocksPerMinute: 1 << 30, ActiveBlocks: 1 << 30}}, actions.GuardrailOptions{})
	evs := make([]detect.Event, b.N)
	for i := range evs {
		evs[i] = suspect(t0, i%(1<<24), 10, 80)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var rows []actions.Row
	for i := range evs {
		rows = h.Step(rows[:0], t0, evs[i:i+1])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verdicts/s")
}

package actions_test

import (
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// TestASignatureIsRenewedOnceATTL rehearses an attack of 90 minutes that is
// throttled and hardened, with a second incident of the same signature.
func TestASignatureIsRenewedOnceATTL(t *testing.T) {
	h := rehearse(t, actions.AutoOptions{Level: actions.LevelBlock, Playbooks: actions.Playbooks{
		detect.DistributedFlood: {{Do: actions.Throttle}, {Do: actions.Harden, After: 30 * time.Second}}}}, actions.GuardrailOptions{})
	last := map[actions.Verb]time.Time{}
	count := map[actions.Verb]int{}
	var rows []actions.Row
	for s := range 90 * 60 {
		now := t0.Add(time.Duration(s) * time.Second)
		var evs []detect.Event
		if s == 0 {
			evs = append(evs, incident(now, detect.IncidentOpen, nil),
				incident(now, detect.IncidentOpen, func(in *detect.Incident) { in.ID = "i-2" }))
		}
		rows = h.Step(rows[:0], now, evs)
		for _, r := range rows {
			if r.Verb == actions.Unblock {
				t.Fatalf("%s: it ended while it was needed", now.Sub(t0))
			}
			if at, ok := last[r.Verb]; ok && now.Sub(at) < r.TTL-2*time.Minute {
				t.Errorf("%s: %s again after %s", now.Sub(t0), r.Verb, now.Sub(at))
			}
			last[r.Verb] = now
			count[r.Verb]++
		}
	}
	for _, v := range []actions.Verb{actions.Throttle, actions.Harden} {
		if count[v] < 9 || count[v] > 10 {
			t.Errorf("%s: %d rows in nine TTLs", v, count[v])
		}
	}
}

package detect

import "fmt"

// incidentEvidence says why an incident is what it is called.
func (e *Engine) incidentEvidence(in *incident) []Evidence {
	usual := "none are"
	if in.Baseline >= 0.05 {
		usual = fmt.Sprintf("%.1f are", in.Baseline)
	}
	ev := []Evidence{{Signal: "excess", Text: fmt.Sprintf("%.0f requests/s where %s usual", in.Rate, usual), Points: 30}}
	k := &in.crowd
	if !in.abuse {
		ev = append(ev, Evidence{Signal: "signature", Text: fmt.Sprintf("the signature covers %.0f%% of the excess and %.1f%% of the usual traffic", 100*in.Excess, 100*in.Collateral), Points: 30})
		ev = append(ev, Evidence{Signal: "conduct", Text: fmt.Sprintf("%.0f%% of its clients behave like people, %.0f%% were seen before", 100*k.people, 100*k.known), Points: 20})
		if k.random >= 0.5 {
			ev = append(ev, Evidence{Signal: "random_query", Text: fmt.Sprintf("%.0f%% of the queries are random", 100*k.random), Points: 15})
		}
		if k.fails >= 0.5 {
			ev = append(ev, Evidence{Signal: "login_failures", Text: fmt.Sprintf("%.0f%% of the requests are refused logins", 100*k.fails), Points: 20})
		}
	}
	if in.Attack == LoginAbuse {
		if a, ok := e.accountEvidence(in.service); ok {
			ev = append(ev, a)
		}
	}
	if in.Attack.Hostile() && !in.abuse && !in.throttles() {
		ev = append(ev, Evidence{Signal: "costly", Text: in.whyNoThrottle(), Points: 5})
	}
	sources := fmt.Sprintf("about %d sources", in.Sources)
	if in.Sources == 1 {
		sources = "1 source"
	}
	if in.Enrolled > 0 {
		sources += fmt.Sprintf(", %d worth a block", in.Enrolled)
	}
	ev = append(ev, Evidence{Signal: "sources", Text: sources, Points: 5})
	return ev
}

// whyNoThrottle says in words why a throttle of the signature is not recommended.
func (in *Incident) whyNoThrottle() string {
	switch {
	case in.Collateral > costly:
		return fmt.Sprintf("throttling the signature would reach %.1f%% of the usual traffic: harden the service instead", 100*in.Collateral)
	case in.Untried:
		return "most of it asks what nobody asked before, so whom a throttle would hit can't be told: harden the service instead"
	}
	return fmt.Sprintf("by %d samples, throttling the signature may reach %.1f%% of the usual traffic: harden the service instead", in.UsualOf, 100*in.CollateralMost())
}

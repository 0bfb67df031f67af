package detect

import (
	"fmt"
	"sort"
)

// Signals, by number.
const (
	sigRate uint8 = iota
	sigOnePath
	sigNoAssets
	sigNoReferer
	sigTool
	sigAgents
	sigRandom
	sigOddMethod
	sigErrors
	sigNew
	sigLogins
	sigNothingElse
	sigMissing
	sigProbes
	sigGarbage
	sigSlow
	sigMixed
	sigCrawler
	sigAssets
	sigMachine
	sigHabit
	sigMember
	sigMatch
	sigPrefix
	sigFalseCrawler
	sigAttackTool
	sigPretends
	sigOnlyProbes
	sigAmong
	sigLetIn
)

var signalNames = [...]string{"rate", "one_path", "no_assets", "no_referer", "tool_agent", "agent_churn", "random_query", "odd_method", "errors", "new",
	"login_failures", "nothing_else", "missing_paths", "probes", "garbage", "slow", "many_people", "verified_crawler", "assets", "machine_route", "habit", "incident", "signature", "prefix", "false_crawler", "attack_tool", "no_browser", "only_probes", "among_others", "let_in"}

// say turns a proof into words.
func (p *proof) say() Evidence {
	ev := Evidence{Signal: signalNames[p.signal], Points: float64(p.points)}
	a, b := float64(p.a), float64(p.b)
	switch p.signal {
	case sigRate:
		if b > 0 {
			ev.Text = fmt.Sprintf("%.0f requests/s, its peers make %.1f/s at most", a, b)
		} else {
			ev.Text = fmt.Sprintf("%.0f requests/s", a)
		}
	case sigOnePath:
		if b > 0 {
			ev.Text = fmt.Sprintf("asks only %.0f different routes", b)
		} else {
			ev.Text = fmt.Sprintf("%.0f%% of its requests ask the same path", 100*a)
		}
	case sigPretends:
		ev.Text = fmt.Sprintf("%.0f pages within two minutes and not one style, script or image: no browser does that", a)
	case sigNoAssets:
		ev.Text = fmt.Sprintf("%.0f pages and not one style, script or image", a)
	case sigNoReferer:
		ev.Text = "never follows a link: no referer"
	case sigTool:
		ev.Text = "its user agent is a program's or missing"
	case sigAgents:
		ev.Text = fmt.Sprintf("%.0f different user agents without one asset", a)
	case sigRandom:
		ev.Text = fmt.Sprintf("%.0f%% of its queries are random", 100*a)
	case sigOddMethod:
		ev.Text = fmt.Sprintf("%.0f%% of its requests are neither GET nor POST", 100*a)
	case sigErrors:
		ev.Text = fmt.Sprintf("%.0f%% of its requests are refused", 100*a)
	case sigNew:
		ev.Text = fmt.Sprintf("first seen %.0f s ago", a)
	case sigLogins:
		ev.Text = fmt.Sprintf("%.0f refused logins", a)
	case sigNothingElse:
		ev.Text = fmt.Sprintf("asks nothing but logins (%.0f others)", max(b, 0))
	case sigMissing:
		ev.Text = fmt.Sprintf("%.0f different paths that do not exist, %.0f%% of its requests", a, 100*b)
	case sigProbes:
		ev.Text = fmt.Sprintf("%.0f requests for paths that scanners try everywhere", a)
	case sigGarbage:
		ev.Text = fmt.Sprintf("%.0f unreadable request lines", a)
	case sigOnlyProbes:
		ev.Text = fmt.Sprintf("asks nothing but what is not there (%.0f others)", a)
	case sigAmong:
		ev.Text = "others scan this service at the same time"
	case sigLetIn:
		ev.Text = fmt.Sprintf("says who it is when asked, and is let in (%.0f times)", a)
	case sigSlow:
		ev.Text = fmt.Sprintf("%.0f requests that never finish, %.0f%% of all it makes", a, 100*b)
	case sigMixed:
		ev.Text = fmt.Sprintf("many people behind one address: %.0f user agents, %.0f paths", a, b)
	case sigCrawler:
		ev.Text = "a verified crawler"
	case sigFalseCrawler:
		ev.Text = "claims to be a crawler, but its address says otherwise"
	case sigAttackTool:
		ev.Text = "its user agent names a program made to scan"
	case sigAssets:
		ev.Text = fmt.Sprintf("fetches assets as a browser does (%.0f)", a)
	case sigMachine:
		ev.Text = "asks routes made for programs and is answered"
	case sigHabit:
		ev.Text = fmt.Sprintf("has made %.1f requests/s since it was first seen", a)
	case sigMember:
		ev.Text = fmt.Sprintf("%.0f of %.0f requests match the incident's signature", a, b)
	case sigMatch:
		ev.Text = fmt.Sprintf("the signature covers %.0f%% of the excess and %.1f%% of the usual traffic", 100*a, 100*b)
	case sigPrefix:
		ev.Text = fmt.Sprintf("%.0f active addresses, %.0f%% of them behave alike", a, 100*b)
	}
	return ev
}

// say turns the proofs into evidence, strongest first.
func (p *proofs) say() []Evidence {
	out := make([]Evidence, 0, p.n)
	for i := range p.list[:p.n] {
		out = append(out, p.list[i].say())
	}
	sort.SliceStable(out, func(i, j int) bool { return abs(out[i].Points) > abs(out[j].Points) })
	return out
}

func abs(x float64) float64 { return max(x, -x) }

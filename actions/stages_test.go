package actions_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// ruled is a bench whose rules can begin to hold at any moment.
type ruled struct {
	*bench
	operators []netip.Addr
	facts     detect.Facts
}

func newRuled(t *testing.T, budget actions.Budget) *ruled {
	x := &ruled{}
	x.bench = newBench(t, func(o *actions.Options) {
		o.Budget = budget
		o.Operators = func() []netip.Addr { return x.operators }
		o.Facts = func(netip.Addr) detect.Facts { return x.facts }
		g, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: []actions.Rule{
			{Value: "asn:64500", From: "levee.yaml:13"}, {Value: "verified-crawlers", From: "levee.yaml:14"}}})
		if err != nil {
			t.Fatal(err)
		}
		o.Guardrails = g
	})
	return x
}

// guard is a change of levee.yaml while it runs.
func guard(o actions.GuardrailOptions) func(x *ruled) {
	return func(x *ruled) {
		g, err := actions.NewGuardrails(o)
		if err == nil {
			err = x.d.Reconfigure(actions.Settings{Guardrails: g})
		}
		if err != nil {
			x.t.Fatal(err)
		}
	}
}

// then has a person act.
func then(v actions.Verb, targets ...string) func(x *ruled) {
	return func(x *ruled) {
		r := block(cy, targets...)
		r.Verb = v
		x.commit(r)
	}
}

// TestEveryRuleHoldsAtEveryStage: each guardrail, for whom it binds, refuses
// the plan; a plan made before the rule held, when it is committed; and a
// decision made before it held, when it is about to be sent. Every refusal says
// the rule, its value and how to proceed. Confirmation (typed, a second person,
// break-glass) is in TestConfirmationGrowsWithTheAct, a renewed, doubled and
// forgotten TTL in TestReturnDoublesTheTTL, the dry run in TestDryRunSendsNothing.
func TestEveryRuleHoldsAtEveryStage(t *testing.T) {
	const (
		plan = 1 << iota
		commit
		send
	)
	const who, it = "198.51.100.23", "198.51.100.23/32"
	rule := func(v, from string) []actions.Rule { return []actions.Rule{{Value: v, From: from}} }
	people, auto, both := []actions.Actor{ana}, []actions.Actor{actions.Auto}, []actions.Actor{ana, actions.Auto}
	for _, c := range []struct {
		name        string
		bind        []actions.Actor
		holds       func(x *ruled)
		at          int
		rule        string
		value, mend string
		target      string         // default: one address
		verb        actions.Verb   // default: block
		usual       float64        // share of usual traffic it is seen to carry
		budget      actions.Budget // default: the defaults
	}{
		{name: "allow list, address", bind: both, holds: guard(actions.GuardrailOptions{Allow: rule(who, "levee.yaml:11")}),
			at: plan | commit | send, rule: "allow_list", value: "198.51.100.23 is on the allow list (levee.yaml:11)", mend: "take it off the allow list first"},
		{name: "allow list, prefix", bind: both, holds: guard(actions.GuardrailOptions{Allow: rule("198.51.100.0/24", "levee.yaml:12")}),
			at: plan | commit | send, rule: "allow_list", value: "198.51.100.0/24 is on the allow list (levee.yaml:12)", mend: "take it off the allow list first"},
		{name: "allow list, network", bind: both, holds: func(x *ruled) { x.facts.ASN = 64500 },
			at: plan | commit | send, rule: "allow_list", value: "levee.yaml:13", mend: "take it off the allow list first"},
		{name: "allow list, verified crawler", bind: both, holds: func(x *ruled) { x.facts.Crawler = detect.CrawlerVerified },
			at: plan | commit | send, rule: "allow_list", value: "search engine's", mend: "take verified-crawlers off"},
		{name: "allowed by a person", bind: both, holds: then(actions.Allow, "198.51.100.16/28"),
			at: plan | commit, rule: "allow_list", value: "198.51.100.16/28 was allowed by cy (d-", mend: "undo that first: levee unblock --decision"},
		{name: "trusted proxy", bind: both, holds: guard(actions.GuardrailOptions{Proxies: rule("198.51.100.0/24", "levee.yaml:5")}),
			at: plan | commit | send, rule: "trusted_proxy", value: "levee.yaml:5", mend: "block the clients behind it"},
		{name: "own range", bind: both, holds: guard(actions.GuardrailOptions{Own: []netip.Prefix{netip.MustParsePrefix("198.51.100.16/28")}}),
			at: plan | commit | send, rule: "own_range", value: "198.51.100.16/28 is this host's own", mend: "levee never blocks its own host"},
		{name: "where an operator is connected from", bind: both, holds: func(x *ruled) { x.operators = []netip.Addr{netip.MustParseAddr("::ffff:" + who)} },
			at: plan | commit | send, rule: "own_address", value: who + " is where an operator is connected from", mend: "act when they have left"},
		{name: "over 2% of usual traffic", bind: people, holds: func(x *ruled) {
			x.traffic.mu.Lock()
			defer x.traffic.mu.Unlock()
			x.traffic.seen[netip.MustParsePrefix(it)] = detect.Suspect{LongKnown: true, UsualShare: 0.021, MayAct: true}
		}, at: plan | send, rule: "heavy_usual", value: "2.1% of usual traffic for days, the limit is 2.0%", mend: "throttle a signature, or call its owner"},
		{name: "wider than /24", bind: both, target: "198.51.100.0/23", at: plan, rule: "too_wide", value: "198.51.100.0/23 is wider than /24", mend: "block several /24"},
		{name: "wider than /48", bind: both, target: "2001:db8::/47", at: plan, rule: "too_wide", value: "2001:db8::/47 is wider than /48", mend: "block several /48"},
		{name: "wider than allowed by now", bind: both, target: "198.51.100.0/24", holds: guard(actions.GuardrailOptions{WidestV4: 26}),
			at: plan | commit | send, rule: "too_wide", value: "198.51.100.0/24 is wider than /26", mend: "block several /26"},
		{name: "blocks a minute", bind: both, holds: then(actions.Block, "203.0.113.5"), budget: actions.Budget{BlocksPerMinute: 1},
			at: plan | commit, rule: "budget", value: "blocks_per_minute is spent: 1 of 1", mend: "wait, undo some, or raise auto.budget.blocks_per_minute"},
		{name: "active blocks", bind: both, holds: then(actions.Block, "203.0.113.5"), budget: actions.Budget{ActiveBlocks: 1},
			at: plan | commit, rule: "budget", value: "active_blocks is spent: 1 of 1", mend: "wait, undo some, or raise auto.budget.active_blocks"},
		{name: "share of usual traffic", bind: auto, usual: 0.004, holds: func(x *ruled) {
			r := block(actions.Auto, "203.0.113.5")
			r.Seen = []detect.Suspect{{MayAct: true, UsualShare: 0.002}}
			x.commit(r)
		}, at: plan | commit, rule: "budget", value: "usual_share is spent: 0.20% of 0.50%", mend: "raise auto.budget.usual_share"},
		{name: "scale-ups an hour", bind: auto, verb: actions.ScaleUp, budget: actions.Budget{ScaleUpsPerHour: 1}, holds: func(x *ruled) {
			x.commit(actions.Request{Verb: actions.ScaleUp, Targets: []actions.Target{{Service: "other"}}, Actor: cy})
		}, at: plan | commit, rule: "budget", value: "scale_ups_per_hour is spent: 1 of 1", mend: "raise auto.budget.scale_ups_per_hour"},
		{name: "unblocked by a person", bind: auto, holds: func(x *ruled) { then(actions.Block, who)(x); settle(); then(actions.Unblock, who)(x); settle() },
			at: plan | commit, rule: "exempt", value: "a person unblocked it; auto mode leaves it alone until 01:00:0", mend: "block it yourself"},
		{name: "somebody holds it already", bind: people, holds: then(actions.Block, who), at: plan | commit, rule: "duplicate", value: who + ": block by cy since", mend: "unblock " + who + " first"},
		{name: "stale data", bind: auto, holds: func(x *ruled) { x.traffic.setAge(31 * time.Second) },
			at: plan | commit, rule: "stale", value: "the data is 31s old, the limit is 30s", mend: "look at the sources; what stands is kept"},
		{name: "stopped", bind: auto, holds: func(x *ruled) { check(x.t, x.d.Disarm(context.Background(), cy)) },
			at: plan | commit | send, rule: "disarmed", value: "stopped by cy", mend: "arm it again"},
		{name: "auto mode off", bind: auto, holds: func(x *ruled) { check(x.t, x.d.SetAuto(context.Background(), false, cy)) },
			at: plan | commit, rule: "disarmed", value: "auto mode is off", mend: "switch it on"},
	} {
		set := func(s *string, d string) {
			if *s == "" {
				*s = d
			}
		}
		set(&c.target, who)
		set((*string)(&c.verb), string(actions.Block))
		for stage, name := range map[int]string{plan: "plan", commit: "commit", send: "send"} {
			for _, a := range c.bind {
				if c.at&stage == 0 {
					continue
				}
				t.Run(c.name+"/"+a.Name+"/"+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						x := newRuled(t, c.budget)
						defer func() { x.stop() }()
						r := block(a, c.target)
						r.Verb = c.verb
						if c.verb == actions.ScaleUp {
							r.Targets = []actions.Target{{Service: "shop"}}
						}
						if a.Via == actions.Auto.Via {
							r.Seen = []detect.Suspect{{MayAct: true, UsualShare: c.usual}}
						}
						x.wall.everything = true
						says := func(no actions.Refusal) {
							t.Helper()
							if no.Rule != c.rule || !strings.Contains(no.Value, c.value) || !strings.Contains(no.Mend, c.mend) {
								t.Errorf("refused with %q, want %s, %q, %q", no, c.rule, c.value, c.mend)
							}
						}
						if stage == plan {
							if c.holds != nil {
								c.holds(x)
							}
							p := x.plan(r)
							if p.Token != "" || len(p.Refusals) != 1 {
								t.Fatalf("not refused: %+v", p.Refusals)
							}
							says(p.Refusals[0])
							return
						}
						if stage == send {
							x.wall.pause()
							x.commit(block(ana, "203.0.113.1")) // keeps the enforcer busy
							settle()
						}
						p := x.plan(r)
						if p.Token == "" {
							t.Fatalf("refused before the rule held: %v", p.Refusals)
						}
						if stage == commit {
							c.holds(x)
							_, err := x.d.Commit(context.Background(), p.Token, a, actions.Answer{Typed: p.Type})
							var refused *actions.RefusedError
							if !errors.As(err, &refused) {
								t.Fatalf("committed: %v", err)
							}
							says(refused.Refusals[0])
							return
						}
						ds, err := x.d.Commit(context.Background(), p.Token, a, actions.Answer{Typed: p.Type})
						check(t, err)
						c.holds(x)
						x.wall.resume()
						settle()
						got := x.get(ds[0].ID)
						if x.wall.holds(ds[0].Target.Key()) || got.State != actions.Undone {
							t.Errorf("it was sent: %s", got.State)
						}
						if !strings.Contains(got.EndedBy, c.value) || c.rule != "disarmed" && (!strings.HasPrefix(got.EndedBy, c.rule+": ") || !strings.Contains(got.EndedBy, c.mend)) {
							t.Errorf("ended by %q", got.EndedBy)
						}
					})
				})
			}
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

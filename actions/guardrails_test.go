package actions_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

func guarded(o *actions.Options) {
	g, err := actions.NewGuardrails(actions.GuardrailOptions{
		Allow: []actions.Rule{{Value: "192.0.2.0/24", From: "levee.yaml:12"}, {Value: "203.0.113.77"},
			{Value: "asn:64500", From: "levee.yaml:13"}, {Value: "verified-crawlers", From: "levee.yaml:14"}},
		Proxies: []actions.Rule{{Value: "198.18.0.0/15", From: "levee.yaml:5"}},
		Own:     []netip.Prefix{netip.MustParsePrefix("203.0.113.1/32")},
	})
	if err != nil {
		panic(err)
	}
	o.Guardrails = g
	o.Operators = func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("203.0.113.200")} }
	o.Facts = func(a netip.Addr) detect.Facts {
		switch a.String() {
		case "66.249.66.1":
			return detect.Facts{Crawler: detect.CrawlerVerified}
		case "66.249.66.2":
			return detect.Facts{Crawler: detect.CrawlerFalse}
		case "100.64.0.1":
			return detect.Facts{ASN: 64500}
		}
		return detect.Facts{}
	}
}

func TestGuardrailsHoldForPeopleAndAutoAlike(t *testing.T) {
	dee := ana
	dee.Addr = netip.MustParseAddr("::ffff:198.51.100.9")
	for _, c := range []struct {
		name, target string
		seen         detect.Suspect
		actor        actions.Actor
		rule, value  string // "" passes
	}{
		{name: "an address of nobody", target: "198.51.100.23"},
		{name: "allowed prefix", target: "192.0.2.7", rule: "allow_list", value: "levee.yaml:12"},
		{name: "allowed address inside the target", target: "203.0.113.0/24", rule: "allow_list", value: "203.0.113.77"},
		{name: "allowed address, written as 4-in-6", target: "::ffff:192.0.2.7", rule: "allow_list", value: "levee.yaml:12"},
		{name: "allowed network by what the detector knows", target: "198.51.100.24", seen: detect.Suspect{ASN: 64500}, rule: "allow_list", value: "levee.yaml:13"},
		{name: "allowed network by what was looked up", target: "100.64.0.1", rule: "allow_list", value: "asn:64500"},
		{name: "verified crawler", target: "66.249.66.1", rule: "allow_list", value: "levee.yaml:14"},
		{name: "false crawler", target: "66.249.66.2"},
		{name: "trusted proxy", target: "198.18.4.4", rule: "trusted_proxy", value: "levee.yaml:5"},
		{name: "loopback", target: "127.0.0.1", rule: "own_range", value: "127.0.0.0/8"},
		{name: "link-local", target: "fe80::1", rule: "own_range", value: "fe80::/10"},
		{name: "an interface's", target: "203.0.113.1", rule: "own_range", value: "this host's own"},
		{name: "a prefix with an interface's", target: "203.0.113.0/30", rule: "own_range", value: "this host's own"},
		{name: "everything", target: "0.0.0.0/0", rule: "allow_list"},
		{name: "the actor's own", target: "198.51.100.0/28", actor: dee, rule: "own_address", value: "198.51.100.9"},
		{name: "another operator's", target: "203.0.113.200", rule: "own_address", value: "203.0.113.200"},
		{name: "wider than /24", target: "198.51.100.0/23", rule: "too_wide", value: "/24"},
		{name: "a /24", target: "198.51.100.0/24"},
		{name: "wider than /48", target: "2001:db8::/47", rule: "too_wide", value: "/48"},
		{name: "a /48", target: "2001:db8::/48"},
		{name: "heavy and long known", target: "198.51.100.30", seen: detect.Suspect{UsualShare: 0.03, LongKnown: true}, rule: "heavy_usual", value: "3.0%"},
		{name: "heavy since a minute ago", target: "198.51.100.31", seen: detect.Suspect{UsualShare: 0.0049}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, guarded)
				defer b.stop()
				c.seen.MayAct = true
				person := c.actor
				if person.Name == "" {
					person = ana
				}
				actors := []actions.Actor{person, actions.Auto}
				if c.actor.Name != "" {
					actors = actors[:1]
				}
				for _, a := range actors {
					r := block(a, c.target)
					r.Seen = []detect.Suspect{c.seen}
					p := b.plan(r)
					if c.rule == "" {
						if p.Token == "" {
							t.Errorf("%s: %v", a.Name, p.Refusals)
						}
						continue
					}
					if len(p.Refusals) != 1 || p.Token != "" {
						t.Fatalf("%s: not refused", a.Name)
					}
					no := p.Refusals[0]
					if no.Rule != c.rule || !strings.Contains(no.Value, c.value) || no.Mend == "" {
						t.Errorf("%s: %v, want %s with %q", a.Name, no, c.rule, c.value)
					}
				}
			})
		})
	}
}

func TestRulesThatCantBeRead(t *testing.T) {
	for _, v := range []string{"", "192.0.2.0/33", "example.com", "asn:", "asn:x", "asn:4294967296", "fe80::1%eth0", "192.0.2.1/"} {
		if _, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: []actions.Rule{{Value: v}}}); err == nil {
			t.Errorf("%q was read", v)
		}
	}
}

func TestAutoMayNotActOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		r := block(actions.Auto, "198.51.100.23")
		r.Seen = []detect.Suspect{{MayAct: false}}
		if p := b.plan(r); p.Token != "" || p.Refusals[0].Rule != "may_act" {
			t.Errorf("a source that can't be trusted: %v", p.Refusals)
		}
		r.Seen[0].MayAct = true
		for _, age := range []time.Duration{-1, 31 * time.Second} {
			b.traffic.setAge(age)
			if p := b.plan(r); p.Token != "" || p.Refusals[0].Rule != "stale" {
				t.Errorf("data of age %v: %v", age, p.Refusals)
			}
		}
		if p := b.plan(block(ana, "198.51.100.23")); p.Token == "" {
			t.Errorf("people may act on what they know: %v", p.Refusals)
		}
		b.traffic.setAge(0)
		r.Targets, r.Seen = targets("198.51.100.1", "198.51.100.2"), []detect.Suspect{{MayAct: true, UsualShare: 0.004}, {MayAct: true, UsualShare: 0.002}}
		if p := b.plan(r); len(p.Request.Targets) != 1 || len(p.Refusals) != 1 || p.Refusals[0].Rule != "budget" ||
			!strings.Contains(p.Refusals[0].Value, "usual_share is spent: 0.40% of 0.50%") {
			t.Errorf("usual share: %v", p.Refusals)
		}
	})
}

func TestConfirmationGrowsWithTheAct(t *testing.T) {
	many := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf("198.51.%d.%d", i/250, i%250+1))
		}
		return out
	}
	for _, c := range []struct {
		targets int
		usual   float64
		want    actions.Confirmation
	}{
		{1, 0, actions.ConfirmKey},
		{50, 0, actions.ConfirmKey},
		{51, 0, actions.ConfirmTyped},
		{1, 0.01, actions.ConfirmTyped},
		{1000, 0, actions.ConfirmTyped},
		{1001, 0, actions.ConfirmTwo},
		{1, 0.05, actions.ConfirmTwo},
	} {
		t.Run(fmt.Sprintf("%d targets, %.0f%% of usual traffic", c.targets, 100*c.usual), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				defer b.stop()
				r := block(ana, many(c.targets)...)
				r.Seen = make([]detect.Suspect, c.targets)
				r.Seen[0].UsualShare = c.usual
				p := b.plan(r)
				if p.Needs != c.want || p.Impact.Targets != c.targets {
					t.Fatalf("needs %s for %d, want %s", p.Needs, p.Impact.Targets, c.want)
				}
				commit := func(a actions.Answer) error {
					_, err := b.d.Commit(context.Background(), p.Token, ana, a)
					return err
				}
				switch c.want {
				case actions.ConfirmTyped:
					if err := commit(actions.Answer{Typed: "yes"}); !errors.Is(err, actions.ErrUnconfirmed) {
						t.Errorf("without the words: %v", err)
					}
					if err := commit(actions.Answer{Typed: p.Type}); err != nil {
						t.Error(err)
					}
				case actions.ConfirmTwo:
					for _, second := range []*actions.Actor{nil, &ana, &bo, &actions.Auto} {
						if err := commit(actions.Answer{Typed: p.Type, Second: second}); !errors.Is(err, actions.ErrUnconfirmed) {
							t.Errorf("second person %v: %v", second, err)
						}
					}
					if c.targets > 1 {
						if err := commit(actions.Answer{Second: &cy}); err != nil {
							t.Error(err)
						}
						return
					}
					if err := commit(actions.Answer{BreakGlass: true}); err != nil {
						t.Error(err)
					}
					rows, err := b.ledger.Audit(context.Background(), 0, 10)
					if err != nil || !strings.Contains(string(rows[0].Body), `"break_glass":true`) {
						t.Errorf("break-glass is not in the audit: %v", err)
					}
					if !noticed(b, "BREAK GLASS") {
						t.Error("break-glass made no noise")
					}
				default:
					if err := commit(actions.Answer{}); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func noticed(b *bench, text string) bool {
	for _, n := range b.d.Notices(0) {
		if strings.Contains(n.Text, text) {
			return true
		}
	}
	return false
}

func TestBudgetsHoldForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *actions.Options) { o.Budget = actions.Budget{BlocksPerMinute: 3, ActiveBlocks: 5} })
		defer b.stop()
		p := b.plan(block(ana, "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"))
		if len(p.Request.Targets) != 3 || p.Refusals[0].Rule != "budget" || !strings.Contains(p.Refusals[0].Value, "blocks_per_minute is spent: 3 of 3") {
			t.Fatalf("%v", p.Refusals)
		}
		// Two plans fit one by one; only what the budget bears is committed.
		q := b.plan(block(cy, "198.51.100.5", "198.51.100.6"))
		if _, err := b.d.Commit(context.Background(), p.Token, ana, actions.Answer{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Commit(context.Background(), q.Token, cy, actions.Answer{}); err == nil {
			t.Error("the second plan spent what the first had spent")
		}
		time.Sleep(time.Minute)
		if ds := b.commit(block(cy, "198.51.100.5", "198.51.100.6", "198.51.100.7")); len(ds) != 2 {
			t.Errorf("%d blocks, want 2: only 5 may be in force", len(ds))
		}
	})
}

// TestFewSamplesSayLittle: what may be 1 % or 5 % of usual traffic by what is
// known of it is confirmed as if it were.
func TestFewSamplesSayLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		now := time.Now()
		old, young := detect.Suspect{First: now.Add(-time.Hour)}, detect.Suspect{First: now.Add(-time.Minute)}
		sig := &detect.Signature{Path: "/login"}
		for _, c := range []struct {
			name string
			of   int
			seen detect.Suspect
			t    actions.Target
			want actions.Confirmation
			most string
		}{
			{"none of 4096", 4096, old, targets("198.51.100.1")[0], actions.ConfirmKey, "0.09%"},
			{"none of 300", 300, old, targets("198.51.100.1")[0], actions.ConfirmTyped, "1.26%"},
			{"none of 300, of whom nobody knows", 300, detect.Suspect{}, targets("198.51.100.1")[0], actions.ConfirmTyped, "1.26%"},
			{"none of 300, who came a minute ago", 300, young, targets("198.51.100.1")[0], actions.ConfirmKey, "0.00%"},
			{"none of 300, an IPv6 client who came a minute ago", 300, young, targets("2001:db8::/64")[0], actions.ConfirmKey, "0.00%"},
			{"none of 300, whose prefix was first seen a minute ago", 300, young, targets("198.51.100.0/27")[0], actions.ConfirmTyped, "1.26%"},
			{"4 % of 300", 300, detect.Suspect{UsualShare: 0.04}, targets("198.51.100.1")[0], actions.ConfirmTwo, "6.86%"},
			{"nothing is known yet", 0, old, targets("198.51.100.1")[0], actions.ConfirmKey, "0.00%"},
			{"a signature that none of 60 match", 4096, young, actions.Target{Service: "shop", Signature: sig}, actions.ConfirmTwo, "6.02%"},
		} {
			b.traffic.mu.Lock()
			b.traffic.snap = &detect.Snapshot{Now: now, UsualOf: c.of, Incidents: []detect.Incident{{Service: "shop", Signature: *sig, UsualOf: 60}}}
			b.traffic.mu.Unlock()
			r := actions.Request{Verb: actions.Throttle, Targets: []actions.Target{c.t}, Seen: []detect.Suspect{c.seen}, Actor: ana}
			p := b.plan(r)
			if got := fmt.Sprintf("%.2f%%", 100*p.Impact.UsualMost); p.Needs != c.want || got != c.most || p.Impact.UsualNone != (c.of == 0) {
				t.Errorf("%s: needs %s, at most %s; want %s, %s", c.name, p.Needs, got, c.want, c.most)
			}
		}
	})
}

// TestAutoModeLeavesUsualClientsAlone: a prefix with one in it, and a signature
// of which too little is known, whoever asks auto mode's dispatcher for it.
func TestAutoModeLeavesUsualClientsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		sig := &detect.Signature{Path: "/login"}
		b.traffic.show(detect.Traffic{}, detect.Incident{Service: "shop", Signature: *sig, UsualOf: 60})
		for _, c := range []struct {
			verb  actions.Verb
			t     actions.Target
			n     int
			rule  string
			value string
		}{
			{actions.Block, targets("198.51.100.0/24")[0], 12, "usual_clients", "12 usual clients are in 198.51.100.0/24"},
			{actions.Block, targets("198.51.100.0/24")[0], 1, "usual_clients", "a usual client is in 198.51.100.0/24"},
			{actions.Block, targets("198.51.100.0/24")[0], 0, "", ""},
			{actions.Throttle, actions.Target{Service: "shop", Signature: sig}, 0, "heavy_usual", "the signature on shop touches 0.0% of usual traffic, by 60 samples, which may be 6.0%; the limit is 5.0%"},
		} {
			for _, actor := range []actions.Actor{actions.Auto, ana} {
				p := b.plan(actions.Request{Verb: c.verb, Targets: []actions.Target{c.t}, Actor: actor, Seen: []detect.Suspect{{MayAct: true, UsualClients: c.n}}})
				switch {
				case actor.Name == "ana" || c.rule == "":
					if p.Token == "" || p.Impact.Clients != c.n {
						t.Errorf("%s of %s by %s: %v, %+v", c.verb, c.t, actor.Name, p.Refusals, p.Impact)
					}
				case len(p.Refusals) != 1 || p.Refusals[0].Rule != c.rule || p.Refusals[0].Value != c.value || p.Refusals[0].Mend == "":
					t.Errorf("%s of %s: %v", c.verb, c.t, p.Refusals)
				}
			}
		}
	})
}

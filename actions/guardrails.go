package actions

import (
	"cmp"
	"fmt"
	"net/netip"

	"levee/detect"

	"github.com/gaissmai/bart"
)

// GuardrailOptions says what must never be hit, and how much at once. The zero
// value protects loopback and link-local ranges and has the documented limits.
type GuardrailOptions struct {
	Allow   []Rule         // always wins; addresses, prefixes, asn:N, verified-crawlers
	Proxies []Rule         // trusted proxies: blocking one blocks everybody behind it
	Own     []netip.Prefix // this host's own addresses and ranges, beside loopback and link-local

	HeavyUsual float64 // share of usual traffic (0 to 1) above which a source long known is never blocked; default 0.02
	WidestV4   int     // shortest prefix that may be blocked; default 24
	WidestV6   int     // default 48

	TypedTargets int     // addresses above which a person types a confirmation (a /24 has 256); default 50
	TypedUsual   float64 // share of usual traffic from which on; default 0.01
	TwoTargets   int     // addresses above which a second person approves; default 1000
	TwoUsual     float64 // share of usual traffic from which on; default 0.05

	// Collateral is the largest share of usual traffic (0 to 1) that a signature
	// auto mode throttles may touch; default 0.05.
	Collateral float64
}

func (o GuardrailOptions) withDefaults() GuardrailOptions {
	o.HeavyUsual = cmp.Or(o.HeavyUsual, 0.02)
	o.WidestV4 = cmp.Or(o.WidestV4, 24)
	o.WidestV6 = cmp.Or(o.WidestV6, 48)
	o.TypedTargets = cmp.Or(o.TypedTargets, 50)
	o.TypedUsual = cmp.Or(o.TypedUsual, 0.01)
	o.TwoTargets = cmp.Or(o.TwoTargets, 1000)
	o.TwoUsual = cmp.Or(o.TwoUsual, 0.05)
	o.Collateral = cmp.Or(o.Collateral, 0.05)
	return o
}

// Guardrails are the rules about single targets that hold for people and auto
// mode alike. They are immutable and may be used from several goroutines.
type Guardrails struct {
	o       GuardrailOptions
	allow   *rules
	proxies *rules
	own     *bart.Table[string]
}

// NewGuardrails reads o. An error names the rule that can't be read.
func NewGuardrails(o GuardrailOptions) (*Guardrails, error) {
	g := &Guardrails{o: o.withDefaults(), own: new(bart.Table[string])}
	var err error
	if g.allow, err = parseRules("allow list", o.Allow); err != nil {
		return nil, err
	}
	if g.proxies, err = parseRules("list of trusted proxies", o.Proxies); err != nil {
		return nil, err
	}
	for _, s := range []string{"127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128",
		"224.0.0.0/4", "255.255.255.255/32", "ff00::/8"} {
		g.own.Insert(netip.MustParsePrefix(s), s+" is loopback, link-local or no host's")
	}
	for _, p := range o.Own {
		p = normal(p)
		g.own.Insert(p, p.String()+" is this host's own")
	}
	return g, nil
}

// Check returns the first rule that forbids hitting t for actor, or nil. seen
// is what the traffic shows of t; its zero value when nothing is known.
func (g *Guardrails) Check(t Target, actor Actor, seen *detect.Suspect) *Refusal {
	refuse := func(rule, value, mend string) *Refusal {
		return &Refusal{Target: t, Rule: rule, Value: value, Mend: mend}
	}
	p := t.Prefix
	if !p.IsValid() {
		if t.Signature != nil && *t.Signature == (detect.Signature{}) {
			return refuse("bad_target", "a signature without a term matches everything", "name a path, a method or a user agent")
		}
		return nil
	}
	if value, ok := g.allowed(p, seen); ok {
		return refuse("allow_list", value, "take it off the allow list first")
	}
	if value, ok := touches(g.proxies.prefixes, p); ok {
		return refuse("trusted_proxy", value, "block the clients behind it, by address or by signature")
	}
	if value, ok := touches(g.own, p); ok {
		return refuse("own_range", value, "nothing: levee never blocks its own host")
	}
	if actor.Addr.IsValid() && p.Contains(actor.Addr.Unmap()) {
		return refuse("own_address", actor.Addr.Unmap().String()+" is where "+actor.Name+" is connected from", "act from another address")
	}
	if widest := g.widest(p); p.Bits() < widest {
		return refuse("too_wide", fmt.Sprintf("%s is wider than /%d", p, widest), fmt.Sprintf("block several /%d", widest))
	}
	if seen.LongKnown && seen.UsualShare > g.o.HeavyUsual {
		return refuse("heavy_usual", fmt.Sprintf("%s has carried %.1f%% of usual traffic for days, the limit is %.1f%%",
			t, 100*seen.UsualShare, 100*g.o.HeavyUsual), "throttle a signature, or call its owner")
	}
	if actor.Via == Auto.Via && seen.UsualClients > 0 {
		value := fmt.Sprintf("%d usual clients are in %s", seen.UsualClients, t)
		if seen.UsualClients == 1 {
			value = fmt.Sprintf("a usual client is in %s", t)
		}
		return refuse("usual_clients", value, "block the addresses in it that attack, or block it yourself")
	}
	return nil
}

func (g *Guardrails) widest(p netip.Prefix) int {
	if p.Addr().Is4() {
		return g.o.WidestV4
	}
	return g.o.WidestV6
}

func (g *Guardrails) allowed(p netip.Prefix, seen *detect.Suspect) (string, bool) {
	if text, ok := touches(g.allow.prefixes, p); ok {
		return text, true
	}
	if seen.ASN != 0 {
		if text, ok := g.allow.asns[seen.ASN]; ok {
			return text, true
		}
	}
	return "", false
}

// CheckFacts is Check's part that needs facts looked up beside the traffic:
// the allow list's ASNs and verified crawlers.
func (g *Guardrails) CheckFacts(t Target, f detect.Facts) *Refusal {
	if text, ok := g.allow.asns[f.ASN]; ok && f.ASN != 0 {
		return &Refusal{Target: t, Rule: "allow_list", Value: text, Mend: "take it off the allow list first"}
	}
	if g.allow.crawlers != "" && f.Crawler == detect.CrawlerVerified {
		return &Refusal{Target: t, Rule: "allow_list", Value: t.String() + " is a search engine's: " + g.allow.crawlers,
			Mend: "take verified-crawlers off the allow list first"}
	}
	return nil
}

// tooBroad returns why auto mode may not throttle the signature of in, or nil.
func (g *Guardrails) tooBroad(t Target, in *detect.Incident) *Refusal {
	most := in.CollateralMost()
	if most <= g.o.Collateral && !in.Untried {
		return nil
	}
	return &Refusal{Target: t, Rule: "heavy_usual", Value: touchesTooMuch(in, g.o.Collateral), Mend: "throttle it yourself"}
}

// touchesTooMuch says what the signature of in touches, and of how few samples
// that is known where this is what forbids it.
func touchesTooMuch(in *detect.Incident, limit float64) string {
	if in.Untried && in.CollateralMost() <= limit {
		return fmt.Sprintf("the signature on %s takes what nobody asked before: whom a throttle would hit can't be told", in.Service)
	}
	s := fmt.Sprintf("the signature on %s touches %.1f%% of usual traffic", in.Service, 100*in.Collateral)
	if in.Collateral <= limit {
		s += fmt.Sprintf(", by %d samples, which may be %.1f%%", in.UsualOf, 100*in.CollateralMost())
	}
	return s + fmt.Sprintf("; the limit is %.1f%%", 100*limit)
}

// Usual reports whether a must never be a suspect: on the allow list by
// address, a trusted proxy, or this host's own. It fits detect.Options.Usual.
func (g *Guardrails) Usual(a netip.Addr) bool {
	a = a.Unmap()
	return g.allow.prefixes.Contains(a) || g.proxies.prefixes.Contains(a) || g.own.Contains(a)
}

// Protected returns in words what is allowed, a proxy's or this host's inside
// p, at most n.
func (g *Guardrails) Protected(p netip.Prefix, n int) []string {
	out := inside(g.allow.prefixes, p, n)
	out = append(out, inside(g.proxies.prefixes, p, n-len(out))...)
	return append(out, inside(g.own, p, n-len(out))...)
}

// Needs returns how an act of verb with this impact must be confirmed. What was
// counted from few samples counts as much as it may be in truth.
func (g *Guardrails) Needs(actor Actor, verb Verb, i Impact) Confirmation {
	n, usual := max(i.Targets, i.Addresses), max(i.UsualShare, i.UsualMost)
	hits := verb == Block || verb == Throttle || verb == Harden
	switch {
	case actor.Via == Auto.Via:
		return ConfirmNone
	case hits && (n > g.o.TwoTargets || usual >= g.o.TwoUsual):
		return ConfirmTwo
	case hits && (n > g.o.TypedTargets || i.Unknown > 0 || usual >= g.o.TypedUsual):
		return ConfirmTyped
	case verb == Unblock && i.Targets > g.o.TypedTargets:
		// It opens the gates, and must not wait for a second person at night.
		return ConfirmTyped
	}
	return ConfirmKey
}

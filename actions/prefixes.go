package actions

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gaissmai/bart"
)

// Rule is one line of an allow list or of the trusted proxies, with where it
// was written, so that a refusal can name it.
type Rule struct {
	Value string // address, prefix, "asn:64500", "verified-crawlers"
	From  string // "levee.yaml:12", "allowed by ana"; "" unknown
}

// rules are an allow list made quick: longest match for prefixes, a map for
// ASNs.
type rules struct {
	prefixes *bart.Table[string] // the text a refusal shows
	asns     map[uint32]string
	crawlers string // the text a refusal shows, "" when crawlers have no leave
}

func newRules() *rules {
	return &rules{prefixes: new(bart.Table[string]), asns: map[uint32]string{}}
}

// parseRules reads rules; name says which list they are, for errors and
// refusals.
func parseRules(name string, rs []Rule) (*rules, error) {
	t := newRules()
	for _, r := range rs {
		text := r.Value + " is on the " + name
		if r.From != "" {
			text += " (" + r.From + ")"
		}
		asn, isASN := strings.CutPrefix(strings.ToLower(r.Value), "asn:")
		switch {
		case r.Value == "verified-crawlers":
			t.crawlers = text
		case isASN:
			n, err := strconv.ParseUint(strings.TrimPrefix(asn, "as"), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is no autonomous system: write asn:64500", name, r.Value)
			}
			t.asns[uint32(n)] = text
		default:
			p, err := ParsePrefix(r.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			t.prefixes.Insert(p, text)
		}
	}
	return t, nil
}

// ParsePrefix reads an address or a prefix; an address is its /32 or /128. A
// 4-in-6 address becomes IPv4, host bits are dropped, zones are refused.
func ParsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address: write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix: write 192.0.2.0/24 or 2001:db8::/48", s)
	}
	return normal(p), nil
}

// normal returns p masked and, when it is 4-in-6, as IPv4: one network must
// not have two names.
func normal(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// touches returns the text of a rule that covers p or lies inside it: a block
// of a /24 hits an allowed address in it just as surely.
func touches(t *bart.Table[string], p netip.Prefix) (string, bool) {
	if text, ok := t.LookupPrefix(p); ok {
		return text, true
	}
	for _, text := range t.Subnets(p) {
		return text, true
	}
	return "", false
}

// inside returns the texts of at most n rules that overlap p.
func inside(t *bart.Table[string], p netip.Prefix, n int) []string {
	var out []string
	if text, ok := t.LookupPrefix(p); ok {
		out = append(out, text)
	}
	for _, text := range t.Subnets(p) {
		if len(out) >= n {
			break
		}
		out = append(out, text)
	}
	return out
}

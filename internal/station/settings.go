package station

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"levee/actions"
	"levee/detect"
	"levee/internal/config"
	"levee/internal/enrich"
)

// Facts opens what the configuration says about looking addresses up. Nothing
// is asked of DNS: a recorded log is judged without a network.
func Facts(c config.Config) (*enrich.Enricher, error) {
	return enrich.New(enrich.Options{Databases: c.Detect.GeoIP})
}

// EngineOptions is the detector's part of the configuration. facts may be nil.
func EngineOptions(c config.Config, facts *enrich.Enricher) detect.Options {
	o := detect.Options{
		MaxMemory:  int64(c.Detect.MaxMemory),
		SourceRate: float64(c.Detect.SourceRate),
		Services:   c.Services(),
		Pages:      largePages,
	}
	if ranges := usual(c); len(ranges) > 0 {
		set := &prefixes{}
		set.set(ranges)
		o.Usual = set.contains
	}
	if facts != nil {
		o.Facts, o.Claims = facts.Facts, facts.Claim
	}
	return o
}

// usual are the sources that are never suspects: the allow list's addresses
// and trusted proxies.
func usual(c config.Config) []netip.Prefix {
	var ranges []netip.Prefix
	for _, a := range c.Allow {
		if a.Prefix.IsValid() {
			ranges = append(ranges, a.Prefix)
		}
	}
	return append(ranges, c.TrustedProxies...)
}

// AutoOptions is auto mode's part of the configuration.
func AutoOptions(c config.Config) actions.AutoOptions {
	b := c.Auto.Budget
	o := actions.AutoOptions{
		Level:  actions.Level(c.Auto.Level),
		TTL:    c.Auto.TTL,
		MaxTTL: c.Auto.MaxTTL,
		Budget: actions.Budget{BlocksPerMinute: b.BlocksPerMinute, ActiveBlocks: b.ActiveBlocks,
			UsualShare: float64(b.UsualShare), ScaleUpsPerHour: b.ScaleUpsPerHour},
		Services: map[string]actions.Level{},
	}
	for host, s := range c.Auto.Services {
		o.Services[host] = actions.Level(cmp.Or(s.Level, c.Auto.Level))
	}
	if c.Playbooks != nil {
		o.Playbooks = actions.Playbooks{}
	}
	for attack, steps := range c.Playbooks {
		for _, s := range steps {
			o.Playbooks[attack] = append(o.Playbooks[attack], actions.Step{
				Do: actions.Verb(s.Do), After: s.After, When: actions.Condition{ExcessShare: float64(s.When.ExcessShare)}})
		}
	}
	return o
}

// Guardrails is what the configuration protects.
func Guardrails(c config.Config) (*actions.Guardrails, error) {
	o := actions.GuardrailOptions{Own: ownAddresses()}
	for _, a := range c.Allow {
		value := "verified-crawlers"
		switch {
		case a.Prefix.IsValid():
			value = a.Prefix.String()
		case a.ASN != 0:
			value = fmt.Sprintf("asn:%d", a.ASN)
		}
		o.Allow = append(o.Allow, actions.Rule{Value: value, From: c.Position(a.Line)})
	}
	for _, p := range c.TrustedProxies {
		o.Proxies = append(o.Proxies, actions.Rule{Value: p.String(), From: "trusted_proxies"})
	}
	return actions.NewGuardrails(o)
}

// ownAddresses lists this host's addresses. A host that can't list them is
// still protected by the fixed ranges.
func ownAddresses() []netip.Prefix {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []netip.Prefix
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				ip = ip.Unmap()
				own = append(own, netip.PrefixFrom(ip, ip.BitLen()))
			}
		}
	}
	return own
}

// prefixes is a set of addresses that may be replaced while it is asked.
type prefixes struct {
	list atomic.Pointer[[]netip.Prefix]
}

func (p *prefixes) set(list []netip.Prefix) { p.list.Store(&list) }

func (p *prefixes) contains(a netip.Addr) bool {
	for _, x := range *p.list.Load() {
		if x.Contains(a) {
			return true
		}
	}
	return false
}

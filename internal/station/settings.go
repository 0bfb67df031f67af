package station

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/netip"

	"levee/actions"
	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/enrich"
	"levee/internal/source"
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
		Usual:      usual(c),
	}
	if facts != nil {
		o.Facts, o.Claims = facts.Facts, facts.Claim
	}
	return o
}

// usual reports which sources are never suspects: the allow list's addresses
// and trusted proxies.
func usual(c config.Config) func(netip.Addr) bool {
	var ranges []netip.Prefix
	for _, a := range c.Allow {
		if a.Prefix.IsValid() {
			ranges = append(ranges, a.Prefix)
		}
	}
	ranges = append(ranges, c.TrustedProxies...)
	if len(ranges) == 0 {
		return nil
	}
	return func(a netip.Addr) bool {
		for _, p := range ranges {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
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

// inputs builds the live inputs and tells which of them auto mode may act on.
func inputs(c config.Config, positions *source.Positions, stdin io.Reader) ([]source.Input, []bool, error) {
	var ins []source.Input
	var trusted []bool
	for i, s := range c.Sources {
		parse := logline.Options{Format: s.Format, Service: s.Service, TrustedProxies: c.TrustedProxies, Origin: uint16(i)}
		in, err := input(s, parse, i, positions, stdin)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", where(c, s), err)
		}
		ins = append(ins, in)
		trusted = append(trusted, s.Trusted())
	}
	return ins, trusted, nil
}

// where names a source for an error: its line of levee.yaml if it has one.
func where(c config.Config, s config.Source) string {
	if s.Line > 0 {
		return c.Position(s.Line)
	}
	return s.Label()
}

func input(s config.Source, parse logline.Options, i int, positions *source.Positions, stdin io.Reader) (source.Input, error) {
	switch {
	case s.File == "-":
		return source.Stdin(stdin, parse, i)
	case s.File != "":
		return source.Tail(source.TailOptions{Name: s.Label(), Paths: []string{s.File}, Parse: parse, Input: i,
			Positions: positions, FromStart: s.FromStart})
	case s.Syslog != "":
		return syslog(s, parse, i)
	case s.Beats != "":
		return beats(s, parse, i)
	}
	return nil, fmt.Errorf("an elasticsearch source is not built in yet; follow the log files instead")
}

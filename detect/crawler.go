package detect

import "net/netip"

// crawlerRanges are the ranges from which large search engines have crawled
// for years, as they publish them themselves; a first answer until Options.Facts
// has looked an address up.
var crawlerRanges = func() (out []netip.Prefix) {
	for _, s := range []string{
		"66.249.64.0/19", "2001:4860:4801::/48", // Googlebot
		"40.77.167.0/24", "157.55.39.0/24", "207.46.13.0/24", "52.167.144.0/24", // bingbot
		"17.22.237.0/24", "17.241.0.0/16", "17.246.0.0/16", // Applebot
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// crawlerRange reports whether a lies in a published crawler range.
func crawlerRange(a netip.Addr) bool { return within(crawlerRanges, a) }

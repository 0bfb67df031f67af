package detect

import "net/netip"

// edgeRanges are the ranges from which Cloudflare's edges fetch, as it publishes
// them (cloudflare.com/ips). Where a log shows them, the proxy that vouches for
// the client was not trusted, and many people stand behind each address.
var edgeRanges = func() (out []netip.Prefix) {
	for _, s := range []string{
		"103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "104.16.0.0/13", "104.24.0.0/14", "108.162.192.0/18", "131.0.72.0/22",
		"141.101.64.0/18", "162.158.0.0/15", "172.64.0.0/13", "173.245.48.0/20", "188.114.96.0/20", "190.93.240.0/20", "197.234.240.0/22",
		"198.41.128.0/17",
		"2400:cb00::/32", "2405:8100::/32", "2405:b500::/32", "2606:4700::/32", "2803:f800::/32", "2a06:98c0::/29", "2c0f:f248::/32",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

// edge reports whether a is an address of a content delivery network's edge,
// which is never the client.
func edge(a netip.Addr) bool { return within(edgeRanges, a) && !workers.Contains(a) }

// workers is where programs that customers run at the edges ask from.
var workers = netip.MustParsePrefix("2a06:98c0:3600::/48")

func within(ranges []netip.Prefix, a netip.Addr) bool {
	for _, p := range ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

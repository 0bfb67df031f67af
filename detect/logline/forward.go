package logline

import (
	"bytes"
	"net/netip"

	"github.com/gaissmai/bart"

	"levee/detect"
)

// maxHops bounds how many addresses of a forwarding chain are looked at: a
// client may send as long a list as it likes.
const maxHops = 32

// trust knows which addresses may vouch for another one: a handful, or all the
// ranges that a CDN publishes.
type trust struct {
	proxies *bart.Lite // nil: nobody
}

func newTrust(ps []netip.Prefix) trust {
	var t trust
	for _, p := range ps {
		if !p.IsValid() {
			continue
		}
		if t.proxies == nil {
			t.proxies = new(bart.Lite)
		}
		t.proxies.Insert(unmapPrefix(p))
	}
	return t
}

// anyone reports whether there are trusted proxies at all.
func (t *trust) anyone() bool { return t.proxies != nil }

// holds reports whether a is a trusted proxy's.
func (t *trust) holds(a netip.Addr) bool { return t.proxies != nil && t.proxies.Contains(a) }

// unmapPrefix turns ::ffff:192.0.2.0/120 into 192.0.2.0/24.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// resolve sets r.Source and r.Peer from the address that opened the connection
// and the forwarding chain it sent (X-Forwarded-For, or Forwarded of RFC 7239).
//
// Addresses are read from the right; the first that is not a trusted proxy is
// the client, because everything left of it is only that client's word. When
// the whole chain is trusted, or a trusted proxy sent none, the client is
// unknown: a proxy is never taken for one.
func (p *Parser) resolve(r *detect.Request, peer netip.Addr, chain []byte) {
	if !p.trust.holds(peer) {
		r.Source = peer
		return
	}
	r.Peer = peer
	for hops := 0; hops < maxHops; hops++ {
		var last []byte
		if chain, last = lastHop(chain); last == nil {
			return
		}
		a, ok := hopAddress(last)
		if !ok {
			return // "unknown", "_hidden", garbage: nothing left of it can be believed
		}
		if !p.trust.holds(a) {
			r.Source = a
			return
		}
	}
}

// listed sets r.Source from a chain that stands where the log has its client.
// Its right-most entry is who is closest to us. Unless trusted proxies are
// named, private addresses count as hops of our own network as long as another
// address stands in front of them: no client comes from there, and the server
// wrote the chain on purpose.
func (p *Parser) listed(r *detect.Request, chain []byte) {
	rest, last := lastHop(chain)
	a, ok := hopAddress(last)
	if !ok {
		r.Client = p.text(chain)
		return
	}
	if p.trust.anyone() {
		p.resolve(r, a, rest)
		return
	}
	r.Source = a
	for hops := 0; hops < maxHops && isInternal(r.Source); hops++ {
		if rest, last = lastHop(rest); last == nil {
			return
		}
		b, ok := hopAddress(last)
		if !ok {
			return
		}
		r.Source, r.Peer = b, a
	}
}

// isInternal reports whether an address is never a client's on the internet.
func isInternal(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

// lastHop cuts the last entry off a comma-separated chain; hop is nil when
// there is none.
func lastHop(chain []byte) (rest, hop []byte) {
	for len(chain) > 0 {
		i := bytes.LastIndexByte(chain, ',')
		hop = trimSpace(chain[i+1:])
		chain = chain[:max(i, 0)]
		if !absent(hop) {
			return chain, hop
		}
	}
	return nil, nil
}

// hopAddress reads the address of one entry: "192.0.2.1", "[2001:db8::1]:443",
// or the for= parameter of a Forwarded element.
func hopAddress(hop []byte) (netip.Addr, bool) {
	hop = bytes.Trim(hop, `" +`)               // what is left of a JSON list of headers; IIS writes blanks as +
	hop = bytes.TrimPrefix(hop, []byte("%20")) // and CloudFront as this
	if a, ok := address(hop); ok {
		return a, true
	}
	for len(hop) > 0 {
		var pair []byte
		if i := bytes.IndexByte(hop, ';'); i >= 0 {
			pair, hop = hop[:i], hop[i+1:]
		} else {
			pair, hop = hop, nil
		}
		pair = trimSpace(pair)
		if len(pair) > 4 && pair[3] == '=' && pair[0]|0x20 == 'f' && pair[1]|0x20 == 'o' && pair[2]|0x20 == 'r' {
			return address(bytes.Trim(unquote(pair[4:]), `"\`))
		}
	}
	return netip.Addr{}, false
}

// unquote takes the quotes off that a log wrote as \x22.
func unquote(b []byte) []byte {
	const q = `\x22`
	if len(b) >= 2*len(q) && string(b[:len(q)]) == q && string(b[len(b)-len(q):]) == q {
		return b[len(q) : len(b)-len(q)]
	}
	return b
}

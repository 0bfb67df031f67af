package nft

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
)

// The four sets a block may stand in.
const (
	addresses4 = "addresses4"
	addresses6 = "addresses6"
	networks4  = "networks4"
	networks6  = "networks6"
)

var setNames = []string{addresses4, addresses6, networks4, networks6}

// setOf returns the set that p stands in.
func setOf(p netip.Prefix) string {
	switch {
	case p.Addr().Is4() && p.IsSingleIP():
		return addresses4
	case p.Addr().Is4():
		return networks4
	case p.IsSingleIP():
		return addresses6
	}
	return networks6
}

func interval(set string) bool { return set == networks4 || set == networks6 }

// elements returns the set elements of p: one for an address; the first address
// and the one past the end for a prefix, none past the end of the space.
func elements(p netip.Prefix, timeout time.Duration) []nftables.SetElement {
	e := []nftables.SetElement{{Key: p.Addr().AsSlice(), Timeout: timeout}}
	if p.IsSingleIP() {
		return e
	}
	if end := past(p); end.IsValid() {
		e = append(e, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
	}
	return e
}

// past returns the first address after p, invalid at the end of the space.
func past(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for i := range raw {
		switch bits := p.Bits() - 8*i; {
		case bits <= 0:
			raw[i] = 0xff
		case bits < 8:
			raw[i] |= 0xff >> bits
		}
	}
	last, _ := netip.AddrFromSlice(raw)
	return last.Next()
}

// held is one entry of the kernel's.
type held struct {
	prefix  netip.Prefix
	left    time.Duration // until its timeout; 0: none
	packets uint64
}

// decode turns a set's elements into prefixes. Ranges that are no prefix are
// somebody else's doing and an error.
func decode(set string, es []nftables.SetElement) ([]held, error) {
	if interval(set) {
		// An end may share its key with the start that follows it.
		slices.SortFunc(es, func(a, b nftables.SetElement) int {
			if c := bytes.Compare(a.Key, b.Key); c != 0 {
				return c
			}
			if a.IntervalEnd == b.IntervalEnd {
				return 0
			}
			if a.IntervalEnd {
				return -1
			}
			return 1
		})
	}
	var all []held
	for i, e := range es {
		if e.IntervalEnd {
			continue
		}
		first, ok := netip.AddrFromSlice(e.Key)
		if !ok {
			return nil, fmt.Errorf("set %s holds an element of %d bytes", set, len(e.Key))
		}
		h := held{prefix: netip.PrefixFrom(first, first.BitLen()), left: e.Expires}
		if e.Counter != nil {
			h.packets = e.Counter.Packets
		}
		if interval(set) {
			var end netip.Addr
			if i+1 < len(es) && es[i+1].IntervalEnd {
				end, _ = netip.AddrFromSlice(es[i+1].Key)
			}
			if h.prefix, ok = spanning(first, end); !ok {
				return nil, fmt.Errorf("set %s holds a range from %s that is no prefix", set, first)
			}
		}
		all = append(all, h)
	}
	return all, nil
}

// spanning returns the prefix from first up to, not including, end; an invalid
// end is the end of the space.
func spanning(first, end netip.Addr) (netip.Prefix, bool) {
	for bits := range first.BitLen() + 1 {
		p := netip.PrefixFrom(first, bits)
		if p.Masked() == p && past(p) == end {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

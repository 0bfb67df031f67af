package detect

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// The odd constants are those of wyhash (Wang Yi, https://github.com/wangyi-fudan/wyhash, public domain).
const (
	mixA = 0xa0761d6478bd642f
	mixB = 0xe7037ed1a0b428db
)

// mix folds two words into one through a 128-bit product, the step wyhash is built on.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^mixA, b^mixB)
	return hi ^ lo
}

// hashBytes hashes b. The seed is fixed so that the same requests always fall
// into the same slots and give the same verdicts.
func hashBytes(b []byte, seed uint64) uint64 {
	h := seed ^ uint64(len(b))*mixB
	if len(b) < 8 {
		return mix(tail(b)^h, mixA)
	}
	last := binary.LittleEndian.Uint64(b[len(b)-8:]) >> (64 - 8*(uint(len(b))&7)) // past the last whole word
	for len(b) >= 16 {
		h = mix(binary.LittleEndian.Uint64(b)^h, binary.LittleEndian.Uint64(b[8:]))
		b = b[16:]
	}
	if len(b) >= 8 {
		h = mix(binary.LittleEndian.Uint64(b), h)
	}
	return mix(last^h, mixA)
}

// tail returns the fewer than eight bytes of b as one number. It reads words
// that overlap: a loop over the bytes ends where no processor can foretell.
func tail(b []byte) uint64 {
	n := uint(len(b))
	switch {
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	case n > 0:
		return uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	}
	return 0
}

// sourceKey is a client as the engine counts it: an IPv4 address, or an IPv6
// /64, since a v6 client owns all of it.
type sourceKey struct {
	hi uint64 // the upper half of an IPv6 address; v4Mark for IPv4
	lo uint64 // the IPv4 address; 0 for IPv6
}

// v4Mark is the upper half of a key that holds an IPv4 address: 100::/64, the
// discard prefix of RFC 6666, which no client can have.
const v4Mark = 0x0100_0000_0000_0000

func keyOf(a netip.Addr) (k sourceKey, low uint64) {
	if a.Is4() {
		b := a.As4()
		v := uint64(binary.BigEndian.Uint32(b[:]))
		return sourceKey{v4Mark, v}, 0
	}
	b := a.As16()
	return sourceKey{hi: binary.BigEndian.Uint64(b[:8])}, binary.BigEndian.Uint64(b[8:])
}

func (k sourceKey) is4() bool    { return k.hi == v4Mark }
func (k sourceKey) hash() uint64 { return mix(k.hi^mixB, k.lo+mixA) }

// net returns the key of the /24 or /48 around k.
func (k sourceKey) net() sourceKey {
	if k.is4() {
		return sourceKey{v4Mark, k.lo &^ 0xff}
	}
	return sourceKey{hi: k.hi &^ 0xffff}
}

// addr returns the address of k, with low as the lower half of an IPv6 one.
func (k sourceKey) addr(low uint64) netip.Addr {
	if k.is4() {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(k.lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], low)
	return netip.AddrFrom16(b)
}

// prefix returns k as people read it: a /32 or a /64.
func (k sourceKey) prefix() netip.Prefix {
	if k.is4() {
		return netip.PrefixFrom(k.addr(0), 32)
	}
	return netip.PrefixFrom(k.addr(0), 64)
}

// netPrefix returns the /24 or /48 around k.
func (k sourceKey) netPrefix() netip.Prefix {
	n := k.net()
	if n.is4() {
		return netip.PrefixFrom(n.addr(0), 24)
	}
	return netip.PrefixFrom(n.addr(0), 48)
}

// bit returns one of 64 bits chosen by h, for small bitmaps of distinct values.
func bit(h uint64) uint64 { return 1 << (h >> 58) }

// distinct64 estimates how many distinct values set the bits of m (linear
// counting: Whang, Vander-Zanden, Taylor 1990); past about 200 it saturates.
func distinct64(m uint64) int { return int(linear64[bits.OnesCount64(m)]) }

var linear64 = func() (t [65]uint16) {
	for n := range t {
		switch {
		case n < 8:
			t[n] = uint16(n)
		case n == 64:
			t[n] = 320
		default:
			t[n] = uint16(64 * ln(64/float64(64-n)))
		}
	}
	return t
}()

// sat16 adds one and stays at the top instead of wrapping.
func sat16(p *uint16) {
	if *p != 0xffff {
		*p++
	}
}

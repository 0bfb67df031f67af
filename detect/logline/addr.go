package logline

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// leadingIPv4 reads a dotted address at the start of b and returns how long it
// is, 0 when there is none.
func leadingIPv4(b []byte) (a netip.Addr, n int) {
	if len(b) >= 19 {
		return wordsIPv4((*[19]byte)(b))
	}
	return bytesIPv4(b)
}

// bytesIPv4 is leadingIPv4 byte by byte, for what is too short to read beyond.
func bytesIPv4(b []byte) (a netip.Addr, n int) {
	var ip [4]byte
	i := 0
	for part := 0; part < 4; part++ {
		if part > 0 {
			if i >= len(b) || b[i] != '.' {
				return a, 0
			}
			i++
		}
		v, start := 0, i
		for i < len(b) && i-start < 3 {
			c := b[i] - '0'
			if c > 9 {
				break
			}
			v = v*10 + int(c)
			i++
		}
		if i == start || v > 255 {
			return a, 0
		}
		ip[part] = byte(v)
	}
	return netip.AddrFrom4(ip), i
}

// wordsIPv4 is leadingIPv4 where four bytes can be read at each of the parts:
// how many digits a part has is worked out and not branched on, since nothing
// foretells it, and no part waits for the one before.
func wordsIPv4(b *[19]byte) (a netip.Addr, n int) {
	// A bit for each byte that is no digit; the last byte that an address may
	// have to end before counts as one.
	ends := noDigits(b[:8]) | noDigits(b[8:])<<8 | 1<<16
	e0 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	e1 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	e2 := uint(bits.TrailingZeros32(ends))
	ends &= ends - 1
	end := min(uint(bits.TrailingZeros32(ends)), e2+4)
	v0, bad0 := octet(b, 0, e0)
	v1, bad1 := octet(b, e0+1, e1)
	v2, bad2 := octet(b, e1+1, e2)
	v3, bad3 := octet(b, e2+1, end)
	dots := (b[e0&15] ^ '.') | (b[e1&15] ^ '.') | (b[e2&15] ^ '.')
	if bad0|bad1|bad2|bad3|uint32(dots) != 0 {
		return a, 0
	}
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], v0<<24|v1<<16|v2<<8|v3)
	return netip.AddrFrom4(ip), int(end)
}

// noDigits returns a bit for each of the first eight bytes of b that is no
// decimal digit.
func noDigits(b []byte) uint32 {
	x := binary.LittleEndian.Uint64(b) ^ ones*'0'
	x = (x&^highs + ones*0x76 | x) & highs // a digit is below 10 now
	return uint32(x >> 7 * 0x0102040810204080 >> 56)
}

// octet reads the one to three digits from b[from] to b[to], whose value is at
// most 255; bad is 0 when they are that.
func octet(b *[19]byte, from, to uint) (v, bad uint32) {
	n := to - from
	x := binary.LittleEndian.Uint32(b[from&15:]) ^ 0x30303030
	x <<= 8 * (4 - n) & 31 // so that the units are in the last byte
	v = x>>8&0xff*100 + x>>16&0xff*10 + x>>24
	return v, (255-v)>>31 | uint32(n>>2) | uint32((n-1)>>63)
}

// address reads an IP address as logs write it: IPv4, IPv6 in brackets or not,
// with a zone (dropped) or a port (ignored), mapped IPv4 unmapped. It
// allocates nothing, unlike netip.ParseAddr on text that is no address.
func address(b []byte) (a netip.Addr, ok bool) {
	if len(b) < 2 {
		return a, false
	}
	if a, n := leadingIPv4(b); n > 0 {
		return a, n == len(b) || b[n] == ':' && isPort(b[n+1:])
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || end+1 < len(b) && (b[end+1] != ':' || !isPort(b[end+2:])) {
			return a, false
		}
		b = b[1:end]
		if a, n := leadingIPv4(b); n > 0 && n == len(b) {
			return a, true
		}
	}
	if i := bytes.IndexByte(b, '%'); i > 0 {
		b = b[:i]
	}
	if a, ok := ipv6(b); ok {
		return a.Unmap(), true
	}
	return a, false
}

// isPort reports whether b is a port number.
func isPort(b []byte) bool {
	for len(b) > 5 && b[0] == '0' {
		b = b[1:]
	}
	n, ok := digits(b)
	return ok && n <= 65535
}

// ipv6 reads the text forms of RFC 4291 section 2.2, without zone or brackets.
func ipv6(b []byte) (a netip.Addr, ok bool) {
	if len(b) < 2 || len(b) > 45 {
		return a, false
	}
	var ip [16]byte
	n, gap := 0, -1 // bytes written, and where "::" stood
	if b[0] == ':' {
		if b[1] != ':' {
			return a, false
		}
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		if n == 16 {
			return a, false
		}
		v, i := 0, 0
		for ; i < len(b) && i < 5; i++ {
			d := unhex(b[i])
			if d > 15 {
				break
			}
			v = v<<4 | int(d)
		}
		if i < len(b) && b[i] == '.' && n <= 12 { // only the end may be written as IPv4
			if v4, k := leadingIPv4(b); k > 0 && k == len(b) {
				four := v4.As4()
				n += copy(ip[n:], four[:])
				break
			}
		}
		if i == 0 || i > 4 {
			return a, false
		}
		ip[n], ip[n+1] = byte(v>>8), byte(v)
		n += 2
		if b = b[i:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return a, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap, b = n, b[1:]
		}
	}
	if gap >= 0 {
		if n == 16 {
			return a, false
		}
		tail := n - gap
		copy(ip[16-tail:], ip[gap:n])
		clear(ip[gap : 16-tail])
	} else if n != 16 {
		return a, false
	}
	return netip.AddrFrom16(ip), true
}

// isHost reports whether b may be a host name, an address with a port, or the
// "unix:" that nginx writes for a socket.
func isHost(b []byte) bool {
	if len(b) == 0 || len(b) > 255 {
		return false
	}
	for _, c := range b {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9':
		case c == '.', c == '-', c == '_', c == ':', c == '[', c == ']', c == '*', c == '%':
		default:
			return false
		}
	}
	return true
}

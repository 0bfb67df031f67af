package logline

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"

	"levee/detect"
)

// plainCombined reads the line that nearly all lines are: combined, from a
// client without ident and user, a GET or POST that was answered. Of anything
// else it says false and leaves r as it was; clf.read then takes the longer way,
// and would have come to the same for this line. The line must be plain.
func (p *Parser) plainCombined(line []byte, r *detect.Request) bool {
	a, n := leadingIPv4(line)
	if n == 0 {
		a, n = leadingIPv6(line)
	}
	if n == 0 || len(line) < n+len(` - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 1 "-" "-"`) {
		return false
	}
	if string(line[n:n+6]) != " - - [" || string(line[n+32:n+35]) != `] "` {
		return false
	}
	ns, ok := p.clock.common(line[n+6 : n+32])
	if !ok {
		return false
	}
	b := line[n+35:]
	i := bytes.IndexByte(b, '"')
	if i < 0 || len(b) < i+15 || b[i+1] != ' ' {
		return false
	}
	method, target, proto := plainRequest(b[:i])
	if method == nil {
		return false
	}
	b = b[i+2:]
	x, y, z := b[0]-'0', b[1]-'0', b[2]-'0'
	if x > 9 || y > 9 || z > 9 || b[3] != ' ' {
		return false
	}
	size, digits := leadingNumber(b[4:])
	if digits == 0 || len(b) < digits+9 || b[4+digits] != ' ' || b[5+digits] != '"' {
		return false
	}
	b = b[6+digits:]
	if i = bytes.IndexByte(b, '"'); i < 0 || len(b) < i+4 || b[i+1] != ' ' || b[i+2] != '"' {
		return false
	}
	refer := b[:i]
	b = b[i+3:]
	if i = bytes.IndexByte(b, '"'); i != len(b)-1 {
		return false // more behind it, or cut short
	}
	r.Time, r.Status, r.Bytes = ns, uint16(x)*100+uint16(y)*10+uint16(z), size
	r.Silent = r.Status == 0
	r.Method, r.Target, r.Proto = method, target, proto
	if !absent(refer) {
		r.Referer = refer
	}
	if agent := b[:i]; !absent(agent) {
		r.Agent = agent
	}
	p.resolve(r, a, nil)
	p.name = "combined"
	return true
}

// leadingIPv6 reads an IPv6 address that a blank ends at the start of b, without
// zone, brackets or port, and returns how long it is, 0 when there is none.
func leadingIPv6(b []byte) (a netip.Addr, n int) {
	n = bytes.IndexByte(b[:min(len(b), 46)], ' ')
	if n < 0 {
		return a, 0
	}
	a, ok := ipv6(b[:n])
	if !ok {
		return a, 0
	}
	return a.Unmap(), n
}

// plainRequest splits a request line of the usual methods with a version in
// four bytes past the slash; method is nil for any other.
func plainRequest(b []byte) (method, target, proto []byte) {
	if len(b) < len("GET / HTTP/1.1") {
		return nil, nil, nil
	}
	n := 3
	switch binary.LittleEndian.Uint32(b) {
	case 'G' | 'E'<<8 | 'T'<<16 | ' '<<24:
	case 'P' | 'O'<<8 | 'S'<<16 | 'T'<<24:
		if n = 4; b[4] != ' ' {
			return nil, nil, nil
		}
	default:
		return nil, nil, nil
	}
	// "HTTP/" and a digit, a dot, a digit: the last word of the line.
	const zeros = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '0'<<40 | '.'<<48 | '0'<<56
	at := len(b) - 8
	d := binary.LittleEndian.Uint64(b[at:]) ^ zeros
	if d&^(15<<40|15<<56) != 0 || b[at-1] != ' ' || at-1 <= n+1 || b[n+1] != '/' || b[at-2] == ' ' {
		return nil, nil, nil
	}
	return b[:n], b[n+1 : at-1], b[at:]
}

// leadingNumber reads the decimal number of up to seven digits at the start of
// b, which holds eight bytes at least, and how many digits it has: none when it
// is longer. Eight digits at a time are Lemire's,
// https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/.
func leadingNumber(b []byte) (v int64, digits int) {
	x := binary.LittleEndian.Uint64(b) ^ ones*'0'
	odd := (x + ones*0x76 | x) & highs
	if odd == 0 {
		return 0, 0
	}
	digits = bits.TrailingZeros64(odd) >> 3
	if digits == 0 {
		return 0, 0
	}
	x <<= 8 * (8 - uint(digits)) & 63
	x = x*10 + x>>8
	const mask = 0x000000ff000000ff
	x = (x&mask*0x000f424000000064 + x>>16&mask*0x0000271000000001) >> 32
	return int64(uint32(x)), digits
}

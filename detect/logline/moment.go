package logline

import "bytes"

// when reads a time in any of the ways that logs write it, told apart by its
// look: with a second part, the first is a date and the second a time of day.
func (p *Parser) when(a, b []byte) (ns int64, ok bool) {
	if len(b) > 0 {
		return p.clock.dateAndTime(a, b)
	}
	if n := len(a); n > 2 && a[0] == '[' && a[n-1] == ']' {
		a = a[1 : n-1]
	}
	if len(a) < 8 {
		return 0, false
	}
	switch {
	case a[2] == '/':
		return p.clock.common(a)
	case len(a) > 10 && (a[4] == '-' || a[4] == '/'):
		return p.clock.iso8601(a)
	}
	return unixTime(a)
}

// unixTime reads seconds since 1970 with or without a fraction, or whole
// milli-, micro- or nanoseconds, told apart by their size.
func unixTime(b []byte) (ns int64, ok bool) {
	whole := b
	if i := bytes.IndexByte(b, '.'); i > 0 {
		whole = b[:i]
	}
	n, ok := count(whole)
	if !ok {
		if len(b) != 19 {
			ns, ok = decimal(b) // with an exponent
			return ns, ok && ns > 0
		}
		if n, ok = count(b[:18]); !ok || b[18]-'0' > 9 || n > 1<<62/10 {
			return 0, false
		}
		return n*10 + int64(b[18]-'0'), true
	}
	frac, _ := fraction(b[len(whole):])
	const lastSecond = 7_258_118_400 // the year 2200
	switch {
	case n <= 0:
		return 0, false
	case n < lastSecond:
		return n*second + frac, true
	case n < lastSecond*1e3:
		return n*1e6 + frac/1e3, true
	case n < lastSecond*1e6:
		return n * 1e3, true
	}
	return n, n < lastSecond*second
}

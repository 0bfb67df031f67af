package logline

// digits reads b, all of it decimal digits, at most nine of them.
func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

// count reads a whole number of up to 18 digits.
func count(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, true
}

// size reads a number of bytes: -1 for "-" and the empty string.
func size(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return -1, true
	}
	return count(b)
}

// status reads an HTTP status: 0 for "-", "0", "000" and the empty string.
func status(b []byte) (s uint16, ok bool) {
	if len(b) == 3 {
		x, y, z := b[0]-'0', b[1]-'0', b[2]-'0'
		if x <= 9 && y <= 9 && z <= 9 {
			return uint16(x)*100 + uint16(y)*10 + uint16(z), true
		}
	}
	if len(b) == 0 || len(b) == 1 && (b[0] == '-' || b[0] == '0') {
		return 0, true
	}
	if len(b) == 5 && b[3] == '.' && b[4] == '0' {
		return status(b[:3]) // a number that went through floating point
	}
	return 0, false
}

// decimal reads a number with an optional fraction and exponent and returns it
// in units of one billionth: with seconds in, nanoseconds come out. Negative
// numbers and what is past 292 years are refused.
func decimal(b []byte) (n int64, ok bool) {
	const limit = 9_000_000_000
	i := 0
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if n = n*10 + int64(b[i]-'0'); n > limit {
			return 0, false
		}
	}
	if i == 0 {
		return 0, false
	}
	n *= second
	if i < len(b) && b[i] == '.' {
		frac, rest := fraction(b[i:])
		n += frac
		b, i = rest, 0
		if len(b) > 0 && b[0] == '.' {
			return 0, false
		}
	}
	if i == len(b) {
		return n, true
	}
	return exponent(n, b[i:])
}

// exponent scales n by an exponent such as "e-05" or "E+3".
func exponent(n int64, b []byte) (int64, bool) {
	if b[0]|0x20 != 'e' || len(b) < 2 {
		return 0, false
	}
	b = b[1:]
	down := b[0] == '-'
	if down || b[0] == '+' {
		b = b[1:]
	}
	e, ok := digits(b)
	if !ok {
		return 0, false
	}
	for ; e > 0 && n != 0; e-- {
		switch {
		case down:
			n /= 10
		case n > (1<<63-1)/10:
			return 0, false
		default:
			n *= 10
		}
	}
	return n, true
}

package logline

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// isPlain reports whether b is printable ASCII without backslashes: such a line
// needs neither decoding nor cleaning.
func isPlain(b []byte) bool { return plainPrefix(b) == len(b) }

// plainPrefix returns how many bytes of b are plain before the first that is
// not. It looks at 32 bytes at a time
// (https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord), and finds
// the place within them without a branch: nothing foretells it.
func plainPrefix(b []byte) int {
	i := 0
	for ; len(b)-i >= 32; i += 32 {
		w := b[i : i+32 : i+32]
		odd0, odd1, odd2, odd3 := oddBytes(w), oddBytes(w[8:]), oddBytes(w[16:]), oddBytes(w[24:])
		if (odd0|odd1|odd2|odd3)&highs != 0 {
			return i + bits.TrailingZeros32(gather(odd0)|gather(odd1)<<8|gather(odd2)<<16|gather(odd3)<<24)
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		if odd := oddBytes(b[i:]) & highs; odd != 0 {
			return i + bits.TrailingZeros64(odd)>>3
		}
	}
	for i < len(b) && plainByte(b[i]) {
		i++
	}
	return i
}

// gather moves the high bits of eight bytes into one.
func gather(x uint64) uint32 { return uint32(x & highs >> 7 * 0x0102040810204080 >> 56) }

// oddBytes sets the high bit of the first of eight bytes that is below 0x20,
// above 0x7e, or a backslash, and of none when there is no such byte. What it
// sets beyond the first says nothing: that one may have borrowed from the next
// byte, or carried into it.
func oddBytes(b []byte) uint64 {
	w := binary.LittleEndian.Uint64(b)
	return (w - ones*0x20) | (w + ones) | ((w ^ ones*'\\') - ones)
}

func plainByte(c byte) bool { return c >= 0x20 && c < 0x7f && c != '\\' }

// text returns a field's text, decoded and cleaned; nil for "" and "-".
func (p *Parser) text(b []byte) []byte {
	if absent(b) {
		return nil
	}
	if p.plain || isPlain(b) {
		return b
	}
	return p.rewrite(b)
}

// rewrite cleans b into the arena. When nothing changes, b itself is returned.
func (p *Parser) rewrite(b []byte) []byte {
	// At worst a byte becomes four characters, a character of three bytes six.
	dst := p.arena.reserve(4 * len(b))
	switch p.escapes {
	case backslashes:
		dst = appendDecoded(dst, b)
	case jsonEscapes:
		dst = appendUnquoted(dst, b)
	default:
		dst = appendClean(dst, b)
	}
	if string(dst) == string(b) {
		return b
	}
	return p.arena.commit(dst)
}

// Clean returns s with everything a terminal might act on turned into visible
// escapes: for names and messages that stand beside log lines.
func Clean(s string) string {
	if b := []byte(s); !isPlain(b) {
		return string(appendClean(nil, b))
	}
	return s
}

const hexDigits = "0123456789abcdef"

// appendClean appends b to dst with everything a terminal might act on turned
// into visible escapes: \x1b for a byte, \u202e for a character.
func appendClean(dst, b []byte) []byte {
	for len(b) > 0 {
		if c := b[0]; c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			} else {
				dst = append(dst, c)
			}
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, '\\', 'x', hexDigits[b[0]>>4], hexDigits[b[0]&15])
		case harmful(r):
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

// appendEscape appends r as \uXXXX, or \UXXXXXXXX past the basic plane.
func appendEscape(dst []byte, r rune) []byte {
	digits, letter := 4, byte('u')
	if r > 0xffff {
		digits, letter = 8, 'U'
	}
	dst = append(dst, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&15])
	}
	return dst
}

// harmful reports whether a rune past ASCII may act on a terminal or deceive
// its reader: C1 controls, line and paragraph separators, bidirectional marks,
// overrides and isolates, zero-width and invisible characters, tags, variation
// selectors, non-characters and the private use areas.
func harmful(r rune) bool {
	switch {
	case r < 0xa0: // C1
		return true
	case r < 0x0300:
		return r == 0xad // soft hyphen
	case r == 0x034f, r == 0x061c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xfeff, r == 0xffa0:
		return true
	case r >= 0x180b && r <= 0x180f,
		r >= 0x200b && r <= 0x200f,
		r >= 0x2028 && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f,
		r >= 0xe000 && r <= 0xf8ff,
		r >= 0xfe00 && r <= 0xfe0f,
		r >= 0xfff0 && r <= 0xffff && r != utf8.RuneError,
		r >= 0x1bca0 && r <= 0x1bca3,
		r >= 0x1d173 && r <= 0x1d17a,
		r >= 0xe0000:
		return true
	}
	return false
}

// appendDecoded is appendClean for text that a server escaped: \" \\ \/ lose
// their backslash, \xNN and \t \n … become the byte they stand for and then go
// through cleaning. An escape whose byte can't be shown stays as it was written.
func appendDecoded(dst, b []byte) []byte {
	for len(b) > 0 {
		if b[0] != '\\' || len(b) < 2 {
			n := 1
			for n < len(b) && b[n] != '\\' {
				n++
			}
			dst = appendClean(dst, b[:n])
			b = b[n:]
			continue
		}
		switch c := b[1]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
			b = b[2:]
		case 'x', 'X':
			n := 0
			dst, n = appendHexRun(dst, b)
			b = b[n:]
		default:
			dst = append(dst, '\\')
			b = b[1:]
		}
	}
	return dst
}

// appendHexRun decodes the \xNN escape at the start of b, with those that
// follow when together they make one UTF-8 character. It returns how much of b
// it used.
func appendHexRun(dst, b []byte) ([]byte, int) {
	var raw [utf8.UTFMax]byte
	n := 0
	for n < len(raw) && len(b) >= 4*n+4 && b[4*n] == '\\' && b[4*n+1]|0x20 == 'x' {
		hi, lo := unhex(b[4*n+2]), unhex(b[4*n+3])
		if hi > 15 || lo > 15 {
			break
		}
		raw[n] = hi<<4 | lo
		n++
		if raw[0] < utf8.RuneSelf {
			break
		}
	}
	if n == 0 {
		return append(dst, b[0]), 1
	}
	r, size := utf8.DecodeRune(raw[:n])
	if r == utf8.RuneError || r < 0x20 || r == 0x7f || r >= 0x80 && harmful(r) {
		// The written escape is ASCII already and says the same.
		size = max(1, min(size, n))
		return append(dst, b[:4*size]...), 4 * size
	}
	return append(dst, raw[:size]...), 4 * size
}

// unhex returns the value of a hexadecimal digit, 255 for anything else.
func unhex(c byte) byte { return hexValues[c] }

var hexValues = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range hexDigits {
		t[c] = byte(i)
		if i >= 10 {
			t[c-0x20] = byte(i)
		}
	}
	return t
}()

// isBinary reports whether a line looks like the inside of a binary file: a
// NUL byte, or more than three in ten bytes unprintable.
func isBinary(b []byte) bool {
	bad := 0
	for _, c := range b {
		if c == 0 {
			return true
		}
		if c < 0x20 && c != '\t' || c == 0x7f {
			bad++
		}
	}
	return 10*bad > 3*len(b)
}

// trimSpace cuts blanks and tabs from both ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

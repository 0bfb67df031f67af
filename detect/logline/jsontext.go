package logline

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnquoted decodes the inside of a JSON string (RFC 8259 section 7) and
// cleans it on the way. What is no valid escape stays as it is. Loggers that
// log their strings twice escaped (\\x1b) keep their visible form.
func appendUnquoted(dst, b []byte) []byte {
	for len(b) > 0 {
		n := 0
		for n < len(b) && b[n] != '\\' {
			n++
		}
		dst = appendClean(dst, b[:n])
		if b = b[n:]; len(b) == 0 {
			break
		}
		r, size := unquoteRune(b)
		var raw [utf8.UTFMax]byte
		dst = appendClean(dst, raw[:utf8.EncodeRune(raw[:], r)])
		b = b[size:]
	}
	return dst
}

// unquoteRune reads the escape at the start of b and returns its length.
func unquoteRune(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return '\\', 1
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := fourHex(b[2:])
		if !ok {
			break
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if low, ok := fourHex(b[8:]); ok {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					return both, 12
				}
			}
		}
		return utf8.RuneError, 6
	}
	return '\\', 1
}

func fourHex(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		d := unhex(c)
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// unquoteInto decodes the inside of a JSON string without cleaning it, for a
// log line inside a log line that is parsed and cleaned in its turn. A newline
// at its end is cut off.
func unquoteInto(dst, b []byte) []byte {
	for len(b) > 0 {
		if b[0] != '\\' {
			dst = append(dst, b[0])
			b = b[1:]
			continue
		}
		r, size := unquoteRune(b)
		dst = utf8.AppendRune(dst, r)
		b = b[size:]
	}
	for len(dst) > 0 && (dst[len(dst)-1] == '\n' || dst[len(dst)-1] == '\r') {
		dst = dst[:len(dst)-1]
	}
	return dst
}

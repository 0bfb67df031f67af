// Package jsonl writes what stands in JSON lines made by hand, where a line is
// made for each request.
package jsonl

import "unicode/utf8"

// AppendString appends v as a JSON string, whatever bytes it holds: what JSON
// needs is escaped, DEL with it, and a byte that is no UTF-8 becomes the
// replacement character. The result is one line.
func AppendString(b, v []byte) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(v); {
		c := v[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, n := utf8.DecodeRune(v[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		i++
	}
	return append(b, '"')
}

package logline

import (
	"bytes"
	"testing"

	"levee/detect"
)

// TestPlainPrefix puts every byte at every place of texts of all lengths up to
// two strides and a bit.
func TestPlainPrefix(t *testing.T) {
	for n := range 75 {
		for at := range n {
			for c := range 256 {
				b := bytes.Repeat([]byte{'~'}, n)
				b[at] = byte(c)
				if at+1 < n {
					b[at+1] = '\n' // what comes after it must not count
				}
				want := at
				if plainByte(byte(c)) {
					want = min(at+1, n)
				}
				if got := plainPrefix(b); got != want {
					t.Fatalf("%q: %d bytes are plain, want %d", b, got, want)
				}
			}
		}
		if got := plainPrefix(bytes.Repeat([]byte{' '}, n)); got != n {
			t.Fatalf("%d of %d blanks are plain", got, n)
		}
	}
}

func TestParseFirstCutsLines(t *testing.T) {
	const line = `192.0.2.7 - - [12/Mar/2026:09:15:02 +0100] "GET / HTTP/1.1" 200 512 "-" "x"`
	for _, c := range []struct{ text, line, rest string }{
		{line + "\n" + line + "\n", line, line + "\n"},
		{line, line, ""},
		{line + "\n", line, ""},
		{line + "\r\n\n", line + "\r", "\n"},
		{line + " \"\xc3\xbc\"\nx", line + " \"\xc3\xbc\"", "x"},
		{"\n" + line, "", line},
		{"\\\n", "\\", ""},
		{"\\", "\\", ""},
		{"\r", "\r", ""},
	} {
		var request detect.Request
		p, _ := New(Options{})
		q, _ := New(Options{})
		got, rest, k, err := p.ParseFirst([]byte(c.text), &request)
		if string(got) != c.line || string(rest) != c.rest {
			t.Errorf("%q: cut into %q and %q", c.text, got, rest)
		}
		if kind, e := q.Parse([]byte(c.line), &request); kind != k || e != err || p.plain != q.plain {
			t.Errorf("%q: %v %v plain %v, as a line alone %v %v %v", c.text, k, err, p.plain, kind, e, q.plain)
		}
	}
}

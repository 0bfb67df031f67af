package logline

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"levee/detect"
)

// plainSeeds are lines that the short way takes, and neighbours that it must
// leave to the long one.
var plainSeeds = []string{
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET /a?b=c HTTP/1.1" 200 612 "https://example.com/" "Mozilla/5.0 (X11)"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "POST /login HTTP/2.0" 401 0 "-" "-"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/3.0" 000 1234567 "-" "curl/8"`,
	`2001:db8:85a3::8a2e:370:7334 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`::ffff:192.0.2.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`2001:db8::7%eth0 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`[2001:db8::7]:443 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`:: - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`- - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12345678 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET  / HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET /  HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET - HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET /a b HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET /"x" HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "cu"rl"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8" 0.003`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "a"b" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 - "-" "curl/8"`,
	`203.0.113.7 - bo [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`256.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [35/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "PUT / HTTP/1.1" 200 12 "-" "curl/8"`,
	`203.0.113.7 - - [25/Oct/2016:14:49:33 +0200] "GET / HTTP/1.1" 200 12 "-" "curl/8`,
}

// checkShortWay compares both ways through a line.
func checkShortWay(t *testing.T, line []byte) {
	t.Helper()
	short, long := &Parser{plain: true}, &Parser{plain: true}
	short.arena, long.arena = &short.own, &long.own
	blank := detect.Request{Bytes: -1, Duration: -1}
	r, want := blank, blank
	if !short.plainCombined(line, &r) {
		if !reflect.DeepEqual(r, blank) {
			t.Fatalf("refused %q, and left %+v behind", line, r)
		}
		return
	}
	k, ok := long.anyCLF(line, &want)
	if !ok || k != detect.Access || !reflect.DeepEqual(r, want) || short.name != long.name {
		t.Fatalf("%q\nshort way %+v as %q\nlong way  %+v as %q, %v, %v", line, r, short.name, want, long.name, k, ok)
	}
}

func TestShortWayThroughCombined(t *testing.T) {
	taken := 0
	for _, line := range plainSeeds {
		checkShortWay(t, []byte(line))
		p := &Parser{plain: true}
		if p.plainCombined([]byte(line), &detect.Request{}) {
			taken++
		}
	}
	if taken != 7 {
		t.Errorf("%d lines took the short way, 7 should", taken)
	}
}

func FuzzShortWay(f *testing.F) {
	for _, s := range plainSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if isPlain(line) && len(line) <= MaxLine {
			checkShortWay(t, line)
		}
	})
}

// TestNumbersInWords compares the readers that take several bytes at once with
// those that take one, over all lengths of all parts and what may follow.
func TestNumbersInWords(t *testing.T) {
	parts := []string{"", "0", "7", "10", "99", "255", "256", "999", "1000", "a", "-", "\xff", ":", "/", "1\x80"}
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				for _, d := range parts {
					text := []byte(strings.Join([]string{a, b, c, d}, "."))
					checkIPv4(t, text)
				}
			}
		}
	}
	for _, text := range []string{"", "1..2.3", "1.2.3", "1.2.3.4.5", "1,2,3,4", "....", "1.2.3.4", "111.111.111.111", "1111111111111111111"} {
		checkIPv4(t, []byte(text))
	}
	for _, text := range []string{"", "x", "0", "7", "10", "1234567", "12345678", "0000001", "9999999", "12a4", "1\xff", "/1", ":1"} {
		b := append([]byte(text), "         "...)
		v, n := leadingNumber(b)
		digits := bytes.IndexFunc(b, func(r rune) bool { return r < '0' || r > '9' })
		if digits > 7 {
			digits = 0
		}
		want, _ := count(b[:digits])
		if n != digits || v != want {
			t.Errorf("%q reads as %d in %d digits, want %d in %d", text, v, n, want, digits)
		}
	}
}

func checkIPv4(t *testing.T, text []byte) {
	t.Helper()
	for _, after := range []string{" ", ".", ":8", "\x00"} {
		b := append(append([]byte(nil), text...), after...)
		want, n := bytesIPv4(b)
		b = append(b, "                   "...)
		if got, m := wordsIPv4((*[19]byte)(b)); got != want || n != m {
			t.Fatalf("%q reads as %v in %d bytes, want %v in %d", text, got, m, want, n)
		}
	}
}

func BenchmarkLeadingIPv4(b *testing.B) {
	texts := []string{"203.0.113.7 - - [25", "8.8.4.4 - - [25/Oct", "192.168.100.200 - -", "1.22.33.244 - - [25", "77.8.99.1 - - [25/O"}
	for i := range b.N {
		if _, n := leadingIPv4([]byte(texts[i*7%5])); n == 0 {
			b.Fatal(i)
		}
	}
}

package logline

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"levee/detect"
)

// maxArena bounds what one line may cost in rewritten text: four times its
// length, for each of the few fields that may be taken from the same text.
const maxArena = 40*MaxLine + 2*arenaChunk

// checkParsed holds what every parsed line promises, whatever was in it.
func checkParsed(t *testing.T, p *Parser, line []byte, k detect.Kind, r *detect.Request, err error) {
	t.Helper()
	if (k == detect.Malformed) != (err != nil) {
		t.Fatalf("kind %v with error %v: %q", k, err, line)
	}
	if cap(p.own.buf) > maxArena {
		t.Fatalf("%d bytes kept for %d", cap(p.own.buf), len(line))
	}
	if k > detect.NoRequest {
		return
	}
	if r.Time <= -second*86400*2 || r.Status > 999 || r.Bytes < -1 || r.Duration < -1 {
		t.Fatalf("%+v from %q", r, line)
	}
	if (k == detect.Access) != (r.Method != nil && r.Target != nil) {
		t.Fatalf("%v with method %q and target %q: %q", k, r.Method, r.Target, line)
	}
	for _, a := range []netip.Addr{r.Source, r.Peer} {
		if a.Is4In6() || a.Zone() != "" {
			t.Fatalf("address %s from %q", a, line)
		}
	}
	for _, b := range [][]byte{r.Method, r.Target, r.Proto, r.Agent, r.Referer, r.Host, r.User, r.Client} {
		if b != nil && len(b) == 0 {
			t.Fatalf("an empty field that is not nil: %q", line)
		}
		if !utf8.Valid(b) {
			t.Fatalf("invalid UTF-8 %q from %q", b, line)
		}
		for _, c := range string(b) {
			if c < 0x20 || c == 0x7f || c >= 0x80 && harmful(c) {
				t.Fatalf("%U in %q from %q", c, b, line)
			}
		}
	}
}

// fuzzLines feeds lines to a Parser, twice each, so that what it has learnt
// from one is there for the next, and the same text to another that cuts it
// into lines itself.
func fuzzLines(f *testing.F, o Options, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		cutter, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			text := data
			for _, line := range bytes.Split(data, []byte("\n")) {
				var r, same detect.Request
				k, err := p.Parse(line, &r)
				checkParsed(t, p, line, k, &r, err)
				cut, rest, kind, cutErr := cutter.ParseFirst(text, &same)
				if !bytes.Equal(cut, line) || kind != k || cutErr != err || !reflect.DeepEqual(r, same) {
					t.Fatalf("%q: %v %v %+v\ncut off %q: %v %v %+v", line, k, err, r, cut, kind, cutErr, same)
				}
				text = rest
				p.Reset()
				cutter.Reset()
			}
		}
	})
}

const seedCombined = `192.0.2.7 - ana [12/Mar/2026:09:15:02 +0100] "GET /a?b=\"c HTTP/1.1" 200 512 "https://example.com/" "Mozilla/5.0 (\x1b\xC3\xBC)" "1.1.1.1, 10.0.0.1" 0.125`

func FuzzCommonFormats(f *testing.F) {
	fuzzLines(f, Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, seedCombined,
		`a:80 2001:db8::7%eth0 - - [12/Mar/2026:09:15:02 +0100] "\x16\x03" 400 0`,
		`"1.1.1.1, for=\x22[::1]:5\x22" ::ffff:192.0.2.7 - - [29/Feb/2028:23:59:60 -0330] "-" 408 - "-" "cut`,
		"192.0.2.7 - - [12/Mar/2026:09:15:02 +0100] \"GET /\x1b[31m\u202e\u0085\xff HTTP/1.1\" 200 9",
		`[12/Mar/2026:09:15:02 +0000] - 502 502 - GET https a "/x" [Client 192.0.2.7] [Length 9] [Gzip -] "x" "-"`,
		`[12/Mar/2026:09:15:02 +0000] _ 192.0.2.7 0.125 "GET /a HTTP/2.0" 207 125 440 - Mozilla/5.0 (X)`)
}

func FuzzJSON(f *testing.F) {
	fuzzLines(f, Options{},
		`{"time":"2026-03-12T09:15:02+01:00","remote_addr":"192.0.2.7","request":"GET /\u001b\ud83d HTTP/1.1","status":200,"request_time":1e-3,"http_user_agent":"a\\\"b"}`,
		`{"@timestamp":"2026-03-12T09:15:02Z","source":{"ip":"192.0.2.7"},"http.request":{"method":"GET"},"http":{"response.status_code":200},"url":{"path":"/a","query":"b"}}`,
		`{"ts":1773306902.25,"logger":"http.log.access","request":{"remote_ip":"10.0.0.1","method":"GET","uri":"/a","headers":{"X-Forwarded-For":["1.1.1.1","2.2.2.2"]}},"duration":2.5e-05,"status":200}`,
		`{"message":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET / HTTP/1.1\" 200 9\n"}`,
		`{"a":[[{"b":"]}"}]],"message":"{\"message\":\"{}\"}"}`)
}

func FuzzOtherFormats(f *testing.F) {
	fuzzLines(f, Options{},
		"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent) time-taken\n2026-03-12 09:15:02 192.0.2.7 GET /a b 200 \"x \"\"y\" 0.5",
		"2026-03-12\t09:15:02\tFRA2\t9\t192.0.2.7\tGET\td1\t/a\t200\t-\tx%20%1b\tb=c\t-\tHit\tid\ta\thttps\t62\t0.113\t-",
		`h2 2026-03-12T09:15:02.463821Z app/lb/49 192.0.2.7:44740 - -1 0.010 0.000 200 - 34 9 "GET https://a:443/a HTTP/2.0" "x" -`,
		`79a5 bucket [12/Mar/2026:09:15:02 +0000] 192.0.2.7 - 3E57 REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 9 9 70 10 "-" "x" -`,
		`192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/+1487 200 +9 - - ---- 2/1/0/0/0 0/0 {a.b|Mozilla/5.0 (X)|} {} "GET /a HTTP/1.1"`,
		`[2026-03-12T09:15:02.310Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 9 3 2 "1.1.1.1" "x" "id" "a" "10.1.1.1:80" in 127.0.0.6:1 10.1.1.1:80 192.0.2.7:55 o d`,
		`2026/03/12 09:15:02 [error] 40#40: *4 open() failed, client: 192.0.2.7, server: a`,
		`0 [2000-01-01T00:00:00] 0. "0`, `0 [0] "-00-00T000000000`, `192.0.2.7 - - [2026-03-12T09:15:02Z] "a.b" "GET / HTTP/1.1" 200 9`)
}

func FuzzEnvelopes(f *testing.F) {
	fuzzLines(f, Options{},
		`<134>1 2026-03-12T09:15:02.003Z web1 nginx 7 - [x@1 a="]\"" b="c"] `+seedCombined,
		`<134>Mar 12 09:15:02 web1 nginx: `+seedCombined,
		`2026-03-12T09:15:02.49+01:00 stdout F `+seedCombined,
		`web_1  | `+seedCombined,
		strings.Repeat("<1>Mar 12 09:15:02 a b: ", 4))
}

func FuzzFormatStrings(f *testing.F) {
	f.Add(`$remote_addr [$time_local] "$request" $status`, `192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200`)
	f.Add(`%v %h %l %u %t "%r" %>s %O "%{Referer}i" %D`, `a 192.0.2.7 - b c [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" 7`)
	f.Add(`log_format x escape=json '{"a":"$remote_addr","b":"$msec","c":"$request"}';`, `{"a":"192.0.2.7","b":"1773306902.125","c":"GET / HTTP/1.1"}`)
	f.Add("", `0 [01/MAY/2000:00:00:00] "A - HTTP/0" 0`)
	f.Add("#Fields: date time c-ip cs-method cs-uri", "2026-03-12 09:15:02 192.0.2.7 GET /a")
	f.Fuzz(func(t *testing.T, format, line string) {
		p, err := New(Options{Format: format})
		if err != nil {
			return
		}
		var r detect.Request
		k, err := p.Parse([]byte(line), &r)
		checkParsed(t, p, []byte(line), k, &r, err)
	})
}

// FuzzAddress compares with the standard library's reading of addresses.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "::", "::1", "1::", "2001:db8::7%eth0", "::ffff:192.0.2.7", "1:2:3:4:5:6:7:8", "[::1]:80", "192.0.2.7:80", "01.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1::", "0.0.0.0:0000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := address([]byte(s))
		want, err := netip.ParseAddr(s)
		if err != nil {
			if ap, aerr := netip.ParseAddrPort(s); aerr == nil {
				want, err = ap.Addr(), nil
			}
		}
		if err != nil {
			return // logs hold forms that the library refuses, such as 010.1.2.3
		}
		if want = want.WithZone("").Unmap(); !ok || got != want {
			t.Fatalf("%q: %v %v, the library reads %v", s, got, ok, want)
		}
	})
}

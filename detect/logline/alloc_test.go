package logline

import (
	"testing"

	"levee/detect"
)

// TestParsingAllocatesNothing holds the promise of the package for every
// family, decoding and joining included.
func TestParsingAllocatesNothing(t *testing.T) {
	for _, c := range []struct {
		name, format string
		lines        []string
	}{
		{"combined", "", []string{
			`192.0.2.7 - - [12/Mar/2026:09:15:02 +0100] "GET /a\"b HTTP/1.1" 200 9 "-" "M\xC3\xBC` + "\x1b" + `" "1.1.1.1"`,
			`2001:db8::7%eth0 - - [12/Mar/2026:09:15:03 +0100] "GET / HTTP/1.1" 200 9`,
			`host.example.com - - [13/Mar/2026:09:15:03 +0100] "\x16" 400 9`,
			`no log line`, ``, "\x00",
		}},
		{"JSON", "", []string{string(nginxJSONLines[0]), string(caddyLines[0]), string(ecsLines[0]),
			`{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request_method":"GET","document_uri":"/\u00fc","args":"b","status":200}`,
			`{"log":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 9\n","stream":"stdout"}`, `{"no":"request"}`, `{`}},
		{"log_format", `$remote_addr [$time_local] "$request" $status "$http_accept"`, []string{`192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET /\"a HTTP/1.1" 200 "*/*"`, `x`}},
		{"W3C", "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)", []string{`2026-03-12 09:15:02 192.0.2.7 GET /a b=c 200 Mozilla/5.0+(X)`}},
		{"others", "", []string{
			"2026-03-12\t09:15:02\tFRA2\t9\t192.0.2.7\tGET\td1\t/a\t200\t-\tMozilla/5.0%20(X)\tb=c\t-\tHit\tid\ta\thttps\t62\t0.113\t-",
			`h2 2026-03-12T09:15:02.463821Z app/lb/49 192.0.2.7:44740 - -1 0.010 0.000 200 - 34 9 "GET https://a:443/a HTTP/2.0" "x" -`,
			`<134>Mar 12 09:15:02 lb1 haproxy[7]: 192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 {a.b|x} {} "GET /a HTTP/1.1"`,
			`[2026-03-12T09:15:02.310Z] "POST /a HTTP/2" 204 - 154 9 226 100 "192.0.2.7" "x" "id" "a" "tcp://10.0.2.1:80"`,
			`[12/Mar/2026:09:15:02 +0000] - 502 502 - GET https a "/x" [Client 192.0.2.7] [Length 9] [Gzip -] "x" "-"`,
			`[12/Mar/2026:09:15:02 +0000] _ 192.0.2.7 0.125 "GET /a HTTP/2.0" 207 125 440 - Mozilla/5.0 (X)`,
			`2026/03/12 09:15:02 [error] 40#40: *4 open() failed, client: 192.0.2.7, server: a`,
			`Mar 12 09:15:02 web1 cron[7]: job done`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(Options{Format: c.format})
			if err != nil {
				t.Fatal(err)
			}
			var r detect.Request
			lines := make([][]byte, len(c.lines))
			for i, l := range c.lines {
				lines[i] = []byte(l)
			}
			round := func() {
				for _, l := range lines {
					_, _ = p.Parse(l, &r) // malformed lines are among them on purpose
				}
				p.Reset()
			}
			round()
			if n := testing.AllocsPerRun(20, round); n > 0 {
				t.Errorf("%v allocations for %d lines", n, len(lines))
			}
		})
	}
}

package logline

import (
	"net/netip"
	"strings"
	"testing"

	"levee/detect"
)

// TestVariants holds what servers write when their log format is a little
// different from the one they come with.
func TestVariants(t *testing.T) {
	checkLines(t, Options{}, []lineCase{
		{"ingress-nginx", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9 "-" "curl/8" 512 0.006 [default-shop-80] [] 10.0.0.1:8080 9 0.006 200 4aeb`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 d=6ms ua=curl/8"},
		{"upstream times of two tries", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9 "-" "curl/8" "198.51.100.4" rt=0.125 ua="10.0.0.1:80, 10.0.0.2:80" us="502, 200" ut="0.1, 0.02" cs=-`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 d=125ms ua=curl/8"},
		{"request_time=", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9 "-" "curl/8" request_time=0.125`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 d=125ms ua=curl/8"},
		{"time_iso8601 in brackets", `192.0.2.7 - - [2026-03-12T09:15:02+01:00] "GET / HTTP/2.0" 200 9 "-" "curl/8"`,
			"access src=192.0.2.7 t=260312T081502 m=GET p=/ v=HTTP/2.0 s=200 b=9 ua=curl/8"},
		{"host after the time", `192.0.2.7 - ana [12/Mar/2026:09:15:02 +0000] shop.example.com "GET / HTTP/2.0" 200 9 "-" "curl/8"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 host=shop.example.com user=ana ua=curl/8"},
		{"host after the time, quoted", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "shop.example.com" "GET / HTTP/2.0" 200 9 "-" "curl/8"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 host=shop.example.com ua=curl/8"},
		{"host after the time, and a request that begins alike", `0 [2000-01-01T00:00:00] 0. "0`, "malformed"},
		{"brackets around less than a time", `0 [0] "-00-00T000000000`, "malformed"},
		{"host after the time, no request", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] shop.example.com "-" 400 9 "-" "-"`,
			"no_request src=192.0.2.7 t=260312T091502 s=400 b=9 host=shop.example.com"},
		{"a request that is a host", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "shop.example.com" 400 9 "-" "-"`,
			"no_request src=192.0.2.7 t=260312T091502 s=400 b=9"},
		{"a request for nothing", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET - HTTP/1.1" 400 9 "-" "-"`,
			"no_request src=192.0.2.7 t=260312T091502 s=400 b=9"},
		{"HTTP/2 preface", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "PRI * HTTP/2.0" 400 157 "-" "-"`,
			"access src=192.0.2.7 t=260312T091502 m=PRI p=* v=HTTP/2.0 s=400 b=157"},
		{"IPv6 with a port", `[2001:db8::1]:51234 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9`,
			"access src=2001:db8::1 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9"},

		{"JSON, numbers as strings and as fractions", `{"msec":"1773306902.125","remote_addr":"192.0.2.7","request":"GET /a HTTP/1.1","status":200.0,"body_bytes_sent":"9","request_time":"0.125"}`,
			"access src=192.0.2.7 t=260312T091502.125 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=125ms"},
		{"JSON, $uri and $args", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request_method":"GET","uri":"/a","args":"x=1","status":200}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a?x=1 s=200"},
		{"JSON, $request_uri and $args", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/a?x=1","args":"x=1","status":200}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a?x=1 s=200"},
		{"JSON, nested request and response", `{"time":"2026-03-12T09:15:02Z","client":"192.0.2.7","request":{"method":"GET","uri":"/a","protocol":"HTTP/1.1","headers":{"user_agent":"x","host":"a"}},"response":{"status":200,"body_bytes_sent":9}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 host=a ua=x"},
		{"Elasticsearch fields", `{"@timestamp":["2026-03-12T09:15:02.000Z"],"source.ip":["192.0.2.7"],"http.request.method":["GET"],"url.original":["/a"],"http.response.status_code":[200],"http.response.body.bytes":[ 9 ],"user_agent.original":["x"]}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200 b=9 ua=x"},
		{"Elasticsearch export", `{"_index":"filebeat-1","_source":{"@timestamp":"2026-03-12T09:15:02.000Z","source":{"ip":"192.0.2.7"},"http":{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"original":"/a"}}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200"},
		{"Elastic Agent with the raw line", `{"@timestamp":"2026-03-12T10:00:00.000Z","event":{"original":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 9 \"-\" \"x\""},"data_stream":{"dataset":"nginx.access"}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 ua=x"},
		{"Caddy, durations in words", `{"level":"info","ts":"2026-03-12T09:15:02.25Z","logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","method":"GET","host":"a","uri":"/a","proto":"HTTP/1.1"},"duration":"1.5ms","size":0,"status":200}`,
			"access src=192.0.2.7 t=260312T091502.25 m=GET p=/a v=HTTP/1.1 s=200 b=0 d=1.5ms host=a"},
		{"Caddy, an older 2.x", `{"level":"error","ts":1773306902.25,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_addr":"[2001:db8::7]:5000","proto":"HTTP/2.0","method":"GET","host":"a","uri":"/a","headers":{"User-Agent":["x"]}},"common_log":"2001:db8::7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/2.0\" 502 9","duration":1.5,"size":9,"status":502}`,
			"access src=2001:db8::7 t=260312T091502.25 m=GET p=/a v=HTTP/2.0 s=502 b=9 d=1.5s host=a ua=x"},
		{"Traefik, when it began", `{"ClientHost":"192.0.2.7","DownstreamStatus":200,"Duration":1500000000,"RequestHost":"a","RequestMethod":"GET","RequestPath":"/a?b=c","StartLocal":"2026-03-12T10:15:02.5+01:00","StartUTC":"2026-03-12T09:15:02.5Z","time":"2026-03-12T09:15:04Z"}`,
			"access src=192.0.2.7 t=260312T091502.5 m=GET p=/a?b=c s=200 d=1.5s host=a"},
		{"Envoy, no upstream", `[2026-03-12T09:15:02.310Z] "- - HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-"`,
			"no_request t=260312T091502.31 s=400 b=11 d=0s"},
		{"Cloudflare, RFC 3339", `{"ClientIP":"2001:db8::7","ClientRequestHost":"a","ClientRequestMethod":"GET","ClientRequestURI":"/a?b=c","EdgeStartTimestamp":"2026-03-12T09:15:02Z","EdgeResponseBytes":9,"EdgeResponseStatus":429}`,
			"access src=2001:db8::7 t=260312T091502 m=GET p=/a?b=c s=429 b=9 host=a"},
		{"Cloudflare, seconds", `{"ClientIP":"192.0.2.7","ClientRequestHost":"a","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeStartTimestamp":1773306902,"EdgeResponseStatus":200}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200 host=a"},

		{"Google Cloud load balancer", `{"httpRequest":{"latency":"0.0125s","protocol":"HTTP/2","referer":"https://a/","remoteIp":"192.0.2.7","requestMethod":"GET","requestSize":"90","requestUrl":"https://shop.example.com:8443/a?b=c","responseSize":"9","status":200,"userAgent":"x"},"insertId":"1","resource":{"type":"http_load_balancer"},"timestamp":"2026-03-12T09:15:02.25Z"}`,
			"access src=192.0.2.7 t=260312T091502.25 m=GET p=/a?b=c v=HTTP/2 s=200 b=9 d=12.5ms host=shop.example.com:8443 ref=https://a/ ua=x"},
		{"Google Cloud, no path", `{"httpRequest":{"remoteIp":"192.0.2.7","requestMethod":"GET","requestUrl":"https://shop.example.com","status":404},"timestamp":"2026-03-12T09:15:02Z"}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ s=404 host=shop.example.com"},
		{"Azure Front Door", `{"time":"2026-03-12T09:15:02Z","category":"FrontDoorAccessLog","properties":{"httpMethod":"GET","httpVersion":"2.0","requestUri":"https://shop.example.com:443/a?b=c","responseBytes":"9","userAgent":"x","clientIp":"192.0.2.7","socketIp":"192.0.2.7","timeTaken":"0.125","httpStatusCode":"403","hostName":"shop.example.com"}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a?b=c v=HTTP/2.0 s=403 b=9 d=125ms host=shop.example.com ua=x"},
		{"Azure Application Gateway", `{"timeStamp":"2026-03-12T09:15:02+00:00","category":"ApplicationGatewayAccessLog","properties":{"clientIP":"192.0.2.7","clientPort":5000,"httpMethod":"GET","originalRequestUriWithArgs":"/a?b=c","requestUri":"/a","requestQuery":"b=c","userAgent":"x","httpStatus":200,"httpVersion":"HTTP/1.1","receivedBytes":65,"sentBytes":9,"timeTaken":0.125,"originalHost":"shop.example.com"}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a?b=c v=HTTP/1.1 s=200 b=9 d=125ms host=shop.example.com ua=x"},
		{"Kong", `{"client_ip":"192.0.2.7","started_at":1773306902250,"latencies":{"request":12,"proxy":10},"request":{"method":"GET","uri":"/a?b=c","url":"https://a:8443/a","headers":{"host":"a","user-agent":"x"}},"response":{"status":200,"size":9}}`,
			"access src=192.0.2.7 t=260312T091502.25 m=GET p=/a?b=c s=200 b=9 d=12ms host=a ua=x"},

		{"HAProxy, IPv6", `2001:db8::7:5333 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/+1487 200 +9 - - ---- 2/1/0/0/0 0/0 "GET /a HTTP/2.0"`,
			"access src=2001:db8::7 t=260312T091502.143 m=GET p=/a v=HTTP/2.0 s=200 b=9 d=1.487s"},
		{"HAProxy, IPv4 in IPv6", `::ffff:192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 "GET /a HTTP/2.0"`,
			"access src=192.0.2.7 t=260312T091502.143 m=GET p=/a v=HTTP/2.0 s=200 b=9 d=1.487s"},
		{"HAProxy, IPv6 in brackets", `[2001:db8::7]:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 "GET /a HTTP/2.0"`,
			"access src=2001:db8::7 t=260312T091502.143 m=GET p=/a v=HTTP/2.0 s=200 b=9 d=1.487s"},
		{"HAProxy, option httpslog", `192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 "GET /a HTTP/2.0" 0/0000000000000000/0/0/0 shop.example.com/TLSv1.3/TLS_AES_256_GCM_SHA384`,
			"access src=192.0.2.7 t=260312T091502.143 m=GET p=/a v=HTTP/2.0 s=200 b=9 d=1.487s"},
		{"HAProxy 2.6 over UDP, RFC 5424, as it comes", `<134>1 2026-11-26T00:08:59.711922+00:00 - haproxy 27716 - - ::1:44210 [26/Nov/2026:00:08:59.711] in web/w 0/0/0/0/0 200 125 - - ---- 1/1/0/0/0 0/0 {[::1]:18081|Mozilla/5.0 #22quoted#22 (X) #1b} "GET /a?b=c#22d#23e HTTP/1.1"`,
			`access src=::1 t=261126T000859.711 m=GET p=/a?b=c"d#e v=HTTP/1.1 s=200 b=125 d=0s ua=Mozilla/5.0 "quoted" (X) #1b`},
		{"HAProxy 2.6 over UDP, RFC 3164, as it comes", `<134>Nov 26 00:08:59 localhost haproxy[27716]: 127.0.0.1:55098 [26/Nov/2026:00:08:59.748] in in/<NOSRV> 0/-1/-1/-1/0 404 56 - - LR-- 1/1/0/0/0 0/0 {127.0.0.1:18081|curl/7.88.1} "GET /no HTTP/1.1"`,
			"access src=127.0.0.1 t=261126T000859.748 m=GET p=/no v=HTTP/1.1 s=404 b=56 d=0s ua=curl/7.88.1"},
		{"nginx over UDP, as it comes", `<190>Nov 26 00:08:59 vm nginx: 127.0.0.1 - - [26/Nov/2026:00:08:59 +0000] "GET /a?b=c\x22d HTTP/1.1" 200 3 "-" "Mozilla/5.0 \x22quoted\x22 (X)"`,
			`access src=127.0.0.1 t=261126T000859 m=GET p=/a?b=c"d v=HTTP/1.1 s=200 b=3 ua=Mozilla/5.0 "quoted" (X)`},
		{"nginx over UDP without a host, JSON, as it comes", `<190>Nov 26 00:08:59 nginx: {"time":"2026-11-26T00:08:59+00:00","remote_addr":"127.0.0.1","request":"GET /a?b=c\"d HTTP/1.1","status":200,"ua":"Mozilla/5.0 \"quoted\" (X)","request_time":"0.004"}`,
			`access src=127.0.0.1 t=261126T000859 m=GET p=/a?b=c"d v=HTTP/1.1 s=200 d=4ms ua=Mozilla/5.0 "quoted" (X)`},
		{"HAProxy, failed handshake", `192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in/1: SSL handshake failure`, "other"},
		{"HAProxy, nobody spoke", `192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in in/<NOSRV> -1/-1/-1/-1/5002 408 212 - - cR-- 2/2/0/0/0 0/0 "<BADREQ>"`,
			"no_request src=192.0.2.7 t=260312T091502.143 s=408 b=212 d=5.002s"},
		{"ALB, given up by the client", `http 2026-03-12T09:15:02.463821Z app/lb/49 192.0.2.7:44740 - -1 -1 -1 460 - 34 0 "GET http://a:80/ HTTP/1.1" "-" - - - "Root=1" "-" "-" 0 2026-03-12T09:15:02.460000Z "forward" "-" "-" "-" "-" "-" "-" TID_1`,
			"access src=192.0.2.7 t=260312T091502.463821 m=GET p=/ v=HTTP/1.1 s=460 b=0 host=a:80"},
		{"ALB, IPv6", `https 2026-03-12T09:15:02.463821Z app/lb/49 [2001:db8::7]:44740 10.0.0.1:80 0.001 0.010 0.000 200 200 34 9 "GET https://a:443/b HTTP/1.1" "x" ECDHE TLSv1.2 arn "Root=1" "a" "arn" 0 2026-03-12T09:15:02.460000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1`,
			"access src=2001:db8::7 t=260312T091502.463821 m=GET p=/b v=HTTP/1.1 s=200 b=9 d=11ms host=a:443 ua=x"},
		{"nginx proxy manager, cached", `[12/Mar/2026:09:15:02 +0000] HIT 200 - GET https a "/x" [Client 2001:db8::7] [Length 9] [Gzip 2.5] [Sent-to b] "x" "-"`,
			"access src=2001:db8::7 t=260312T091502 m=GET p=/x s=200 b=9 host=a ua=x"},
	})
}

// TestFormatChangesInMidFile reads one file whose server changed its format,
// twice, without being told.
func TestFormatChangesInMidFile(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := []struct{ line, format string }{
		{`192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200 9 "-" "x"`, "combined"},
		{`{"time":"2026-03-12T09:15:03Z","remote_addr":"192.0.2.7","request":"GET /b HTTP/1.1","status":200}`, "json"},
		{`192.0.2.7:53332 [12/Mar/2026:09:15:04.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 "GET /c HTTP/2.0"`, "haproxy"},
		{`[2026-03-12T09:15:05.310Z] "GET /d HTTP/2" 204 - 154 9 226 100 "192.0.2.7" "x" "id" "a" "tcp://10.0.2.1:80"`, "envoy"},
		{`#Fields: date time c-ip cs-method cs-uri-stem sc-status`, "envoy"},
		{`2026-03-12 09:15:06 192.0.2.7 GET /e 200`, "w3c"},
		{`#Fields: time date sc-status cs-uri-stem cs-uri-query cs-method c-ip`, "w3c"},
		{`09:15:07 2026-03-12 200 /f x=1 GET 192.0.2.7`, "w3c"},
		{`shop.example.com 192.0.2.7 - - [12/Mar/2026:09:15:08 +0000] "GET /g HTTP/1.1" 200 9 "-" "x"`, "vhost_combined"},
	}
	requests := 0
	for i, c := range lines {
		var r detect.Request
		k, err := p.Parse([]byte(c.line), &r)
		if err != nil || p.Format() != c.format {
			t.Errorf("line %d: %v, %v as %q, want %q", i+1, k, err, p.Format(), c.format)
		}
		if k == detect.Access {
			requests++
			if want := netip.MustParseAddr("192.0.2.7"); r.Source != want {
				t.Errorf("line %d comes from %v", i+1, r.Source)
			}
		}
	}
	if requests != 7 {
		t.Errorf("%d requests, want 7", requests)
	}
}

// TestForwardedVariants holds whose word counts behind trusted proxies, however
// a log writes the chain.
func TestForwardedVariants(t *testing.T) {
	o := Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("173.245.48.0/20"), netip.MustParsePrefix("2001:db8:aaaa::/48")}}
	const fields = "#Fields: date time cs-method cs-uri-stem c-ip sc-status X-Forwarded-For"
	for _, c := range []struct{ name, before, line, source string }{
		{"spoofed on the left", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "6.6.6.6, 198.51.100.4, 173.245.48.9"`, "198.51.100.4"},
		{"only the CDN", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "173.245.48.9"`, ""},
		{"garbage before a trusted one", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "198.51.100.4, garbage, 10.2.2.2"`, ""},
		{"a zone", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "fe80::9%eth0"`, "fe80::9"},
		{"ports", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "[2001:db8::9]:443, 10.2.2.2:80"`, "2001:db8::9"},
		{"a proxy by IPv6", "", `2001:db8:aaaa::1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "198.51.100.4 , 10.0.0.9"`, "198.51.100.4"},
		{"empty entries", "", `10.0.0.1 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "198.51.100.4,,10.2.2.2,"`, "198.51.100.4"},
		{"Forwarded", "", `{"time":"2026-03-12T09:15:02Z","remote_addr":"10.0.0.1","http_forwarded":"for=\"[2001:db8::9]:80\", for=10.0.0.3","request":"GET / HTTP/1.1","status":200}`, "2001:db8::9"},
		{"PROXY", "", `{"time":"2026-03-12T09:15:02Z","remote_addr":"10.0.0.1","proxy_protocol_addr":"198.51.100.4","request":"GET / HTTP/1.1","status":200}`, "198.51.100.4"},
		{"Caddy's list of headers", "", `{"level":"info","ts":1773306902.25,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.1","client_ip":"10.0.0.1","method":"GET","uri":"/a","headers":{"X-Forwarded-For":["6.6.6.6","198.51.100.4"]}},"status":200}`, "198.51.100.4"},
		{"IIS, blanks as plus signs", fields, "2026-03-12 09:15:02 GET /a 10.0.0.1 200 6.6.6.6,+198.51.100.4,+10.0.0.3", "198.51.100.4"},
		{"CloudFront, blanks escaped", "", "2026-03-12\t09:15:02\tFRA2\t9\t10.0.0.1\tGET\td1.cloudfront.net\t/a\t200\t-\tx\t-\t-\tHit\tid==\ta\thttps\t62\t0.113\t6.6.6.6,%20198.51.100.4,%2010.0.0.3\tTLSv1.3\tX\tHit\tHTTP/2.0\t-\t-", "198.51.100.4"},
	} {
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var r detect.Request
		if c.before != "" {
			_, _ = p.Parse([]byte(c.before), &r)
		}
		k, err := p.Parse([]byte(c.line), &r)
		got := ""
		if r.Source.IsValid() {
			got = r.Source.String()
		}
		if err != nil || k != detect.Access || got != c.source || !r.Peer.IsValid() {
			t.Errorf("%s: %v from %q by way of %v, want %q (%v)", c.name, k, got, r.Peer, c.source, err)
		}
	}
}

// TestGivenFormatsAsCopied takes formats as people copy them, whole or not.
func TestGivenFormatsAsCopied(t *testing.T) {
	const want = "access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200"
	for _, c := range []struct{ format, line string }{
		{`"%h %l %u %t \"%r\" %>s %b"`, `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200 -`},
		{`{"a":"%a","t":"%{%Y-%m-%dT%H:%M:%S%z}t","m":"%m","u":"%U","q":"%q","v":"%H","s":"%>s"}`, `{"a":"192.0.2.7","t":"2026-03-12T10:15:02+0100","m":"GET","u":"/a","q":"","v":"HTTP/1.1","s":"200"}`},
	} {
		checkLines(t, Options{Format: c.format}, []lineCase{{c.format, c.line, want}})
	}
	for format, mend := range map[string]string{
		"log_format main '$remote_addr [$time_local] \"$request\"": "is not closed",
		`{"a":"$remote_addr","t":"$time_iso8601"`:                  "up to its last brace",
		"$remote_addr $status":                                     "add $time_local",
		"%h %t %Q":                                                 "check its spelling",
		"combinde":                                                 "give one of combined",
	} {
		if _, err := New(Options{Format: format}); err == nil || !strings.Contains(err.Error(), mend) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

package logline

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"levee/detect"
)

func TestJSONFormats(t *testing.T) {
	checkLines(t, Options{}, []lineCase{
		{"nginx", `{"time":"2026-03-12T09:15:02+01:00","remote_addr":"192.0.2.7","request":"GET /a HTTP/1.1","status":200,"body_bytes_sent":512,"request_time":0.250,"http_referer":"","http_user_agent":"curl/8","http_host":"shop.example.com","remote_user":"ana"}`,
			"access src=192.0.2.7 t=260312T081502 m=GET p=/a v=HTTP/1.1 s=200 b=512 d=250ms host=shop.example.com user=ana ua=curl/8"},
		{"nginx, in parts and escaped", `{ "msec" : "1773306902.125", "remote_addr" : "2001:db8::7", "request_method" : "GET", "uri" : "/a\"b\u001b", "args" : "x=1", "status" : "404", "http_user_agent" : "a\\b\u202e\ud83d\ude00" }`,
			`access src=2001:db8::7 t=260312T091502.125 m=GET p=/a"b\x1b?x=1 s=404 ua=a\b\u202e😀`},
		{"path and query", `{"msec":1773306902.125,"remote_addr":"192.0.2.7","request_method":"GET","document_uri":"/a","query_string":"x=1","status":"404"}`,
			"access src=192.0.2.7 t=260312T091502.125 m=GET p=/a?x=1 s=404"},
		{"ECS, dotted", `{"@timestamp":"2026-03-12T09:15:02.5Z","source.ip":"192.0.2.7","http.request.method":"GET","url.original":"/a","http.response.status_code":200,"http.response.body.bytes":9,"http.version":"1.1","event.duration":1500000,"user.name":"ana","user_agent.original":"x","url.domain":"shop.example.com"}`,
			"access src=192.0.2.7 t=260312T091502.5 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=1.5ms host=shop.example.com user=ana ua=x"},
		{"ECS, nested", `{"@timestamp":"2026-03-12T09:15:02.5Z","client":{"ip":"192.0.2.7"},"source":{"ip":"10.0.0.1"},"http":{"request":{"method":"GET"},"response":{"status_code":200,"body":{"bytes":9}},"version":"2"},"url":{"path":"/a","query":"b=c"},"user_agent":{"original":"x","device":{"name":"Other"}},"agent":{"type":"filebeat"},"host":{"name":"web1"}}`,
			"access src=192.0.2.7 t=260312T091502.5 m=GET p=/a?b=c v=HTTP/2.0 s=200 b=9 ua=x"},
		{"ECS, mixed", `{"@timestamp":"2026-03-12T09:15:02Z","source":{"ip":"192.0.2.7"},"http.request":{"method":"GET"},"http":{"response.status_code":200},"url":{"original":"/a"}}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200"},
		{"Filebeat with the raw line", `{"@timestamp":"2026-03-12T10:00:00Z","message":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 9 \"-\" \"a\\\"b\"","agent":{"type":"filebeat"},"log":{"offset":7}}`,
			`access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 ua=a"b`},
		{"Docker with the raw line", `{"log":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 9\n","stream":"stdout","time":"2026-03-12T10:00:00Z"}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9"},
		{"journald with the raw line", `{"MESSAGE":"192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 9","SYSLOG_IDENTIFIER":"nginx","__REALTIME_TIMESTAMP":"1773306902000000"}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9"},
		{"journald of another program", `{"MESSAGE":[27,91,51],"_PID":"1"}`, "other"},
		{"Logstash", `{"clientip":"192.0.2.7","verb":"GET","request":"/a","httpversion":"1.1","response":"200","bytes":"9","timestamp":"12/Mar/2026:09:15:02 +0000","agent":"\"x\"","auth":"-"}`,
			`access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 ua="x"`},
		{"Caddy", `{"level":"info","ts":1773306902.25,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"shop.example.com","uri":"/a","headers":{"User-Agent":["x","y"],"Referer":["https://example.com/"]}},"duration":2.5e-05,"size":9,"status":200,"user_id":""}`,
			"access src=192.0.2.7 peer=10.0.0.1 t=260312T091502.25 m=GET p=/a v=HTTP/2.0 s=200 b=9 d=25µs host=shop.example.com ref=https://example.com/ ua=x"},
		{"Caddy's error for a request", `{"level":"error","ts":1773306902.25,"logger":"http.log.error","msg":"dial","request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/a"},"status":502}`, "error"},
		{"Caddy starting", `{"level":"info","ts":1773306902.25,"msg":"serving initial configuration"}`, "other"},
		{"Traefik", `{"ClientAddr":"192.0.2.7:39496","ClientHost":"192.0.2.7","ClientUsername":"-","DownstreamContentSize":9,"DownstreamStatus":200,"Duration":1500000,"RequestAddr":"a:80","RequestHost":"a","RequestMethod":"GET","RequestPath":"/a","RequestProtocol":"HTTP/1.1","StartUTC":"2026-03-12T09:15:02.587782192Z","request_User-Agent":"x","ServiceURL":{"Scheme":"http"}}`,
			"access src=192.0.2.7 t=260312T091502.587782192 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=1.5ms host=a ua=x"},
		{"Envoy", `{":authority":"a","bytes_sent":9,"downstream_remote_address":"[2001:db8::7]:43000","duration":15,"method":"GET","protocol":"HTTP/2","response_code":200,"response_flags":"-","start_time":"2026-03-12T09:15:02.743Z","user-agent":"x","path":"/a","x-forwarded-for":"198.51.100.4"}`,
			"access src=2001:db8::7 t=260312T091502.743 m=GET p=/a v=HTTP/2 s=200 b=9 d=15ms host=a ua=x"},
		{"Cloudflare", `{"ClientIP":"192.0.2.7","ClientRequestHost":"a","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeStartTimestamp":1773306902100000000,"EdgeEndTimestamp":1773306902123000000,"EdgeResponseBytes":9,"EdgeResponseStatus":200,"ClientRequestUserAgent":"x","ClientRequestProtocol":"HTTP/3","OriginResponseDurationMs":12}`,
			"access src=192.0.2.7 t=260312T091502.1 m=GET p=/a v=HTTP/3 s=200 b=9 d=12ms host=a ua=x"},
		{"no request in it", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request":"\u0016\u0003\u0001","status":400}`,
			"no_request src=192.0.2.7 t=260312T091502 s=400"},
		{"nested deeper than is looked", `{"a":` + strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200) + `}`, "other"},
		{"wrapped too often", strings.Repeat(`{"message":"{\"message\":\"{`, 3) + `"}`, "malformed"},
		{"another program's", `{"level":"info","msg":"hello"}`, "other"},
		{"cut short", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request":"GET / HT`, "malformed"},
		{"with something behind", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":200} x`, "malformed"},
		{"not quite JSON", `{"time":2026-03-12T09:15:02Z,"remote_addr":"192.0.2.7"}`, "malformed"},
		{"status that is none", `{"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":"ok"}`, "malformed"},
	})
}

func TestMappedJSONKeys(t *testing.T) {
	o := Options{Fields: map[string]string{"wer": "ip", "wann": "time", "was.wie": "method", "was.wo": "target", "antwort": "status", "fp": "header"}}
	checkLines(t, o, []lineCase{
		{"mapped", `{"wer":"192.0.2.7","wann":"2026-03-12T09:15:02Z","was":{"wie":"GET","wo":"/a"},"antwort":200,"fp":"x"}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200"},
		{"the usual ones still count", `{"remote_addr":"192.0.2.7","wann":"2026-03-12T09:15:02Z","request":"GET /a HTTP/1.1","antwort":200}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200"},
	})
	if _, err := New(Options{Fields: map[string]string{"x": "colour"}}); err == nil || !strings.Contains(err.Error(), "referer") {
		t.Errorf("%v", err)
	}
}

func TestHAProxyCaptures(t *testing.T) {
	const line = `10.1.1.1:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 {203.0.113.9|x|198.51.100.4, 10.2.2.2|} {} "GET /a HTTP/1.1"`
	const rest = " peer=10.1.1.1 t=260312T091502.143 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=1.487s"
	o := Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	checkLines(t, o, []lineCase{{"not named: nothing is believed", line, "access" + rest}})
	o.Fields = map[string]string{"capture.1": "host", "capture.2": "ua", "capture.3": "forwarded"}
	checkLines(t, o, []lineCase{{"named", line, "access src=198.51.100.4" + rest + " host=203.0.113.9 ua=x"}})
}

func TestOtherFormats(t *testing.T) {
	checkLines(t, Options{}, []lineCase{
		{"CloudFront", "2026-03-12\t09:15:02\tFRA2\t9\t192.0.2.7\tGET\td1.cloudfront.net\t/a\t200\t-\tMozilla/5.0%20(X)%1b\tb=c\t-\tHit\tid==\tshop.example.com\thttps\t62\t0.113\t-\tTLSv1.3\tX\tHit\tHTTP/2.0\t-\t-",
			`access src=192.0.2.7 t=260312T091502 m=GET p=/a?b=c v=HTTP/2.0 s=200 b=9 d=113ms host=shop.example.com ua=Mozilla/5.0 (X)\x1b`},
		{"ALB", `h2 2026-03-12T09:15:02.463821Z app/lb/49 192.0.2.7:44740 10.0.0.1:80 0.001 0.010 0.000 200 200 34 9 "GET https://shop.example.com:443/a?b HTTP/2.0" "x y" ECDHE TLSv1.2 arn "Root=1" "-" "-" 0`,
			"access src=192.0.2.7 t=260312T091502.463821 m=GET p=/a?b v=HTTP/2.0 s=200 b=9 d=11ms host=shop.example.com:443 ua=x y"},
		{"ELB", `2026-03-12T09:15:02.463821Z lb 192.0.2.7:2817 - -1 -1 -1 503 0 0 0 "GET http://a:80/ HTTP/1.1" "-" - -`,
			"access src=192.0.2.7 t=260312T091502.463821 m=GET p=/ v=HTTP/1.1 s=503 b=0 host=a:80"},
		{"ELB without a request", `2026-03-12T09:15:02.463821Z lb 192.0.2.7:2817 - -1 -1 -1 400 0 0 0 "- http://a:80- " "-" - -`,
			"no_request src=192.0.2.7 t=260312T091502.463821 s=400 b=0"},
		{"S3", `79a5 bucket [12/Mar/2026:09:15:02 +0000] 192.0.2.7 - 3E57 REST.GET.OBJECT a.html "GET /a.html HTTP/1.1" 200 - 9 9 70 10 "-" "S3Console/0.4" -`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a.html v=HTTP/1.1 s=200 b=9 d=70ms host=bucket ua=S3Console/0.4"},
		{"HAProxy behind syslog", `<134>Mar 12 09:15:02 lb1 haproxy[7]: 192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in~ app/web1 0/0/7/1457/1487 200 9 - - ---- 2/1/0/0/0 0/0 {shop.example.com|Mozilla/5.0 (X)|198.51.100.4|} {} "GET /a"b HTTP/1.1"`,
			`access src=192.0.2.7 t=260312T091502.143 m=GET p=/a"b v=HTTP/1.1 s=200 b=9 d=1.487s host=shop.example.com ua=Mozilla/5.0 (X)`},
		{"HAProxy, bad request", `192.0.2.7:53332 [12/Mar/2026:09:15:02.143] in in/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`,
			"no_request src=192.0.2.7 t=260312T091502.143 s=400 b=187 d=0s"},
		{"HAProxy, TCP", `Mar 12 09:15:02 lb1 haproxy[7]: 192.0.2.7:40962 [12/Mar/2026:09:15:02.285] main app/<NOSRV> -1/-1/1 212 SC 1/1/0/0/0 0/0`, "other"},
		{"Envoy", `[2026-03-12T09:15:02.310Z] "POST /a HTTP/2" 204 - 154 9 226 100 "192.0.2.7" "x" "id" "a" "tcp://10.0.2.1:80"`,
			"access src=192.0.2.7 t=260312T091502.31 m=POST p=/a v=HTTP/2 s=204 b=9 d=226ms host=a ua=x"},
		{"Istio", `[2026-03-12T09:15:02.310Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 9 3 2 "-" "curl/8" "id" "a:8000" "10.1.1.1:80" inbound|80|| 127.0.0.6:1 10.1.1.1:80 192.0.2.7:55 out_ default`,
			"access src=192.0.2.7 t=260312T091502.31 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=3ms host=a:8000 ua=curl/8"},
		{"nginx proxy manager", `[12/Mar/2026:09:15:02 +0000] - 502 502 - GET https a "/x y" [Client 192.0.2.7] [Length 9] [Gzip -] [Sent-to b] "x" "https://example.com/"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/x y s=502 b=9 host=a ref=https://example.com/ ua=x"},
		{"nginx proxy manager, no upstream", `[12/Mar/2026:09:15:02 +0000] - - 444 - GET https a "/x" [Client 192.0.2.7] [Length 0] [Gzip -] [Sent-to b] "-" "-"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/x s=444 b=0 host=a"},
		{"time first", `[12/Mar/2026:09:15:02 +0000] _ 192.0.2.7 0.125 "GET /a HTTP/2.0" 207 125 440 - Mozilla/5.0 (X)`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/2.0 s=207 b=125 d=125ms ua=Mozilla/5.0 (X)"},
		{"ssl_request_log", `[12/Mar/2026:09:15:02 +0000] 192.0.2.7 TLSv1.3 TLS_AES_128_GCM_SHA256 "GET /a HTTP/1.1" 1375`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 b=1375"},
		{"nginx error log", `2026/03/12 09:15:02 [error] 40#40: *4 open() failed, client: 192.0.2.7, server: a, request: "GET / HTTP/1.1"`, "error"},
		{"Apache error log", `[Thu Mar 12 09:15:02.958285 2026] [core:error] [pid 28] [client 192.0.2.7:59307] AH01075: no`, "error"},
		{"RFC 5424", `<134>1 2026-03-12T09:15:02.003Z web1 nginx 7 - [x@1 a="]\"" b="c"][y@1] 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"journalctl", `2026-03-12T09:15:02+0100 web1 nginx[7]: 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"container runtime", `2026-03-12T09:15:02.493035218+01:00 stdout F 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"container runtime, UTC", `2026-03-12T09:15:02.123456789Z stdout F 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"docker logs with times", `2026-03-12T09:15:02.123456789Z 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"a file that rsyslog wrote", `Mar 12 09:15:02 web1 nginx[812]: 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"a file that rsyslog wrote, high precision", `2026-03-12T09:15:02.123456+00:00 web1 nginx: 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"docker logs with times, JSON", `2026-03-12T09:15:02.123456789Z {"time":"2026-03-12T09:15:02Z","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":200}`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200"},
		{"docker logs with times, no log line", `2026-03-12T09:15:02.123456789Z starting up, please wait`, "malformed"},
		{"docker compose", `web_1  | 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"another program in syslog", `Mar  2 09:15:02 web1 cron[7]: job done`, "other"},
	})
}

func TestW3C(t *testing.T) {
	const fields = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes time-taken"
	const other = "#Fields: date time c-ip cs-method cs-uri sc-status cs(User-Agent) time-taken"
	const row = "2026-03-12 09:15:02 10.0.0.1 GET /a b=c 443 ana 192.0.2.7 Mozilla/5.0+(X) - 200 0 0 9 15"
	const want = "access src=192.0.2.7 t=260312T091502 m=GET p=/a?b=c s=200 b=9 d=15ms user=ana ua=Mozilla/5.0 (X)"
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ line, want string }{
		{row, "malformed"}, // one column more than IIS writes by itself
		{"#Software: Microsoft Internet Information Services 10.0", "other"},
		{fields, "other"},
		{row, want},
		{other, "other"},
		{`2026-03-12 09:15:02.5 192.0.2.8 HEAD /b?c 304 "say ""hi""" 0.5`, `access src=192.0.2.8 t=260312T091502.5 m=HEAD p=/b?c s=304 d=500ms ua=say ""hi""`},
		{row, want}, // the columns of before, without being announced again
		{"2026-03-12 09:15:02 192.0.2.8 HEAD /b?c 304 x", "malformed"},
		{"2026-03-12 09:15:02 10.0.0.1 GET /a - 443 - ::1%0 Mozilla/5.0 - 200 none 0 9 15", "malformed"},
		{"2026-03-12 09:15:02 10.0.0.1 GET /a - 80 - 192.0.2.7 x - 200 0 0 15", "access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200 d=15ms ua=x"},
	} {
		var r detect.Request
		k, _ := p.Parse([]byte(c.line), &r)
		if got := show(k, &r); got != c.want {
			t.Errorf("line %d\n got %s\nwant %s", i+1, got, c.want)
		}
	}
}

func TestGivenFormats(t *testing.T) {
	const line = `192.0.2.7 shop.example.com [12/Mar/2026:09:15:02 +0000] "GET /a\"b HTTP/1.1" 200 9 "-" "x" "198.51.100.4" 0.125`
	const want = `access src=192.0.2.7 t=260312T091502 m=GET p=/a"b v=HTTP/1.1 s=200 b=9 d=125ms host=shop.example.com ua=x`
	for _, c := range []struct{ name, format, line, want string }{
		{"nginx", `$remote_addr $host [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" $request_time`, line, want},
		{"nginx directive", "log_format main escape=default '$remote_addr ${host} [$time_local] '\n   '\"$request\" $status $body_bytes_sent \"$http_referer\" '\n '\"$http_user_agent\" \"$http_x_forwarded_for\" $request_time';", line, want},
		{"nginx, in parts", `$time_iso8601|$remote_addr|$request_method|$scheme://$host$request_uri|$status`, "2026-03-12T09:15:02+00:00|192.0.2.7|GET|https://a/b?c|200",
			"access src=192.0.2.7 t=260312T091502 m=GET p=/b?c s=200 host=a"},
		{"nginx, time in the middle", `$remote_addr $time_local $request_method $uri?$args $status`, "192.0.2.7 12/Mar/2026:09:15:02 +0000 GET /a?b=c 200",
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a?b=c s=200"},
		{"nginx, chain in front", `$http_x_forwarded_for - [$time_local] "$request" $status`, `198.51.100.4, 192.0.2.7 - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200"},
		{"nginx JSON", `log_format j escape=json '{"w":"$remote_addr","t":"$msec","r":"$request","s":"$status","u":"$http_user_agent"}';`,
			`{"w":"192.0.2.7","t":"1773306902.125","r":"GET /a HTTP/1.1","s":"200","u":"x"}`, "access src=192.0.2.7 t=260312T091502.125 m=GET p=/a v=HTTP/1.1 s=200 ua=x"},
		{"Apache, whole seconds beside microseconds", `%h %t "%r" %>s %b %T/%D`, `192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200 9 0/1500`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=1.5ms"},
		{"Apache", `%v %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D`, `a 192.0.2.7 - ana maria [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200 9 "-" "x" 1500`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200 b=9 d=1.5ms host=a user=ana maria ua=x"},
		{"Apache directive", `LogFormat "%a %{%Y-%m-%dT%H:%M:%S%z}t %m %U%q %H %s %{ms}T" mine`, `192.0.2.7 2026-03-12T09:15:02+0100 GET /a?b HTTP/2.0 200 42`,
			"access src=192.0.2.7 t=260312T081502 m=GET p=/a?b v=HTTP/2.0 s=200 d=42ms"},
		{"Apache, no query", `%a %{msec}t %m %U%q %s`, `192.0.2.7 1773306902125 GET /a 200`, "access src=192.0.2.7 t=260312T091502.125 m=GET p=/a s=200"},
		{"Apache, proxied", `%{c}a %a %t \"%r\" %>s`, `10.0.0.1 192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/1.1" 200`,
			"access src=192.0.2.7 peer=10.0.0.1 t=260312T091502 m=GET p=/a v=HTTP/1.1 s=200"},
		{"W3C", "#Fields: date time c-ip cs-method cs-uri sc-status", "2026-03-12 09:15:02 192.0.2.7 GET /a 200", "access src=192.0.2.7 t=260312T091502 m=GET p=/a s=200"},
		{"behind syslog", `$remote_addr [$time_local] "$request" $status`, `<190>Mar 12 09:15:02 web1 nginx: 192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200"},
		{"another line", `$remote_addr [$time_local] "$request" $status`, `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`, "malformed"},
	} {
		checkLines(t, Options{Format: c.format}, []lineCase{{c.name, c.line, c.want}})
	}
}

func TestHeaderHash(t *testing.T) {
	p, err := New(Options{Format: `$remote_addr [$time_local] "$request" $status "$http_accept_language" "$http_accept_encoding"`})
	if err != nil {
		t.Fatal(err)
	}
	hash := func(language, encoding string) uint64 {
		t.Helper()
		var r detect.Request
		if _, err := p.Parse([]byte(`192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 "`+language+`" "`+encoding+`"`), &r); err != nil {
			t.Fatal(err)
		}
		return r.Headers
	}
	a := hash("de", "gzip")
	if a == 0 || a != hash("de", "gzip") || a == hash("-", "gzip") || a == hash("gzip", "de") || hash("-", "-") == 0 {
		t.Error("the hash does not tell headers apart")
	}
}

// TestShippedFormats reads lines as nginx writes them with the formats that
// deploy/nginx recommends, by themselves and with the file given as the format.
func TestShippedFormats(t *testing.T) {
	const common = "access src=192.0.2.7 t=260312T091502"
	for _, c := range []struct{ file, line, want string }{
		{"log_format.conf", `{"msec":"1773306902.125","remote_addr":"192.0.2.7","http_x_forwarded_for":"","remote_user":"","host":"shop.example.com","request_method":"GET","request_uri":"/a?b=\"c","server_protocol":"HTTP/2.0","status":"200","body_bytes_sent":"9","request_time":"0.125","http_referer":"","http_user_agent":"x","http_accept":"*/*","http_accept_language":"","http_accept_encoding":"gzip","http_sec_ch_ua":"","http_sec_ch_ua_mobile":"","http_sec_ch_ua_platform":"","http_sec_fetch_site":"","http_sec_fetch_mode":"","http_sec_fetch_dest":"","http_upgrade_insecure_requests":"","http_connection":"","http_x_requested_with":""}`,
			common + `.125 m=GET p=/a?b="c v=HTTP/2.0 s=200 b=9 d=125ms host=shop.example.com ua=x`},
		{"log_format_combined.conf", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /a HTTP/2.0" 200 9 "-" "x" "-" host=shop.example.com rt=0.125`,
			common + ` m=GET p=/a v=HTTP/2.0 s=200 b=9 d=125ms host=shop.example.com ua=x`},
	} {
		conf, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nginx", c.file))
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(conf), "\nlog_format"); i < 0 {
			t.Fatalf("%s has no log_format", c.file)
		} else {
			conf = conf[i:]
		}
		checkLines(t, Options{}, []lineCase{{c.file, c.line, c.want}})
		checkLines(t, Options{Format: string(conf)}, []lineCase{{c.file + " given", c.line, c.want}})
		p, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		var r detect.Request
		if _, err := p.Parse([]byte(c.line), &r); err != nil {
			t.Fatal(err)
		}
		if carries := strings.Contains(string(conf), "http_accept"); (r.Headers != 0) != carries {
			t.Errorf("%s: header hash %x, want one: %v", c.file, r.Headers, carries)
		}
	}
}

func TestBadFormatStrings(t *testing.T) {
	for format, want := range map[string]string{
		`$remote_addr "$request" $status`:    "$time_local",
		`[$time_local] "$request" $status`:   "$remote_addr",
		`$remote_addr [$time_local] $status`: "$request",
		`$remote_addr$time_local "$request"`: "blank between",
		`%h %t "%r" %N`:                      "%N",
		`%h %{%A}t "%r"`:                     "%{%A}t",
	} {
		if _, err := New(Options{Format: format}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want a word about %s", format, err, want)
		}
	}
}

func TestFormatsChangeInMidFile(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, format string }{
		{`192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`, "common"},
		{`{"ts":1773306902.25,"request":{"remote_ip":"192.0.2.7","method":"GET","uri":"/a"},"size":9,"status":200}`, "caddy"},
		{`192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x"`, "combined"},
		{`<190>Mar 12 09:15:02 web1 nginx: a:80 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x"`, "vhost_combined"},
	} {
		var r detect.Request
		if k, err := p.Parse([]byte(c.line), &r); k != detect.Access || p.Format() != c.format {
			t.Errorf("%v (%v) as %s: %s", k, err, p.Format(), c.line)
		}
	}
}

func TestForwardedClientsInJSON(t *testing.T) {
	o := Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}}
	const caddy = `{"ts":1773306902,"request":{"remote_ip":"10.0.0.1","method":"GET","uri":"/a","headers":{"X-Forwarded-For":["1.1.1.1","198.51.100.4, 10.0.0.9"]}},"status":200}`
	const envoy = `{"start_time":"2026-03-12T09:15:02Z","downstream_remote_address":"192.0.2.1:5","method":"GET","path":"/a","response_code":200,"x-forwarded-for":"%s"}`
	checkLines(t, o, []lineCase{
		{"several headers of one name", caddy, "access src=198.51.100.4 peer=10.0.0.1 t=260312T091502 m=GET p=/a s=200"},
		{"a CDN's address is no client", strings.Replace(envoy, "%s", "192.0.2.99", 1), "access peer=192.0.2.1 t=260312T091502 m=GET p=/a s=200"},
		{"nor without a chain", strings.Replace(envoy, "%s", "-", 1), "access peer=192.0.2.1 t=260312T091502 m=GET p=/a s=200"},
		{"behind the CDN", strings.Replace(envoy, "%s", "198.51.100.4, 192.0.2.99", 1), "access src=198.51.100.4 peer=192.0.2.1 t=260312T091502 m=GET p=/a s=200"},
	})
}

func TestFormatNames(t *testing.T) {
	for _, f := range Formats() {
		if f.Name == "" || f.Text == "" {
			t.Errorf("%+v", f)
		}
		if _, err := New(Options{Format: f.Name}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

package logline

import "testing"

var nginxJSONLines = [][]byte{
	[]byte(`{"time_iso8601":"2026-03-12T09:15:02+00:00","remote_addr":"203.0.113.7","remote_user":"","request_method":"GET","request_uri":"/shop/item/48213?ref=home","server_protocol":"HTTP/1.1","status":"200","body_bytes_sent":"18342","request_time":"0.042","http_referer":"https://shop.example.com/","http_user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36","http_host":"shop.example.com","http_x_forwarded_for":""}`),
	[]byte(`{"time_iso8601":"2026-03-12T09:15:03+00:00","remote_addr":"2001:db8:85a3::8a2e:370:7334","remote_user":"","request_method":"POST","request_uri":"/api/v2/cart","server_protocol":"HTTP/2.0","status":"201","body_bytes_sent":"412","request_time":"0.108","http_referer":"","http_user_agent":"ShopApp/5.1 (Android 15)","http_host":"api.example.com","http_x_forwarded_for":""}`),
}

var caddyLines = [][]byte{
	[]byte(`{"level":"info","ts":1773306902.1539,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.7","remote_port":"46628","client_ip":"203.0.113.7","proto":"HTTP/2.0","method":"GET","host":"shop.example.com","uri":"/item/7","headers":{"Accept-Encoding":["gzip, deflate, br, zstd"],"Sec-Fetch-Site":["none"],"Accept":["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],"Accept-Language":["en-US,en;q=0.5"],"Sec-Fetch-Dest":["document"],"User-Agent":["Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"],"Sec-Fetch-Mode":["navigate"],"If-None-Match":["\"ddnp8sh5vg3i58\""]}},"bytes_read":0,"user_id":"","duration":0.000724332,"size":446,"status":200,"resp_headers":{"Server":["Caddy"],"Content-Type":["text/html; charset=utf-8"],"Vary":["Accept-Encoding"],"Etag":["\"ddnp8sh5vg3i58\""]}}`),
}

var ecsLines = [][]byte{
	[]byte(`{"@timestamp":"2026-03-12T09:15:02.000Z","event":{"dataset":"nginx.access","module":"nginx"},"http":{"request":{"method":"GET","referrer":"-"},"response":{"body":{"bytes":612},"status_code":200},"version":"1.1"},"input":{"type":"log"},"log":{"offset":8123,"file":{"path":"/var/log/nginx/access.log"}},"source":{"address":"203.0.113.7","ip":"203.0.113.7"},"url":{"original":"/shop/item/48213"},"user_agent":{"original":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"}}`),
}

func BenchmarkNginxJSON(b *testing.B) { benchmarkLines(b, Options{}, nginxJSONLines) }
func BenchmarkCaddyJSON(b *testing.B) { benchmarkLines(b, Options{}, caddyLines) }
func BenchmarkECSJSON(b *testing.B)   { benchmarkLines(b, Options{}, ecsLines) }

func BenchmarkLogFormat(b *testing.B) {
	benchmarkLines(b, Options{Format: `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`}, combinedLines)
}

func BenchmarkSyslogCombined(b *testing.B) {
	lines := make([][]byte, len(combinedLines))
	for i, l := range combinedLines {
		lines[i] = append([]byte("<190>Mar 12 09:15:02 web1 nginx: "), l...)
	}
	benchmarkLines(b, Options{}, lines)
}

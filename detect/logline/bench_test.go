package logline

import (
	"net/netip"
	"testing"

	"levee/detect"
)

// combinedLines are what a busy site writes: browsers, an app, a crawler.
var combinedLines = [][]byte{
	[]byte(`203.0.113.7 - - [12/Mar/2026:09:15:02 +0000] "GET /shop/item/48213?ref=home HTTP/1.1" 200 18342 "https://shop.example.com/" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"`),
	[]byte(`198.51.100.23 - - [12/Mar/2026:09:15:02 +0000] "GET /static/app.4f1c.js HTTP/2.0" 304 0 "https://shop.example.com/shop/item/48213" "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1"`),
	[]byte(`192.0.2.201 - ana [12/Mar/2026:09:15:02 +0000] "POST /api/v2/cart HTTP/1.1" 201 412 "-" "ShopApp/5.1 (Android 15)"`),
	[]byte(`2001:db8:85a3::8a2e:370:7334 - - [12/Mar/2026:09:15:03 +0000] "GET /robots.txt HTTP/1.1" 404 153 "-" "ExampleBot/2.1 (+https://bot.example.net/)"`),
}

func benchmarkLines(b *testing.B, o Options, lines [][]byte) {
	p, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	var r detect.Request
	bytes := 0
	for _, l := range lines {
		bytes += len(l) + 1
		if k, err := p.Parse(l, &r); k > detect.NoRequest {
			b.Fatalf("%v: %s", err, l)
		}
	}
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := p.Parse(lines[i], &r); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(lines) {
			i = 0
			p.Reset()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkCombined(b *testing.B) { benchmarkLines(b, Options{}, combinedLines) }

// BenchmarkTrustedProxies resolves clients behind a proxy that is one of many
// trusted ranges, as a CDN publishes them.
func BenchmarkTrustedProxies(b *testing.B) {
	var proxies []netip.Prefix
	for i := range 200 {
		proxies = append(proxies, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 20))
	}
	lines := [][]byte{
		[]byte(`10.7.1.1 - - [12/Mar/2026:09:15:02 +0000] "GET /shop/item/48213?ref=home HTTP/1.1" 200 18342 "-" "Mozilla/5.0 (X11)" "198.51.100.4, 10.99.3.3"`),
	}
	benchmarkLines(b, Options{TrustedProxies: proxies}, lines)
}

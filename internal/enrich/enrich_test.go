package enrich

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"levee/detect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublishedRanges(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]detect.Crawler{
		"66.249.66.77":         detect.CrawlerVerified,
		"::ffff:66.249.66.77":  detect.CrawlerVerified,
		"157.55.39.9":          detect.CrawlerVerified,
		"2001:4860:4801:10::1": detect.CrawlerVerified,
		"66.249.80.1":          detect.CrawlerUnknown,
		"203.0.113.9":          detect.CrawlerUnknown,
		"2001:4860:4860::8888": detect.CrawlerUnknown,
	} {
		if got := e.Facts(netip.MustParseAddr(addr)).Crawler; got != want {
			t.Errorf("%s: crawler state %d, want %d", addr, got, want)
		}
	}
}

// fakeDNS answers from tables; an address or name in neither is not found.
type fakeDNS struct {
	names map[string][]string
	addrs map[string][]string
	down  map[string]bool
}

func (f fakeDNS) LookupAddr(_ context.Context, a string) ([]string, error) {
	if f.down[a] {
		return nil, &net.DNSError{Err: "timeout", IsTimeout: true}
	}
	if n := f.names[a]; n != nil {
		return n, nil
	}
	return nil, &net.DNSError{IsNotFound: true}
}

func (f fakeDNS) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range f.addrs[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, &net.DNSError{IsNotFound: true}
	}
	return out, nil
}

func TestVerifyByDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := fakeDNS{
			names: map[string][]string{
				"198.51.100.1": {"crawl-1.googlebot.com."},
				"198.51.100.2": {"crawl-2.googlebot.com."},             // a lie: the name leads elsewhere
				"198.51.100.3": {"googlebot.com.attacker.example."},    // looks alike
				"198.51.100.4": {"notgooglebot.com."},                  // no dot before the domain
				"198.51.100.5": {"other.example.", "b.search.msn.com"}, // the second name counts, dot or not
			},
			addrs: map[string][]string{
				"crawl-1.googlebot.com.": {"198.51.100.1"},
				"crawl-2.googlebot.com.": {"192.0.2.1"},
				"b.search.msn.com.":      {"198.51.100.5"},
			},
			down: map[string]bool{"198.51.100.7": true},
		}
		e, err := New(Options{Resolver: dns})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		want := map[string]detect.Crawler{
			"198.51.100.1": detect.CrawlerVerified,
			"198.51.100.2": detect.CrawlerFalse,
			"198.51.100.3": detect.CrawlerFalse,
			"198.51.100.4": detect.CrawlerFalse,
			"198.51.100.5": detect.CrawlerVerified,
			"198.51.100.6": detect.CrawlerFalse,   // no name at all
			"198.51.100.7": detect.CrawlerUnknown, // DNS is away: says nothing
		}
		for addr := range want {
			if got := e.Facts(netip.MustParseAddr(addr)).Crawler; got != detect.CrawlerUnknown {
				t.Errorf("%s: state %d before DNS was asked", addr, got)
			}
			e.Claim(netip.MustParseAddr(addr))
		}
		synctest.Wait()
		for addr, w := range want {
			if got := e.Facts(netip.MustParseAddr(addr)).Crawler; got != w {
				t.Errorf("%s: state %d, want %d", addr, got, w)
			}
		}
		cancel()
		<-done
	})
}

func TestVerifierIsBounded(t *testing.T) {
	v := newVerifier(fakeDNS{})
	a := netip.MustParseAddr("198.18.0.0")
	for range 3 * verifyKept {
		a = a.Next()
		v.mu.Lock()
		v.keep(a, detect.CrawlerFalse)
		v.mu.Unlock()
	}
	if len(v.known) != verifyKept || len(v.order) != verifyKept {
		t.Errorf("holds %d answers in %d places, want %d", len(v.known), len(v.order), verifyKept)
	}
	for range 2 * verifyPending {
		a = a.Next()
		v.claim(a)
	}
	if len(v.ask) != verifyPending {
		t.Errorf("%d questions wait, want %d", len(v.ask), verifyPending)
	}
}

func TestGeoBadDatabase(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.mmdb")
	if err := os.WriteFile(bad, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{bad, filepath.Join(t.TempDir(), "missing.mmdb")} {
		if _, err := New(Options{Databases: []string{p}}); err == nil {
			t.Errorf("%s: opened", p)
		}
	}
}

func TestGeoAgainstMaxMindsOwn(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "logs")
	f, err := os.Open(filepath.Join(dir, "geoip", "expect.jsonl"))
	if err != nil {
		t.Skip("MaxMind's test databases are not here (../shared/logs/geoip)")
	}
	defer f.Close()
	type row struct {
		File, IP string
		Expect   struct {
			Country string
			ASN     *uint32
		}
	}
	open := map[string]*Enricher{}
	n := 0
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var r row
		if json.Unmarshal(sc.Bytes(), &r) != nil || r.Expect.Country == "" && r.Expect.ASN == nil {
			continue
		}
		e := open[r.File]
		if e == nil {
			if e, err = New(Options{Databases: []string{filepath.Join(dir, r.File)}}); err != nil {
				t.Fatal(err)
			}
			open[r.File] = e
		}
		n++
		got := e.Facts(netip.MustParseAddr(r.IP))
		if r.Expect.Country != "" && got.Country != r.Expect.Country {
			t.Errorf("%s in %s: country %q, want %q", r.IP, r.File, got.Country, r.Expect.Country)
		}
		if r.Expect.ASN != nil && got.ASN != *r.Expect.ASN {
			t.Errorf("%s in %s: AS%d, want AS%d", r.IP, r.File, got.ASN, *r.Expect.ASN)
		}
	}
	if n < 100 {
		t.Errorf("only %d rows compared", n)
	}
}

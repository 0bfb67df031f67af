package denylist

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"levee/actions"
	"levee/detect"
)

// goForm turns a PCRE of this package into one that Go's engine reads: it
// knows every construct used but the reference back to the host, which the
// tests with real servers cover.
func goForm(p string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(p, `\k<levee_host>`, `[^\x09]*`))
}

func composite(address, method, proto, host, uri, referer, agent string) string {
	return strings.Join([]string{address, method, proto, host, uri, referer, agent}, "\t")
}

func TestPatternMatchesWhatTheSignatureSays(t *testing.T) {
	const v4 = "\x01\x02\x03\x04" // Go matches runes: addresses below 0x80 are the same in both
	usual := composite(v4, "GET", "HTTP/1.1", "shop.example.com", "/product/42", "", "curl/8.5.0")
	for _, c := range []struct {
		name    string
		service string
		s       detect.Signature
		text    string
		want    bool
	}{
		{"path", "", detect.Signature{Path: "/product/*"}, usual, true},
		{"path with a query", "", detect.Signature{Path: "/product/*"}, composite(v4, "GET", "HTTP/1.1", "h", "/product/1?x=1", "", "a"), true},
		{"deeper path", "", detect.Signature{Path: "/product/*"}, composite(v4, "GET", "HTTP/1.1", "h", "/product/1/2", "", "a"), false},
		{"several segments", "", detect.Signature{Path: "/a-*.html/*/c*"}, composite(v4, "GET", "HTTP/1.1", "h", "/a-1.html/b/c9", "", "a"), true},
		{"part of an agent", "", detect.Signature{UserAgent: "*bot/*"}, composite(v4, "GET", "HTTP/1.1", "h", "/", "", "evilbot/2.0"), true},
		{"other path", "", detect.Signature{Path: "/login"}, usual, false},
		{"longer path", "", detect.Signature{Path: "/product/4"}, usual, false},
		{"agent", "", detect.Signature{UserAgent: "curl/8.5.0"}, usual, true},
		{"agent's dot is a dot", "", detect.Signature{UserAgent: "curl/8x5.0"}, usual, false},
		{"method too", "", detect.Signature{UserAgent: "curl/8.5.0", Method: "POST"}, usual, false},
		{"no referer", "", detect.Signature{Path: "/product/*", Referer: "absent"}, usual, true},
		{"a referer", "", detect.Signature{Path: "/product/*", Referer: "https://evil.example/"}, usual, false},
		{"a foreign site", "", detect.Signature{Referer: "evil.example"}, composite(v4, "GET", "HTTP/1.1", "h", "/", "http://evil.example/page", "a"), true},
		{"another site", "", detect.Signature{Referer: "evil.example"}, composite(v4, "GET", "HTTP/1.1", "h", "/", "http://evil.example.org/", "a"), false},
		{"an agent that was cut", "", detect.Signature{UserAgent: strings.Repeat("a", 200)}, composite(v4, "GET", "HTTP/1.1", "h", "/", "", strings.Repeat("a", 300)), true},
		{"no agent", "", detect.Signature{UserAgent: "absent"}, composite(v4, "GET", "HTTP/1.1", "h", "/", "", ""), true},
		{"no query", "", detect.Signature{Path: "/product/*", Query: "absent"}, usual, true},
		{"random query", "", detect.Signature{Path: "/product/*", Query: "random"}, usual, false},
		{"random query there", "", detect.Signature{Query: "random"}, composite(v4, "GET", "HTTP/1.1", "h", "/a?z=9", "", "a"), true},
		{"query template", "", detect.Signature{Query: "q=*&page=*"}, composite(v4, "GET", "HTTP/1.1", "h", "/s?q=shoe&page=2", "", "a"), true},
		{"query template, more", "", detect.Signature{Query: "q=*"}, composite(v4, "GET", "HTTP/1.1", "h", "/s?q=shoe&page=2", "", "a"), false},
		{"version", "", detect.Signature{Path: "/product/*", HTTPVersion: "1.1"}, usual, true},
		{"version 2", "", detect.Signature{Path: "/a", HTTPVersion: "HTTP/2"}, composite(v4, "GET", "HTTP/2.0", "h", "/a", "", "a"), true},
		{"other version", "", detect.Signature{Path: "/product/*", HTTPVersion: "HTTP/1.0"}, usual, false},
		{"service", "Shop.example.com", detect.Signature{Path: "/product/*"}, usual, true},
		{"other service", "api.example.com", detect.Signature{Path: "/product/*"}, usual, false},
		{"unlisted services", "_other", detect.Signature{Path: "/product/*"}, usual, true},
		{"prefix", "", detect.Signature{Prefix: "1.2.3.0/24"}, usual, true},
		{"odd prefix", "", detect.Signature{Prefix: "1.2.2.0/23"}, usual, true},
		{"other prefix", "", detect.Signature{Prefix: "1.2.4.0/24"}, usual, false},
		{"v6 prefix, v4 client", "", detect.Signature{Prefix: "102:304::/32"}, usual, false},
	} {
		s := c.s
		p, err := pattern(NginxMap, actions.Target{Signature: &s, Service: c.service})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := goForm(p).MatchString(c.text); got != c.want {
			t.Errorf("%s: %s on %q = %v", c.name, p, c.text, got)
		}
	}
}

func TestHexAddress(t *testing.T) {
	for _, c := range []struct {
		prefix, hex string
		want        bool
	}{
		{"203.0.113.0/24", "CB007107", true},
		{"203.0.114.0/24", "CB007107", false},
		{"203.0.112.0/22", "CB007107", true},
		{"203.0.116.0/22", "CB007107", false},
		{"2001:db8::/47", "20010DB8000100000000000000000001", true},
		{"2001:db8::/47", "20010DB8000200000000000000000001", false},
	} {
		p, err := addressPattern(HAProxyMap, c.prefix)
		if err != nil {
			t.Fatal(err)
		}
		if got := goForm("^" + p + "$").MatchString(c.hex); got != c.want {
			t.Errorf("%s: %s on %s = %v", c.prefix, p, c.hex, got)
		}
		if netip.MustParsePrefix(c.prefix).Addr().Is4() != (len(c.hex) == 8) {
			t.Errorf("row %s mixes families", c.prefix)
		}
	}
}

func TestTermsThatCannotBeSeenAreRefused(t *testing.T) {
	for name, s := range map[string]detect.Signature{
		"status":       {Path: "/", Status: "404"},
		"headers":      {Path: "/", Headers: "9f"},
		"asn":          {Path: "/", ASN: "64500"},
		"country":      {Path: "/", Country: "NL"},
		"empty":        {},
		"version":      {Path: "/", HTTPVersion: "other"},
		"method alone": {Method: "GET"},
		"no prefix":    {Prefix: "everything"},
		"endless":      {UserAgent: strings.Repeat("\x00", 1000)},
		"too long":     {UserAgent: strings.Repeat("\x00", 700), Path: "/" + strings.Repeat("\x00", 600)},
		"costly agent": {UserAgent: "*a*a*a*a*"},
		"costly path":  {Path: "/x/*-*-*.html"},
		"costly query": {Query: "a=*b*c*"},
	} {
		if p, err := pattern(NginxMap, actions.Target{Signature: &s}); err == nil {
			t.Errorf("%s: became %s", name, p)
		}
		d := actions.Decision{Verb: actions.Throttle, Target: actions.Target{Signature: &s}}
		l := open(t, Options{Style: HAProxyMap, Path: filepath.Join(t.TempDir(), "signatures.map")})
		if l.Handles(d) || l.WhyNot(d) == "" {
			t.Errorf("%s: it is taken, or nobody knows why not: %q", name, l.WhyNot(d))
		}
	}
}

// FuzzPattern holds that no value of a signature, however hostile, becomes
// syntax: the pattern is made of a few harmless bytes, survives the file and
// matches the very value it was made of.
func FuzzPattern(f *testing.F) {
	f.Add("/a", "random", "Mozilla/5.0 (X11)", "absent", "shop")
	f.Add("/\"; } server { #", "a=$host&*", "\";\n return 200;", "~.*", "x\ty")
	f.Add("/../${jndi}", "`id`", "(?i).*", "\\E.*\\Q", "*")
	f.Fuzz(func(t *testing.T, path, query, agent, referer, service string) {
		for _, style := range []Style{NginxMap, HAProxyMap} {
			target := actions.Target{Service: service, Signature: &detect.Signature{Path: "/" + path, Query: query, UserAgent: agent, Referer: referer, Method: "GET"}}
			p, err := pattern(style, target)
			if err != nil {
				continue
			}
			for _, c := range []byte(p) {
				if c <= ' ' || c > '~' || strings.IndexByte("\"';$#`", c) >= 0 && c != '$' {
					t.Fatalf("byte %q in %s", c, p)
				}
			}
			if strings.Count(p, "$") != 1 || !strings.HasSuffix(p, "$") {
				t.Fatalf("a $ inside %s", p)
			}
			e := patternEntry(target.Key(), p, classThrottle)
			b := book{e.key: e}
			b[e.key].wanted = nil
			read, err := parse(style, render(style, b))
			if err != nil || len(read) != 1 || read[e.key] == nil || read[e.key].pattern != p {
				t.Fatalf("round trip of %s: %+v %v", p, read, err)
			}
			goForm(p)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(header + "\n# until ever a\ndeny 192.0.2.1;\n"))
	f.Add([]byte(header + "\n# also 192.0.2.0/24 throttle until ever a\n192.0.2.0/24 block;\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, style := range []Style{Nginx, NginxGeo, NginxMap, Plain, HAProxy, HAProxyMap} {
			b, err := parse(style, file)
			if err != nil || style == NginxMap || style == HAProxyMap {
				continue
			}
			again, err := parse(style, render(style, b))
			if err != nil || len(again) != len(b) {
				t.Fatalf("%s: %d entries became %d, %v", style, len(b), len(again), err)
			}
		}
	})
}

func TestReplaceKeepsTheMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deny.conf")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := replace(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

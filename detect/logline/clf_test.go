package logline

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// show writes a request in one line, absent fields left out.
func show(k detect.Kind, r *detect.Request) string {
	var b strings.Builder
	b.WriteString(k.String())
	add := func(name string, v []byte) {
		if v != nil {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	if k > detect.NoRequest {
		return b.String()
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " src=%s", r.Source)
	}
	if r.Peer.IsValid() {
		fmt.Fprintf(&b, " peer=%s", r.Peer)
	}
	add("client", r.Client)
	fmt.Fprintf(&b, " t=%s", time.Unix(0, r.Time).UTC().Format("060102T150405.999999999"))
	add("m", r.Method)
	add("p", r.Target)
	add("v", r.Proto)
	if r.Status != 0 {
		fmt.Fprintf(&b, " s=%d", r.Status)
	}
	if r.Bytes >= 0 {
		fmt.Fprintf(&b, " b=%d", r.Bytes)
	}
	if r.Duration >= 0 {
		fmt.Fprintf(&b, " d=%s", time.Duration(r.Duration))
	}
	add("host", r.Host)
	add("user", r.User)
	add("ref", r.Referer)
	add("ua", r.Agent)
	return b.String()
}

type lineCase struct{ name, line, want string }

func checkLines(t *testing.T, o Options, cases []lineCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			var r detect.Request
			k, err := p.Parse([]byte(c.line), &r)
			if (err != nil) != (k == detect.Malformed) {
				t.Errorf("kind %v with error %v", k, err)
			}
			if got := show(k, &r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCommonLogFormats(t *testing.T) {
	checkLines(t, Options{}, []lineCase{
		{"combined", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0100] "GET /a?b=c HTTP/1.1" 200 512 "https://example.com/" "Mozilla/5.0 (X)"`,
			"access src=192.0.2.7 t=260312T081502 m=GET p=/a?b=c v=HTTP/1.1 s=200 b=512 ref=https://example.com/ ua=Mozilla/5.0 (X)"},
		{"common", `192.0.2.7 - ana [12/Mar/2026:09:15:02 -0330] "HEAD / HTTP/1.0" 304 -`,
			"access src=192.0.2.7 t=260312T124502 m=HEAD p=/ v=HTTP/1.0 s=304 user=ana"},
		{"user with a blank", `192.0.2.7 - ana maria [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 401 5`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=401 b=5 user=ana maria"},
		{"virtual host with port", `shop.example.com:443 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9 "-" "curl/8"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 host=shop.example.com:443 ua=curl/8"},
		{"IPv6", `2001:db8::17 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=2001:db8::17 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"IPv6 with zone", `fe80::1%eth0 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=fe80::1 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"IPv4 in IPv6", `::ffff:192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"host name for a client", `crawler.example.net - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access client=crawler.example.net t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"socket for a client", `unix: - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access client=unix: t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"nothing but a client in front", `192.0.2.7 [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"milliseconds", `192.0.2.7 - - [12/Mar/2026:09:15:02.250 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502.25 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"no answer", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "-" 408 -`,
			"no_request src=192.0.2.7 t=260312T091502 s=408"},
		{"TLS on a plain port", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "\x16\x03\x01\x02\x00 \x22x" 400 150 "-" "-"`,
			"no_request src=192.0.2.7 t=260312T091502 s=400 b=150"},
		{"word", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "hello" 400 150 "-" "-"`,
			"no_request src=192.0.2.7 t=260312T091502 s=400 b=150"},
		{"HTTP/0.9", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /" 400 150 "-" "-"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ s=400 b=150"},
		{"blank in the target", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /a b HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/a b v=HTTP/1.1 s=200 b=9"},
		{"bare quote in the target", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /?q="x" y HTTP/1.1" 200 9 "-" "a "b" c"`,
			`access src=192.0.2.7 t=260312T091502 m=GET p=/?q="x" y v=HTTP/1.1 s=200 b=9 ua=a "b`},
		{"escaped quotes", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /?q=\"200 \x22 HTTP/1.1" 200 9 "-" "say \"hi\" \\o/"`,
			`access src=192.0.2.7 t=260312T091502 m=GET p=/?q="200 " v=HTTP/1.1 s=200 b=9 ua=say "hi" \o/`},
		{"no status", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" - -`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1"},
		{"cut short in the user agent", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "Mozilla/5.0 (compat`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9 ua=Mozilla/5.0 (compat"},
		{"nginx request time", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" "-" 0.125`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9 d=125ms ua=x"},
		{"rt=", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" rt=1.5 uct="0.001"`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9 d=1.5s ua=x"},
		{"Traefik", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/2.0" 200 9 - "x" 17 "web@docker" "http://10.0.0.5:80" 42ms`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/2.0 s=200 b=9 d=42ms ua=x"},
		{"carriage return", "192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET / HTTP/1.1\" 200 9\r",
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"forwarding chain in front of nothing", `198.51.100.4, 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
			"access src=192.0.2.7 t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"},
		{"month that is none", `192.0.2.7 - - [12/Foo/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`, "malformed"},
		{"day that is none", `192.0.2.7 - - [31/Feb/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`, "malformed"},
		{"hour that is none", `192.0.2.7 - - [12/Mar/2026:24:15:02 +0000] "GET / HTTP/1.1" 200 9`, "malformed"},
		{"status that is none", `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 2x0 9`, "malformed"},
		{"prose", `Lorem ipsum dolor sit amet`, "malformed"},
		{"empty", ``, "other"},
		{"comment", `# a comment`, "other"},
		{"NUL bytes", "\x00\x01\x02", "malformed"},
	})
}

func TestTextIsHarmless(t *testing.T) {
	const head = `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" `
	for _, c := range []struct{ name, agent, want string }{
		{"escape sequence", "\x1b[31mred\x1b]0;t\x07", `\x1b[31mred\x1b]0;t\x07`},
		{"C1 control", "a\u009bb", `a\u009bb`},
		{"invalid UTF-8", "a\xff\xfeb", `a\xff\xfeb`},
		{"bidirectional override", "abc\u202ecba", `abc\u202ecba`},
		{"isolate", "a\u2066b", `a\u2066b`},
		{"zero width", "a\u200bb\ufeffc", `a\u200bb\ufeffc`},
		{"delete", "a\x7fb", `a\x7fb`},
		{"tag character", "a\U000e0041", `a\U000e0041`},
		{"umlauts stay", "Müller 日本", "Müller 日本"},
		{"escaped umlaut", `M\xC3\xBCller`, "Müller"},
		{"escaped control stays escaped", `a\x1B[0m\x07`, `a\x1B[0m\x07`},
		{"escaped invalid UTF-8 stays", `\xe4\xe5x`, `\xe4\xe5x`},
		{"escaped bidirectional override stays", `\xE2\x80\xAE!`, `\xE2\x80\xAE!`},
		{"half an escape", `a\x4`, `a\x4`},
		{"backslash at the end", `a\\`, `a\`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(Options{})
			if err != nil {
				t.Fatal(err)
			}
			var r detect.Request
			if k, err := p.Parse([]byte(head+`"`+c.agent+`"`), &r); k != detect.Access {
				t.Fatal(k, err)
			}
			if string(r.Agent) != c.want {
				t.Errorf("got %q, want %q", r.Agent, c.want)
			}
		})
	}
}

// TestFailedWrappingLeavesNoTrace: a prefix that looked like a wrapping and was
// none must not make the parser take the whole line for as harmless as its end.
func TestFailedWrappingLeavesNoTrace(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var r detect.Request
	for _, line := range []string{
		`web_1  | 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`,
		"{\"time\":\"2026-03-12T09:15:02Z\",\"remote_addr\":\"192.0.2.7\",\"request\":\"GET /\u009b HTTP/1.1\",\"status\":200,\"a | b\":\" | \"}",
		"a | \x1b 192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"\x1b | x\"",
	} {
		k, err := p.Parse([]byte(line), &r)
		checkParsed(t, p, []byte(line), k, &r, err)
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{"access.log": "access.log", "a\x1b[2J\n": `a\x1b[2J\x0a`, "\u202eb": `\u202eb`, "größe": "größe"} {
		if got := Clean(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// TestPlainIsExact puts every byte at every place of a word.
func TestPlainIsExact(t *testing.T) {
	for n := range 70 {
		for at := range n {
			for c := range 256 {
				b := bytes.Repeat([]byte{' '}, n)
				b[at] = byte(c)
				if n > at+1 {
					b[at+1] = 0x7e
				}
				if want := c >= 0x20 && c < 0x7f && c != '\\'; isPlain(b) != want {
					t.Fatalf("byte %#x at %d of %d: %v", c, at, n, !want)
				}
			}
		}
	}
}

func TestForwardedClients(t *testing.T) {
	o := Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ed6e::/48")}}
	const tail = ` - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" `
	const rest = " t=260312T091502 m=GET p=/ v=HTTP/1.1 s=200 b=9"
	checkLines(t, o, []lineCase{
		{"untrusted peer claims another", `192.0.2.7` + tail + `"198.51.100.4"`, "access src=192.0.2.7" + rest + " ua=x"},
		{"trusted peer", `10.1.1.1` + tail + `"198.51.100.4"`, "access src=198.51.100.4 peer=10.1.1.1" + rest + " ua=x"},
		{"right-most untrusted", `10.1.1.1` + tail + `"1.1.1.1, 198.51.100.4, 10.2.2.2"`, "access src=198.51.100.4 peer=10.1.1.1" + rest + " ua=x"},
		{"no chain: the proxy is no client", `10.1.1.1` + tail + `"-"`, "access peer=10.1.1.1" + rest + " ua=x"},
		{"all trusted", `10.1.1.1` + tail + `"10.3.3.3, 10.2.2.2"`, "access peer=10.1.1.1" + rest + " ua=x"},
		{"garbage hides what is left of it", `10.1.1.1` + tail + `"198.51.100.4, unknown"`, "access peer=10.1.1.1" + rest + " ua=x"},
		{"port and brackets", `2001:db8:ed6e::1` + tail + `"[2001:db8::9]:4711"`, "access src=2001:db8::9 peer=2001:db8:ed6e::1" + rest + " ua=x"},
		{"Forwarded", `10.1.1.1` + tail + `"for=1.1.1.1, for=\"[2001:db8::9]:4711\";proto=https"`, "access src=2001:db8::9 peer=10.1.1.1" + rest + " ua=x"},
		{"Forwarded, quoted to the end", `10.1.1.1` + tail + `"for=1.1.1.1;by=x, For=\"[2001:db8::9]:4711\""`, "access src=2001:db8::9 peer=10.1.1.1" + rest + " ua=x"},
		{"Forwarded, as nginx writes quotes", `10.1.1.1` + tail + `"for=\x22[2001:db8::9]\x22"`, "access src=2001:db8::9 peer=10.1.1.1" + rest + " ua=x"},
		{"Forwarded, hidden", `10.1.1.1` + tail + `"for=_hidden"`, "access peer=10.1.1.1" + rest + " ua=x"},
		{"chain in front of the peer", `198.51.100.4, 10.2.2.2 10.1.1.1` + tail, "access src=198.51.100.4 peer=10.1.1.1" + rest + " ua=x"},
		{"quoted chain in front", `"1.1.1.1, 198.51.100.4" 10.1.1.1` + tail, "access src=198.51.100.4 peer=10.1.1.1" + rest + " ua=x"},
		{"one address in front of the peer", `198.51.100.4 10.1.1.1` + tail, "access src=198.51.100.4 peer=10.1.1.1" + rest + " ua=x"},
		{"chain without a peer", `198.51.100.4, 10.2.2.2` + tail, "access src=198.51.100.4 peer=10.2.2.2" + rest + " ua=x"},
	})
}

// TestClientsCannotPassForOthers: what a client sends must not decide whose
// request it was, nor hide it.
func TestClientsCannotPassForOthers(t *testing.T) {
	o := Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	const tail = ` - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9 "-" "x" `
	for _, c := range []struct{ name, before, line, want string }{
		{"a host that is an address", `shop.example.com 10.1.1.1` + tail, `203.0.113.9 10.1.1.1` + tail, ""},
		{"a host that is a chain", `shop.example.com 10.1.1.1` + tail, `203.0.113.9, 203.0.113.9 10.1.1.1` + tail, ""},
		{"a header that is an address", "", `10.1.1.1` + tail + `"-" "203.0.113.9"`, ""},
		{"a user name that is a time", "", `198.51.100.4 - [12/Mar/2026:09:15:02 +0000] [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 401 9`, "198.51.100.4"},
		{"a user name that is a chain", "", `198.51.100.4 - 203.0.113.9, x [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 401 9`, "198.51.100.4"},
		{"a user agent with quotes, Istio", "", `[2026-03-12T09:15:02.310Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 9 3 2 "-" "x" "id" "h" "u" c l d 203.0.113.9:1 s r" "id" "a" "10.1.1.1:80" in 127.0.0.6:1 10.1.1.1:80 198.51.100.4:55 o d`, "198.51.100.4"},
		{"a chain with quotes, Envoy", "", `[2026-03-12T09:15:02.310Z] "GET /a HTTP/1.1" 200 - 0 9 3 2 "203.0.113.9" "x, 198.51.100.4" "x" "id" "a" "10.1.1.1:80"`, ""},
		{"JSON inside a value", "", `{"time":"2026-03-12T09:15:02Z","remote_addr":"198.51.100.4","request":"GET /?\",\"remote_addr\":\"203.0.113.9 HTTP/1.1","status":200}`, "198.51.100.4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			var r detect.Request
			if c.before != "" {
				if k, err := p.Parse([]byte(c.before), &r); k != detect.Access {
					t.Fatal(k, err)
				}
			}
			k, err := p.Parse([]byte(c.line), &r)
			got := ""
			if r.Source.IsValid() {
				got = r.Source.String()
			}
			if k != detect.Access || got != c.want {
				t.Errorf("%v (%v), source %q, want %q", k, err, got, c.want)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := New(Options{Format: "no-such"})
	if err == nil || !strings.Contains(err.Error(), "combined") {
		t.Errorf("error does not name the known formats: %v", err)
	}
	p, err := New(Options{Format: "combined", Service: "shop\x1b.example.com", Origin: 3})
	if err != nil {
		t.Fatal(err)
	}
	var r detect.Request
	if _, err := p.Parse([]byte(`192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET / HTTP/1.1" 200 9`), &r); err != nil {
		t.Fatal(err)
	}
	if string(r.Host) != `shop\x1b.example.com` || r.Origin != 3 {
		t.Errorf("host %q, origin %d", r.Host, r.Origin)
	}
}

func TestOverlongLine(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	line := `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /` + strings.Repeat("a", MaxLine) + ` HTTP/1.1" 200 9`
	var r detect.Request
	if k, err := p.Parse([]byte(line), &r); k != detect.Malformed || err != ErrTooLong {
		t.Errorf("%v, %v", k, err)
	}
}

package denylist

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"levee/actions"
)

// A request is matched as one string, its fields joined by tabs, which no
// server lets through in a request line:
//
//	address ⇥ method ⇥ protocol ⇥ host ⇥ path?query ⇥ referer ⇥ user agent
//
// deploy/nginx and deploy/haproxy build that string. The address is raw bytes
// in nginx ($binary_remote_addr) and upper-case hexadecimal in HAProxy.

// maxPattern keeps a line inside nginx's 4096-byte token limit.
const maxPattern = 3000

// pattern returns the regular expression (PCRE) for what t constrains. A term
// that a server can't see is an error: leaving it out would hit more than was
// judged.
func pattern(style Style, t actions.Target) (string, error) {
	s := t.Signature
	if s == nil {
		return "", errors.New("no signature")
	}
	for _, term := range []struct{ name, value string }{
		{"headers", s.Headers}, {"status", s.Status}, {"asn", s.ASN}, {"country", s.Country},
	} {
		if term.value != "" {
			return "", fmt.Errorf("its term %s can't be matched where requests arrive; block its sources instead, or harden through Jenkins", term.name)
		}
	}
	if s.Path == "" && s.Query == "" && s.UserAgent == "" && s.Referer == "" && s.Prefix == "" {
		return "", errors.New("it has no path, query, user agent, referer or prefix and would match nearly everything")
	}
	address, err := addressPattern(style, s.Prefix)
	if err != nil {
		return "", err
	}
	const sep = `\x09`
	p := "^" + address + sep +
		exact(s.Method, `[^\x09]*`) + sep +
		protocolPattern(s.HTTPVersion) + sep +
		hostPattern(t.Service) + sep +
		pathPattern(s.Path) + queryPattern(s.Query) + sep +
		absentOr(s.Referer) + sep +
		absentOr(s.UserAgent) + "$"
	if len(p) > maxPattern {
		return "", fmt.Errorf("its pattern is %d bytes long, servers take %d; block its sources instead", len(p), maxPattern)
	}
	return p, nil
}

// literal encodes s so that it means itself in PCRE, in nginx's configuration
// and in HAProxy's files alike: what is no letter, digit, slash, underscore or
// hyphen is written \xHH, of which no parser takes any part for syntax.
func literal(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteString(`\x`)
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// template is literal with * standing for whatever class matches.
func template(s, class string) string {
	parts := strings.Split(s, "*")
	for i := range parts {
		parts[i] = literal(parts[i])
	}
	return strings.Join(parts, class+"*")
}

func exact(s, other string) string {
	if s == "" {
		return other
	}
	return literal(s)
}

// protocolPattern takes 1.1 as well as HTTP/1.1; the major version alone
// stands for its .0.
func protocolPattern(v string) string {
	if v == "" {
		return `[^\x09]*`
	}
	v = strings.TrimPrefix(strings.ToUpper(v), "HTTP/")
	if !strings.Contains(v, ".") {
		return `(?:HTTP/)?` + literal(v) + `(?:\x2e0)?`
	}
	return `(?:HTTP/)?` + literal(v)
}

// hostPattern takes any host for no service and for _other, the name for
// requests of no listed service.
func hostPattern(service string) string {
	if service == "" || service == "_other" {
		return `[^\x09]*`
	}
	return literal(strings.ToLower(service)) + `(?:\x3a[0-9]+)?`
}

func pathPattern(path string) string {
	if path == "" {
		return `[^?\x09]*`
	}
	return template(path, `[^/?\x09]`)
}

func queryPattern(query string) string {
	switch query {
	case "":
		return `(?:\?[^\x09]*)?`
	case "absent":
		return ``
	case "random":
		return `\?[^\x09]+`
	}
	return `\?` + template(strings.TrimPrefix(query, "?"), `[^&\x09]`)
}

func absentOr(value string) string {
	switch value {
	case "":
		return `[^\x09]*`
	case "absent", "-":
		return ``
	}
	return template(value, `[^\x09]`)
}

// addressPattern matches the raw or hexadecimal address against prefix.
func addressPattern(style Style, prefix string) (string, error) {
	if prefix == "" {
		if style == HAProxyMap {
			return `[0-9A-F]*`, nil
		}
		return `(?s:.{4}|.{16})`, nil
	}
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return "", fmt.Errorf("its prefix %q is none", prefix)
	}
	p = p.Masked()
	raw := p.Addr().AsSlice()
	if style == HAProxyMap {
		return hexPattern(raw, p.Bits()), nil
	}
	var b strings.Builder
	full := p.Bits() / 8
	for _, c := range raw[:full] {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	if rest := p.Bits() % 8; rest > 0 {
		fmt.Fprintf(&b, `[\x%02x-\x%02x]`, raw[full], raw[full]|(0xff>>rest))
		full++
	}
	if left := len(raw) - full; left > 0 {
		fmt.Fprintf(&b, `(?s:.{%d})`, left)
	}
	return b.String(), nil
}

func hexPattern(raw []byte, bits int) string {
	const digits = "0123456789ABCDEF"
	text := strings.ToUpper(hex.EncodeToString(raw))
	full := bits / 4
	p := text[:full]
	if rest := bits % 4; rest > 0 {
		low := strings.IndexByte(digits, text[full])
		p += "[" + digits[low:low+(0xf>>rest)+1] + "]"
		full++
	}
	if left := len(text) - full; left > 0 {
		p += fmt.Sprintf("[0-9A-F]{%d}", left)
	}
	return p
}

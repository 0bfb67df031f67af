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

// termMost bounds one term of a signature.
const termMost = 700

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
		{"headers", s.Headers}, {"status", s.Status}, {"asn", s.ASN}, {"country", s.Country}, {"http_version", other(s.HTTPVersion)},
	} {
		if term.value != "" {
			return "", fmt.Errorf("its term %s can't be matched where requests arrive; block its sources instead, or harden through Jenkins", term.name)
		}
	}
	if s.Path == "" && s.Query == "" && s.UserAgent == "" && s.Referer == "" && s.Prefix == "" {
		return "", errors.New("it has no path, query, user agent, referer or prefix and would match nearly everything")
	}
	for _, term := range []struct{ name, value, between string }{
		{"path", s.Path, "/"}, {"query", s.Query, "&"}, {"user_agent", s.UserAgent, "\t"}, {"referer", s.Referer, "\t"}, {"method", s.Method, ""}, {"service", t.Service, ""},
	} {
		if len(term.value) > termMost {
			return "", fmt.Errorf("its %s is %d bytes long, servers take %d; block its sources instead", term.name, len(term.value), termMost)
		}
		if term.between != "" && !cheap(term.value, term.between) {
			return "", fmt.Errorf("its %s has several wildcards in a row, which would let one request cost a server seconds; block its sources instead", term.name)
		}
	}
	address, err := addressPattern(style, s.Prefix)
	if err != nil {
		return "", err
	}
	const sep = `\x09`
	host := hostPattern(t.Service)
	if s.Referer == ownSite {
		host = "(?<levee_host>" + host + ")" // by name: HAProxy's maps capture no numbers
	}
	p := "^" + address + sep +
		exact(s.Method, `[^\x09]*`) + sep +
		protocolPattern(s.HTTPVersion) + sep +
		host + hostPort + sep +
		pathPattern(s.Path) + queryPattern(s.Query) + sep +
		refererPattern(s.Referer) + sep +
		agentPattern(s.UserAgent) + "$"
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

// cheap reports whether matching stays linear in a request's length: between
// two separators one wildcard may stand, and one more at the end. Two that
// share a stretch of text can divide it in every way, three in every way
// squared: a hostile template would turn the server's own regular expressions
// against it.
func cheap(template, between string) bool {
	for part := range strings.SplitSeq(template, between) {
		if strings.Count(strings.TrimSuffix(part, "*"), "*") > 1 {
			return false
		}
	}
	return true
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
		return `[^\x09\x3a]*`
	}
	return literal(strings.ToLower(service))
}

// hostPort may follow a host; HAProxy sees the header as it came.
const hostPort = `(?:\x3a[0-9]+)?`

// other returns v when it is the detector's word for a version without a name.
func other(v string) string {
	if v == "other" {
		return v
	}
	return ""
}

func pathPattern(path string) string {
	if path == "" {
		return `[^?\x09]*`
	}
	p := template(path, `[^/?\x09]`)
	if len(path) >= pathMost {
		p += `[^?\x09]*`
	}
	return p
}

// pathMost is from which length on the detector cuts a path's template.
const pathMost = 120

func queryPattern(query string) string {
	switch query {
	case "":
		return `(?:\?[^\x09]*)?`
	case "absent":
		return ``
	case "random":
		return `\?[^\x09]+`
	}
	p := `\?` + template(strings.TrimPrefix(query, "?"), `[^&\x09]`)
	if strings.Count(query, "&") >= 11 || len(query) > 100 { // the detector names the first pairs of a long query
		p += `[^\x09]*`
	}
	return p
}

// ownSite is the detector's word for a referer on the host asked for.
const ownSite = "own site"

// refererPattern takes what the detector says of a referer: absent, the own
// site, or the host it names; and whole URLs, as people write them.
func refererPattern(value string) string {
	switch {
	case value == "":
		return `[^\x09]*`
	case value == "absent" || value == "-":
		return ``
	case value == ownSite:
		return `https?\x3a//\k<levee_host>(?:[\x3a/?][^\x09]*)?`
	case !strings.Contains(value, "/"):
		return `https?\x3a//` + template(value, `[^\x09]`) + `(?:[\x3a/?][^\x09]*)?`
	}
	return template(value, `[^\x09]`)
}

// agentMost is how much of a user agent the detector keeps.
const agentMost = 200

func agentPattern(value string) string {
	switch {
	case value == "":
		return `[^\x09]*`
	case value == "absent" || value == "-":
		return ``
	case len(value) >= agentMost && !strings.HasSuffix(value, "*"):
		value += "*"
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

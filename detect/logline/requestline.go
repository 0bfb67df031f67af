package logline

import (
	"bytes"

	"levee/detect"
)

// requestLine splits "METHOD target HTTP/x" and returns Access, or NoRequest
// for what is no HTTP request: empty, "-", a TLS hello, noise. The target may
// hold blanks, as Apache logs them.
func (p *Parser) requestLine(b []byte, r *detect.Request) detect.Kind {
	i := bytes.IndexByte(b, ' ')
	if i <= 0 || !isMethod(b[:i]) {
		return detect.NoRequest
	}
	method, target := b[:i], trimSpace(b[i+1:])
	var proto []byte
	if j := bytes.LastIndexByte(target, ' '); j > 0 && isProto(target[j+1:]) {
		target, proto = trimSpace(target[:j]), target[j+1:]
	} else if !isUpper(method) || len(target) == 0 || !isTarget(target) {
		return detect.NoRequest // without a version only a plain HTTP/0.9 request counts
	}
	if absent(target) {
		return detect.NoRequest // "-" is no target either
	}
	r.Method, r.Target, r.Proto = method, p.text(target), p.text(proto)
	return detect.Access
}

// isMethod reports whether b may be a method: a token that is not too long and
// begins with a letter, as every method in use does.
func isMethod(b []byte) bool {
	return len(b) > 0 && len(b) <= 32 && b[0]|0x20 >= 'a' && b[0]|0x20 <= 'z' && isToken(b)
}

// isTarget reports whether b begins like a request target: a path, "*" or an
// absolute URL.
func isTarget(b []byte) bool {
	return b[0] == '/' || len(b) == 1 && b[0] == '*' || bytes.HasPrefix(b, []byte("http://")) || bytes.HasPrefix(b, []byte("https://"))
}

// isProto reports whether b is "HTTP/" and something, in any case, or one of
// the names that HAProxy and load balancers write.
func isProto(b []byte) bool {
	return len(b) > 5 && b[4] == '/' && b[0]|0x20 == 'h' && b[1]|0x20 == 't' && b[2]|0x20 == 't' && b[3]|0x20 == 'p'
}

// isToken reports whether b is a token of RFC 9110 section 5.6.2.
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenBytes[c] {
			return false
		}
	}
	return len(b) > 0
}

var tokenBytes = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

func isUpper(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(b) > 0
}

package elastic

import (
	"bytes"
	"strings"
)

// redacted stands where a secret stood.
const redacted = "[redacted]"

// secretNames are parameters whose values are secrets whatever they look
// like. They are compared in lower case, without - and _.
var secretNames = map[string]bool{
	"token": true, "accesstoken": true, "refreshtoken": true, "idtoken": true, "csrftoken": true, "csrf": true, "xsrf": true,
	"key": true, "apikey": true, "secret": true, "clientsecret": true, "password": true, "passwd": true, "pwd": true, "pass": true,
	"auth": true, "authorization": true, "code": true, "otp": true, "pin": true, "jwt": true, "sig": true, "signature": true,
	"session": true, "sessionid": true, "sid": true, "phpsessid": true, "jsessionid": true, "ticket": true, "assertion": true,
	"samlresponse": true, "xamzsignature": true, "xamzsecuritytoken": true, "xamzcredential": true, "xgoogsignature": true, "hmac": true, "nonce": true,
}

// Redact returns a query string with every value replaced that is a secret by
// its parameter's name or looks like a token, and whether anything was.
func Redact(query []byte) ([]byte, bool) {
	if len(query) == 0 {
		return query, false
	}
	var out []byte
	kept := 0 // query[:kept] is in out already
	for at := 0; at < len(query); {
		end := len(query)
		if i := bytes.IndexAny(query[at:], "&;"); i >= 0 {
			end = at + i
		}
		name, value, named := bytes.Cut(query[at:end], []byte("="))
		if !named {
			value = query[at:end] // a bare token is a value
		}
		if len(value) > 0 && (named && secretName(name) || tokenLike(value)) {
			out = append(append(out, query[kept:end-len(value)]...), redacted...)
			kept = end
		}
		at = end + 1
	}
	if out == nil {
		return query, false
	}
	return append(out, query[kept:]...), true
}

func secretName(name []byte) bool {
	if len(name) > 40 {
		return false
	}
	s := strings.ToLower(string(name))
	for _, c := range []string{"-", "_", "%5b", "%5d", "[", "]", "."} {
		s = strings.ReplaceAll(s, c, "")
	}
	return secretNames[s] || strings.HasSuffix(s, "token") || strings.HasSuffix(s, "password") || strings.HasSuffix(s, "secret")
}

// tokenLike reports whether v looks made by a machine to be hard to guess: at
// least 20 letters and digits, mixed, without the gaps words have.
func tokenLike(v []byte) bool {
	if len(v) < 20 {
		return false
	}
	if bytes.HasPrefix(v, []byte("eyJ")) { // how a JSON Web Token begins
		return true
	}
	digits, letters, upper, lower, hex, turns, run, longest := 0, 0, 0, 0, 0, 0, 0, 0
	last := 0
	for _, c := range v {
		kind := 0
		switch {
		case c >= '0' && c <= '9':
			digits++
			hex++
			kind = 1
		case c >= 'a' && c <= 'z':
			lower++
			kind = 2
		case c >= 'A' && c <= 'Z':
			upper++
			kind = 3
		case c == '-' || c == '_' || c == '%' || c == '.' || c == '~' || c == '=' || c == '/' || c == '+':
			run = 0
			continue
		default:
			return false
		}
		if c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			hex++
		}
		run++
		longest = max(longest, run)
		if kind != last && last != 0 {
			turns++
		}
		last = kind
	}
	letters = lower + upper
	n := digits + letters
	switch {
	case n < 20:
		return false
	case hex == n && digits > 0 && letters > 0 && n >= 24: // a hash, a UUID
		return true
	}
	return longest >= 16 && digits > 0 && letters > 0 && turns*4 >= n
}

// redactURL is Redact for what stands behind the first ? of a URL or path.
func redactURL(u []byte) ([]byte, bool) {
	i := bytes.IndexByte(u, '?')
	if i < 0 {
		return u, false
	}
	q, changed := Redact(u[i+1:])
	if !changed {
		return u, false
	}
	return append(bytes.Clone(u[:i+1]), q...), true
}

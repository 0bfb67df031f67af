package logline

import (
	"bytes"
	"strconv"

	"levee/detect"
)

// haproxy reads HAProxy's HTTP log, behind its syslog header or without one
// (HAProxy Configuration Manual, "HTTP log format"). Its times have no zone
// and count as UTC.
type haproxy struct {
	// captures are meanings of captured request headers that the user gave, in
	// the order of the capture rules.
	captures [maxCaptures]field
}

// maxCaptures bounds how many captured headers are read.
const maxCaptures = 16

// newHAProxy takes the meanings of "capture.1", "capture.2" and so on.
func newHAProxy(fields map[string]field) *haproxy {
	h := &haproxy{}
	for i := range h.captures {
		h.captures[i] = fields["capture."+strconv.Itoa(i+1)]
	}
	return h
}

func (h *haproxy) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	var v values
	first, rest := word(line)
	v.at[client] = withoutPort(first)
	if len(rest) < 30 || rest[0] != '[' || rest[3] != '/' || bytes.IndexByte(first, ':') < 0 {
		if bytes.HasPrefix(line, []byte("Connect from ")) || bytes.HasPrefix(line, []byte("Proxy ")) {
			return detect.Other, bytes.Contains(line, []byte(" to ")) || bytes.HasSuffix(line, []byte("."))
		}
		return 0, false
	}
	v.at[clock1], rest = word(rest)
	frontend, rest := word(rest)
	if len(frontend) > 0 && frontend[len(frontend)-1] == ':' {
		// "in/1: SSL handshake failure": a connection that never spoke HTTP.
		_, isAddress := address(v.at[client])
		return detect.Other, isAddress
	}
	_, rest = word(rest) // backend/server
	timers, rest := word(rest)
	if n := bytes.Count(timers, slash); n < 4 {
		// Fewer timers: a TCP connection, or one that never became a request.
		_, isAddress := address(v.at[client])
		return detect.Other, isAddress && (n == 2 || n == 3)
	}
	total := bytes.TrimPrefix(timers[bytes.LastIndexByte(timers, '/')+1:], []byte("+"))
	v.at[millis] = total
	v.at[code], rest = word(rest)
	if bytes.Equal(v.at[code], minusOne) {
		v.at[code] = nil
	}
	v.at[length], rest = word(rest)
	v.at[length] = bytes.TrimPrefix(v.at[length], []byte("+"))
	for range 5 { // cookies, how it ended, connections, queues
		_, rest = word(rest)
	}
	captures := true
	for len(rest) > 0 && rest[0] == '{' {
		end := bytes.Index(rest, []byte("} "))
		if end < 0 {
			return 0, false
		}
		if captures { // of the request; those of the response follow
			h.captured(&v, rest[1:end])
			captures = false
		}
		rest = rest[end+2:]
	}
	if len(rest) == 0 || rest[0] != '"' {
		return 0, false
	}
	v.at[request] = p.unhash(lastQuoted(rest))
	for _, f := range [...]field{agent, referer, host} {
		v.at[f] = p.unhash(v.at[f])
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "haproxy"
	}
	return k, ok
}

// unhash turns the #22 that HAProxy writes for a quote, and for a few more, back
// into the character. What can't be shown stays as it was written.
func (p *Parser) unhash(b []byte) []byte {
	if bytes.IndexByte(b, '#') < 0 {
		return b
	}
	dst := p.arena.reserve(len(b))
	for len(b) > 0 {
		if c := b[0]; c == '#' && len(b) > 2 {
			if hi, lo := unhex(b[1]), unhex(b[2]); hi >= 2 && hi <= 7 && lo <= 15 && hi<<4|lo != 0x7f {
				dst = append(dst, hi<<4|lo)
				b = b[3:]
				continue
			}
		}
		dst = append(dst, b[0])
		b = b[1:]
	}
	return p.arena.commit(dst)
}

// withoutPort cuts the port off an address. HAProxy writes IPv6 without
// brackets, so that only the last colon tells the two apart.
func withoutPort(b []byte) []byte {
	if i := bytes.LastIndexByte(b, ':'); i > 0 && b[0] != '[' && isPort(b[i+1:]) {
		return b[:i]
	}
	return b
}

var minusOne = []byte("-1")

// lastQuoted returns the inside of the quotes that b begins with. HAProxy
// writes quotes in a request as they are, so the last one closes it.
func lastQuoted(b []byte) []byte {
	end := bytes.LastIndexByte(b, '"')
	if end == 0 {
		return b[1:] // cut short
	}
	return b[1:end]
}

// captured reads captured request headers. The log does not name them: unless
// the user does, a user agent is told by its product, a host by its dots or its
// port. A forwarding chain is only believed where the user says that it is one:
// any other header may hold addresses too.
func (h *haproxy) captured(v *values, b []byte) {
	for i := 0; len(b) > 0; i++ {
		var c []byte
		if j := bytes.IndexByte(b, '|'); j >= 0 {
			c, b = b[:j], b[j+1:]
		} else {
			c, b = b, nil
		}
		switch {
		case absent(c):
		case i < maxCaptures && h.captures[i] == header:
			v.addHeader(uint8(len(judgedHeaders)+1+i), c)
		case i < maxCaptures && h.captures[i] != ignored:
			v.at[h.captures[i]] = c
		case v.at[agent] == nil && isProduct(c):
			v.at[agent] = c
		case v.at[host] == nil && isHost(c) && !looksForwarded(c) && (bytes.IndexByte(c, '.') > 0 || bytes.IndexByte(c, ':') > 0):
			v.at[host] = c
		case v.at[referer] == nil && (bytes.HasPrefix(c, []byte("http://")) || bytes.HasPrefix(c, []byte("https://"))):
			v.at[referer] = c
		}
	}
}

// isProduct reports whether b begins with a product token and a version, as
// user agents do: "Mozilla/5.0", "curl/8.5.0".
func isProduct(b []byte) bool {
	i := bytes.IndexByte(b, '/')
	return i > 0 && i+1 < len(b) && b[i+1]-'0' <= 9 && isToken(b[:i])
}

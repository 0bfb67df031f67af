package logline

import (
	"bytes"

	"levee/detect"
)

// assemble turns collected values into a Request. ok is false when they are not
// those of an access log line.
func (p *Parser) assemble(v *values, r *detect.Request) (k detect.Kind, ok bool) {
	if r.Time, ok = p.when(v.at[clock1], v.at[clock2]); !ok {
		return 0, false
	}
	if r.Status, ok = status(v.at[code]); !ok {
		return 0, false
	}
	r.Silent = r.Status == 0 && !absent(v.at[code])
	if r.Bytes, ok = v.sent(); !ok {
		return 0, false
	}
	if !p.whence(v, r) {
		return 0, false
	}
	r.Duration = v.served()
	r.Referer, r.Agent = p.text(v.at[referer]), p.agentText(v.at[agent])
	r.User, r.Headers = p.text(v.at[user]), v.hash
	if h := v.at[host]; string(h) != "_" { // nginx's name for no name
		r.Host = p.text(h)
	}
	return p.asked(v, r), true
}

// sent returns the bytes sent, of the body where the log tells them apart.
func (v *values) sent() (n int64, ok bool) {
	if b := v.at[length]; !absent(b) {
		return size(b)
	}
	return size(v.at[lengthAll])
}

// asked sets what was asked for, from a request line or from its parts.
func (p *Parser) asked(v *values, r *detect.Request) detect.Kind {
	if q := v.at[request]; q != nil && v.at[method] == nil {
		return p.requestLine(q, r)
	}
	m := v.at[method]
	if !isMethod(m) {
		return detect.NoRequest
	}
	t := v.at[target]
	if t == nil && bytes.IndexByte(v.at[request], ' ') < 0 {
		t = v.at[request] // Logstash calls the target so
	}
	if absent(t) {
		t = v.at[path]
	}
	if absent(t) {
		h, own, ok := splitURL(v.at[whole])
		if !ok {
			return detect.NoRequest
		}
		if t = own; r.Host == nil {
			r.Host = p.text(h)
		}
	}
	if q := v.at[query]; !absent(q) && bytes.IndexByte(t, '?') < 0 {
		t = p.joined(t, q)
	}
	r.Method, r.Target = m, p.text(t)
	if pr := v.at[proto]; !absent(pr) {
		if pr[0] >= '0' && pr[0] <= '9' {
			r.Proto = p.version(pr)
		} else {
			r.Proto = p.text(pr)
		}
	}
	return detect.Access
}

// joined writes path?query into the arena. A query that brings its own
// question mark keeps it.
func (p *Parser) joined(path, query []byte) []byte {
	b := append(p.arena.reserve(len(path)+1+len(query)), path...)
	if query[0] != '?' {
		b = append(b, '?')
	}
	return p.arena.commit(append(b, query...))
}

// version makes "HTTP/1.1" of "1.1".
func (p *Parser) version(b []byte) []byte {
	switch string(b) {
	case "1.0":
		return http10
	case "1.1":
		return http11
	case "2", "2.0":
		return http20
	case "3", "3.0":
		return http30
	}
	return p.text(b)
}

var http10, http11, http20, http30 = []byte("HTTP/1.0"), []byte("HTTP/1.1"), []byte("HTTP/2.0"), []byte("HTTP/3.0")

// whence sets the client from the connecting address and what it forwards.
func (p *Parser) whence(v *values, r *detect.Request) bool {
	c, f := v.at[client], v.at[forwarded]
	if absent(c) {
		c = v.at[peer]
	}
	if absent(c) {
		if !absent(f) {
			p.listed(r, f)
		}
		return true
	}
	a, ok := address(c)
	if !ok {
		if bytes.IndexByte(c, ',') > 0 {
			p.listed(r, c) // a chain where the client should stand
			return true
		}
		if !isHost(c) {
			return false
		}
		r.Client = p.text(c)
		return true
	}
	p.resolve(r, a, f)
	if b, ok := address(v.at[peer]); ok && r.Source == a && a != b {
		r.Peer = b // the server itself resolved what its proxy forwarded
	}
	return true
}

// served returns the time to serve in nanoseconds, -1 when it is not stated.
func (v *values) served() int64 {
	finer := v.at[millis] != nil || v.at[micros] != nil || v.at[nanos] != nil
	for _, u := range [...]struct {
		field
		per int64
	}{{seconds, 1}, {millis, 1e3}, {micros, 1e6}, {nanos, 1e9}} {
		if b := v.at[u.field]; b != nil {
			if u.field == seconds && finer && bytes.IndexByte(b, '.') < 0 {
				continue // Apache's %T beside its %D
			}
			if d, ok := decimal(b); ok {
				return d / u.per
			}
		}
	}
	return -1
}

package logline

import (
	"bytes"

	"levee/detect"
)

// field is the meaning of one value in a log line.
type field uint8

const (
	ignored   field = iota
	client          // the client, or who opened the connection
	peer            // who opened the connection, where client is what it vouched for
	forwarded       // X-Forwarded-For, Forwarded, or one address from a similar header
	clock1          // the time, or its date where clock2 is the time of day
	clock2          // time of day
	request         // the whole request line
	method          //
	target          // path with its query
	path            // path without its query
	query           // without its question mark
	proto           // HTTP/1.1, or 1.1
	code            // HTTP status
	length          // body bytes sent
	lengthAll       // bytes sent with headers, where nothing better is logged
	referer         //
	agent           //
	host            //
	user            //
	seconds         // time to serve, in the unit of its name
	millis          //
	micros          //
	nanos           //
	duration        // time to serve, in the unit that is usual for the format
	header          // one of the judged headers: sets the header hash
	message         // a whole log line of another format inside
	number          // any number: only checked, to tell layouts apart
	logger          // which part of Caddy wrote the line
	fieldCount
)

// FieldNames are the meanings that Options.Fields may give to a JSON key.
var FieldNames = []string{
	"ip", "peer", "forwarded", "time", "request", "method", "target", "path", "query", "proto", "status", "bytes",
	"referer", "ua", "host", "user", "seconds", "milliseconds", "microseconds", "nanoseconds", "header", "message",
}

var fieldsByName = map[string]field{
	"ip": client, "peer": peer, "forwarded": forwarded, "time": clock1, "request": request, "method": method, "target": target,
	"path": path, "query": query, "proto": proto, "status": code, "bytes": length, "referer": referer, "ua": agent, "host": host,
	"user": user, "seconds": seconds, "milliseconds": millis, "microseconds": micros, "nanoseconds": nanos, "header": header, "message": message,
}

// escaping says how a format writes what it can't write as it is.
type escaping uint8

const (
	backslashes escaping = iota // \" \xNN, as nginx and Apache do
	verbatim                    // a backslash means itself
	jsonEscapes                 // \" \n \u00NN
	plusSigns                   // + for a blank, as IIS does
	percents                    // %20, as CloudFront does
)

// values collects a line's fields before they become a Request: formats write
// them in any order and leave out what others state.
type values struct {
	at   [fieldCount][]byte
	hash uint64 // over the judged headers, 0 when there were none
}

func (v *values) set(f field, b []byte) {
	if f != ignored {
		v.at[f] = b
	}
}

// addHeader mixes one judged header into the hash (FNV-1a over a number for
// its name and its value); an absent header counts as such.
func (v *values) addHeader(id uint8, b []byte) {
	if v.hash == 0 {
		v.hash = 14695981039346656037
	}
	h := (v.hash ^ uint64(id)) * 1099511628211
	if !(len(b) == 1 && b[0] == '-') {
		for _, c := range b {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	v.hash = h
}

// absent reports whether a field says nothing.
func absent(b []byte) bool { return len(b) == 0 || len(b) == 1 && b[0] == '-' }

// assemble turns collected values into a Request. ok is false when they are not
// those of an access log line.
func (p *Parser) assemble(v *values, r *detect.Request) (k detect.Kind, ok bool) {
	if r.Time, ok = p.when(v.at[clock1], v.at[clock2]); !ok {
		return 0, false
	}
	if r.Status, ok = status(v.at[code]); !ok {
		return 0, false
	}
	if r.Bytes, ok = v.sent(); !ok {
		return 0, false
	}
	if !p.whence(v, r) {
		return 0, false
	}
	r.Duration = v.served()
	r.Referer, r.Agent = p.text(v.at[referer]), p.agentText(v.at[agent])
	r.User, r.Headers = p.text(v.at[user]), v.hash
	if h := v.at[host]; !(len(h) == 1 && h[0] == '_') { // nginx's name for no name
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
		if absent(t) {
			return detect.NoRequest
		}
		if q := v.at[query]; !absent(q) {
			t = p.joined(t, q)
		}
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
	for _, u := range [...]struct {
		field
		per int64
	}{{seconds, 1}, {millis, 1e3}, {micros, 1e6}, {nanos, 1e9}} {
		if b := v.at[u.field]; b != nil {
			if d, ok := decimal(b); ok {
				return d / u.per
			}
		}
	}
	return -1
}

// when reads a time in any of the ways that logs write it, told apart by its
// look: with a second part, the first is a date and the second a time of day.
func (p *Parser) when(a, b []byte) (ns int64, ok bool) {
	if len(b) > 0 {
		return p.clock.dateAndTime(a, b)
	}
	if n := len(a); n > 2 && a[0] == '[' && a[n-1] == ']' {
		a = a[1 : n-1]
	}
	if len(a) < 8 {
		return 0, false
	}
	switch {
	case a[2] == '/':
		return p.clock.common(a)
	case len(a) > 10 && (a[4] == '-' || a[4] == '/'):
		return p.clock.iso8601(a)
	}
	return unixTime(a)
}

// unixTime reads seconds since 1970 with or without a fraction, or whole
// milli-, micro- or nanoseconds, told apart by their size.
func unixTime(b []byte) (ns int64, ok bool) {
	whole := b
	if i := bytes.IndexByte(b, '.'); i > 0 {
		whole = b[:i]
	}
	n, ok := count(whole)
	if !ok {
		if len(b) != 19 {
			ns, ok = decimal(b) // with an exponent
			return ns, ok && ns > 0
		}
		if n, ok = count(b[:18]); !ok || b[18]-'0' > 9 || n > 1<<62/10 {
			return 0, false
		}
		return n*10 + int64(b[18]-'0'), true
	}
	frac, _ := fraction(b[len(whole):])
	const lastSecond = 7_258_118_400 // the year 2200
	switch {
	case n <= 0:
		return 0, false
	case n < lastSecond:
		return n*second + frac, true
	case n < lastSecond*1e3:
		return n*1e6 + frac/1e3, true
	case n < lastSecond*1e6:
		return n * 1e3, true
	}
	return n, n < lastSecond*second
}

// agentText is text for user agents, which some formats write with plus signs
// or percent escapes for blanks.
func (p *Parser) agentText(b []byte) []byte {
	switch {
	case absent(b):
		return nil
	case p.escapes == plusSigns && bytes.IndexByte(b, '+') >= 0:
		d := append(p.arena.reserve(len(b)), b...)
		for i, c := range d {
			if c == '+' {
				d[i] = ' '
			}
		}
		return p.text(p.arena.commit(d))
	case p.escapes == percents && bytes.IndexByte(b, '%') >= 0:
		d := p.arena.commit(appendUnpercented(p.arena.reserve(len(b)), b))
		if isPlain(d) {
			return d
		}
		return p.rewrite(d)
	}
	return p.text(b)
}

// appendUnpercented decodes %NN.
func appendUnpercented(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			if hi, lo := unhex(b[i+1]), unhex(b[i+2]); hi <= 15 && lo <= 15 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}

// splitURL cuts "https://host:port/path" into host and path, for logs of load
// balancers, which write every request so. ok is false for anything else.
func splitURL(b []byte) (authority, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("://"))
	if i <= 0 || i > 5 {
		return nil, nil, false
	}
	b = b[i+3:]
	if j := bytes.IndexByte(b, '/'); j >= 0 {
		return b[:j], b[j:], j > 0
	}
	return b, slash, len(b) > 0
}

var slash = []byte("/")

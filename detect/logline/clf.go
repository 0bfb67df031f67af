package logline

import (
	"bytes"

	"levee/detect"
)

// clf reads the common log format and what has grown around it: combined, a
// virtual host or a forwarding chain in front, further fields behind.
type clf struct{}

func (clf) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if p.plain && p.plainCombined(line, r) {
		return detect.Access, true
	}
	return p.anyCLF(line, r)
}

// anyCLF reads a line of any of the variants.
func (p *Parser) anyCLF(line []byte, r *detect.Request) (detect.Kind, bool) {
	open, end, quote := clfStamp(line)
	if open < 2 {
		return 0, false
	}
	var t int64
	var ok bool
	switch stamp := line[open+1 : end]; {
	case len(stamp) < len("2006-01-02T15:04:05"):
	case stamp[2] == '/':
		t, ok = p.clock.common(stamp)
	default:
		t, ok = p.clock.iso8601(stamp)
	}
	if !ok {
		return 0, false
	}
	r.Time = t
	host := trimSpace(line[end+1 : quote])
	b := line[quote+1:]
	if len(host) == 0 {
		host, b = quotedHost(b)
	}
	request, rest, ok := requestField(b)
	if !ok {
		return 0, false
	}
	tail := rest
	chain, _, ok := p.clfTail(tail, r)
	if !ok || !p.clfHead(line[:open-1], chain, r) {
		return 0, false
	}
	if len(host) > 0 && r.Host == nil {
		r.Host = p.text(host)
	}
	p.name = clfName(tail, r)
	return p.requestLine(request, r), true
}

// clfStamp finds the timestamp, which stands in brackets between a blank and
// the request's quote, in some formats with the host between: what a client puts
// into its user name may look like one, but servers escape its quotes. It
// returns where the brackets and the quote are, -1 without.
func clfStamp(line []byte) (open, end, quote int) {
	for at := 0; ; {
		n := clfTime(line[at:])
		if n < 0 {
			return -1, -1, -1
		}
		open = at + n
		end = open + 27 // of the usual "[25/Oct/2016:14:49:33 +0200]"
		if end >= len(line) || line[end] != ']' {
			n := bytes.IndexByte(line[open:], ']')
			if n < 0 {
				return -1, -1, -1
			}
			end = open + n
		}
		if end+3 < len(line) && line[end+1] == ' ' && open > 0 && line[open-1] == ' ' {
			if line[end+2] == '"' {
				return open, end, end + 2
			}
			host, rest := word(line[end+2:])
			if len(rest) > 1 && rest[0] == '"' && isHost(host) && bytes.IndexByte(host, '.') > 0 {
				return open, end, len(line) - len(rest)
			}
		}
		at = open + 1
	}
}

// quotedHost cuts a host in quotes off b, which begins behind the first of them
// and goes on with the request in quotes, and those. Without one it returns b.
func quotedHost(b []byte) (host, rest []byte) {
	n := bytes.IndexByte(b, '"')
	if n < 1 || len(b) < n+3 || b[n+1] != ' ' || b[n+2] != '"' || !isHost(b[:n]) || bytes.IndexByte(b[:n], '.') < 1 {
		return nil, b
	}
	return b[:n], b[n+3:]
}

// clfTime finds the bracket that opens the timestamp, -1 without one.
func clfTime(line []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(line[at:], '[')
		if n < 0 {
			return -1
		}
		at += n
		if at+21 > len(line) {
			return -1
		}
		if line[at+3] == '/' && line[at+7] == '/' && line[at+12] == ':' ||
			line[at+5] == '-' && line[at+8] == '-' && line[at+11] == 'T' {
			return at
		}
		at++
	}
}

// requestField returns what stands before the quote that closes the request.
// A quote inside the request, escaped or not, is told by what follows: only the
// closing one is followed by a status.
func requestField(b []byte) (field, rest []byte, ok bool) {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return nil, nil, false
		}
		at += n
		if rest := b[at+1:]; len(rest) >= 2 && rest[0] == ' ' && (rest[1]-'0' <= 9 || rest[1] == '-') && !escaped(b[:at]) {
			return b[:at], rest[1:], true
		}
		at++
	}
}

// escaped reports whether an odd number of backslashes ends b.
func escaped(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// word cuts the text up to the next blank off b.
func word(b []byte) (w, rest []byte) {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// quoted cuts a quoted field off b, which begins with the opening quote, and
// the blank after it. A field that the line's end cuts short is taken as it is.
func (p *Parser) quoted(b []byte) (field, rest []byte) {
	b = b[1:]
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return b, nil
		}
		at += n
		if p.plain || !escaped(b[:at]) {
			rest = b[at+1:]
			if len(rest) == 0 || rest[0] == ' ' {
				if len(rest) > 0 {
					rest = rest[1:]
				}
				return b[:at], rest
			}
		}
		at++
	}
}

// field cuts a quoted or bare field off b.
func (p *Parser) field(b []byte) (field, rest []byte) {
	if len(b) > 0 && b[0] == '"' {
		return p.quoted(b)
	}
	return word(b)
}

// clfTail reads status, size, referer, user agent and what follows; chain is
// the forwarding chain if one stands there.
func (p *Parser) clfTail(b []byte, r *detect.Request) (chain, rest []byte, ok bool) {
	w, b := word(b)
	if r.Status, ok = status(w); !ok {
		return nil, nil, false
	}
	r.Silent = r.Status == 0 && !absent(w)
	w, b = word(b)
	if r.Bytes, ok = size(w); !ok {
		return nil, nil, false
	}
	if len(b) == 0 {
		return nil, nil, true
	}
	if b[0] != '"' && b[0] != '-' {
		p.clfExtra(b, r)
		return nil, b, true
	}
	w, b = p.field(b)
	r.Referer = p.text(w)
	if len(b) == 0 {
		return nil, nil, true
	}
	w, b = p.field(b)
	r.Agent = p.text(w)
	if len(b) == 0 {
		return nil, nil, true
	}
	return p.clfExtra(b, r), b, true
}

// clfExtra reads what formats append after the user agent: the forwarding
// chain in quotes, the host as host=…, a time to serve in seconds with a
// fraction (nginx $request_time, bare or as rt=…) or in milliseconds with its
// unit (Traefik). A bare whole number may be anything and is left alone.
func (p *Parser) clfExtra(b []byte, r *detect.Request) (chain []byte) {
	first := true
	for len(b) > 0 {
		if b[0] == '"' {
			var w []byte
			w, b = p.quoted(b)
			// Only where formats have it: clients may write addresses into any
			// other header that is logged.
			if first && looksForwarded(w) {
				chain = w
			}
			first = false
			continue
		}
		var w []byte
		w, b = word(b)
		switch {
		case len(w) > 5 && string(w[:5]) == "host=":
			if r.Host == nil && isHost(w[5:]) {
				r.Host = p.text(w[5:])
			}
		case r.Duration >= 0:
		case len(w) > 3 && string(w[:3]) == "rt=", len(w) > 13 && string(w[:13]) == "request_time=":
			if d, ok := decimal(w[bytes.IndexByte(w, '=')+1:]); ok {
				r.Duration = d
			}
		case len(w) > 2 && w[len(w)-2] == 'm' && w[len(w)-1] == 's':
			if d, ok := decimal(w[:len(w)-2]); ok {
				r.Duration = d / 1000
			}
		case bytes.IndexByte(w, '.') > 0:
			if d, ok := decimal(w); ok {
				r.Duration = d
			}
		}
	}
	return chain
}

// looksForwarded reports whether the first entry of a quoted field is an
// address, as in "$http_x_forwarded_for".
func looksForwarded(b []byte) bool {
	if i := bytes.IndexByte(b, ','); i >= 0 {
		b = b[:i]
	}
	_, ok := hopAddress(trimSpace(b))
	return ok
}

// clfName names the variant that was read; tail is what follows the request.
func clfName(tail []byte, r *detect.Request) string {
	if r.Host != nil {
		return "vhost_combined"
	}
	if i := bytes.IndexByte(tail, ' '); i >= 0 && bytes.IndexByte(tail[i+1:], ' ') >= 0 {
		return "combined" // more than status and size
	}
	return "common"
}

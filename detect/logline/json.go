package logline

import (
	"bytes"

	"levee/detect"
)

// maxDepth bounds how deep objects are entered; what is deeper is skipped
// without being looked at.
const maxDepth = 6

// maxNested bounds how many log lines may be wrapped in one another.
const maxNested = 2

// jsonLog reads access logs of one JSON object a line, whatever its keys are
// called and however they are nested. It reads each byte once, looks only at
// keys that are known, and skips the rest.
type jsonLog struct {
	keys *keyNode
	v    values
	rank [fieldCount]uint8
	seen [dialectCount]uint8
}

func (j *jsonLog) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if len(line) < 2 || line[0] != '{' {
		return 0, false
	}
	if p.nested >= maxNested {
		return detect.Other, true
	}
	if j.keys == nil {
		j.keys = usualKeys()
	}
	j.v, j.rank, j.seen = values{}, [fieldCount]uint8{}, [dialectCount]uint8{}
	end := j.object(line, 1, j.keys, 0)
	if end < 0 || len(trimSpace(line[end:])) > 0 {
		return 0, false
	}
	return j.request(p, r)
}

// request makes a Request of the values found.
func (j *jsonLog) request(p *Parser, r *detect.Request) (detect.Kind, bool) {
	v := &j.v
	whole := v.at[clock1] != nil && (v.at[method] != nil || v.at[request] != nil) &&
		(v.at[code] != nil || v.at[client] != nil || v.at[forwarded] != nil)
	if !whole {
		if m := v.at[message]; m != nil {
			return p.wrapped(m, r)
		}
		return detect.Other, true
	}
	d := j.dialect()
	if l := v.at[logger]; bytes.HasPrefix(l, []byte("http.")) && !bytes.HasPrefix(l, []byte("http.log.access")) {
		if bytes.HasPrefix(l, []byte("http.log.error")) {
			return detect.ErrorLine, true
		}
		return detect.Other, true // Caddy tells of a request in other logs too
	}
	if b := v.at[duration]; b != nil {
		if d == envoyJSON {
			v.set(millis, b)
		} else {
			v.set(seconds, b)
			p.unit(v, b)
		}
	}
	if n, ok := v.sent(); !ok || n < 0 {
		v.at[length], v.at[lengthAll] = nil, nil
	}
	p.escapes = jsonEscapes
	k, ok := p.assemble(v, r)
	if ok {
		p.name = dialectNames[d]
	}
	return k, ok
}

// unit reads a duration that brings its unit, "1.5ms", as Caddy writes them when
// asked to.
func (p *Parser) unit(v *values, b []byte) {
	n := len(b)
	switch {
	case n < 3 || b[n-1] != 's' || b[n-2]-'0' <= 9:
		if n > 1 && b[n-1] == 's' {
			v.at[seconds] = b[:n-1]
		}
	case b[n-2] == 'm':
		v.at[seconds], v.at[millis] = nil, b[:n-2]
	case b[n-2] == 'n':
		v.at[seconds], v.at[nanos] = nil, b[:n-2]
	case b[n-2] == 'u':
		v.at[seconds], v.at[micros] = nil, b[:n-2]
	case bytes.HasSuffix(b, []byte("\u00b5s")), bytes.HasSuffix(b, []byte("\u03bcs")):
		v.at[seconds], v.at[micros] = nil, b[:n-3]
	}
}

// wrapped reads a log line that stands in a JSON string.
func (p *Parser) wrapped(b []byte, r *detect.Request) (detect.Kind, bool) {
	if bytes.IndexByte(b, '\\') >= 0 {
		b = p.arena.commit(unquoteInto(p.arena.reserve(3*len(b)), b))
	}
	k, ok := p.inner(b, r)
	if !ok {
		return detect.Other, true
	}
	return k, true
}

// dialect returns the one that most of the keys belong to.
func (j *jsonLog) dialect() dialect {
	best := anyJSON
	for d := anyJSON + 1; d < dialectCount; d++ {
		if j.seen[d] > j.seen[best] || best == anyJSON && j.seen[d] >= 3 {
			best = d
		}
	}
	return best
}

// object reads the object whose inside begins at i, knowing the keys below n.
// It returns the index after its closing brace, -1 when the text is no JSON.
func (j *jsonLog) object(b []byte, i int, n *keyNode, depth int) int {
	i = blanks(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return -1
		}
		end := stringEnd(b, i+1)
		if end < 0 {
			return -1
		}
		kid := n.find(b[i+1 : end])
		if kid == nil {
			kid = n.along(b[i+1 : end])
		}
		i = blanks(b, end+1)
		if i >= len(b) || b[i] != ':' {
			return -1
		}
		if i = j.value(b, blanks(b, i+1), kid, depth); i < 0 {
			return -1
		}
		i = blanks(b, i)
		switch {
		case i >= len(b):
			return -1
		case b[i] == '}':
			return i + 1
		case b[i] != ',':
			return -1
		}
		i = blanks(b, i+1)
	}
}

// along follows a key that holds dots, such as "http.request" in front of an
// object, from node to node.
func (n *keyNode) along(k []byte) *keyNode {
	for n != nil {
		i := bytes.IndexByte(k, '.')
		if i < 0 {
			return n.find(k)
		}
		if n = n.find(k[:i]); n == nil || n.slots == nil {
			return nil
		}
		k = k[i+1:]
	}
	return nil
}

// value reads the value at i, which has the meaning of n (nil: none), and
// returns the index after it, -1 when the text is no JSON.
func (j *jsonLog) value(b []byte, i int, n *keyNode, depth int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		end := stringEnd(b, i+1)
		if end < 0 {
			return -1
		}
		if n != nil && n.field != ignored {
			j.take(n, b[i+1:end])
		}
		return end + 1
	case '{':
		if n != nil && n.slots != nil && depth < maxDepth {
			return j.object(b, i+1, n, depth+1)
		}
		return skipNest(b, i)
	case '[':
		end := skipNest(b, i)
		if end > 0 && n != nil && n.field != ignored {
			j.list(n, b[i+1:end-1])
		}
		return end
	}
	end := i
	for end < len(b) && b[end] != ',' && b[end] != '}' && b[end] != ']' && b[end] > ' ' {
		if c := b[end]; c == '"' || c == '{' || c == '[' || c == ':' {
			return -1
		}
		end++
	}
	if end == i {
		return -1
	}
	if c := b[i]; n != nil && n.field != ignored && (c == '-' || c >= '0' && c <= '9') {
		j.take(n, b[i:end])
	}
	return end
}

// list takes a list, as headers are logged and Elasticsearch gives fields: its
// first value, or all of a forwarding chain.
func (j *jsonLog) list(n *keyNode, b []byte) {
	i := blanks(b, 0)
	if i >= len(b) {
		return
	}
	if b[i] != '"' {
		if end := bytes.IndexByte(b[i:], ','); end >= 0 {
			b = b[:i+end]
		}
		if b = bytes.TrimRight(b[i:], " \t\r\n"); len(b) > 0 && b[0]-'0' <= 9 {
			j.take(n, b)
		}
		return
	}
	end := stringEnd(b, i+1)
	if end < 0 {
		return
	}
	if n.field == forwarded {
		if last := bytes.LastIndexByte(b, '"'); last > end {
			end = last
		}
	}
	j.take(n, b[i+1:end])
}

// take books a value. One that says nothing never replaces one that does.
func (j *jsonLog) take(n *keyNode, b []byte) {
	f := n.field
	if f == header {
		j.v.addHeader(n.header, b)
		return
	}
	j.seen[n.dialect]++
	if n.rank < j.rank[f] || j.v.at[f] != nil && absent(b) {
		return
	}
	j.rank[f] = n.rank
	j.v.at[f] = b
}

// blanks returns the index of the first byte from i on that is no white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// stringEnd returns the index of the quote that closes the string whose inside
// begins at i, -1 without one.
func stringEnd(b []byte, i int) int {
	for at := i; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return -1
		}
		at += n
		if at == i || b[at-1] != '\\' || !escaped(b[i:at]) {
			return at
		}
		at++
	}
}

// skipNest returns the index after the object or list that begins at i, -1 when
// it does not end. Strings are jumped over; nothing inside is checked.
func skipNest(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			if i = stringEnd(b, i+1); i < 0 {
				return -1
			}
		}
		i++
	}
	return -1
}

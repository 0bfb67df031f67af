package detect

import "bytes"

// feature is what attribution sees of a request: small numbers only, so that a
// sample is compared and matched without touching text.
type feature struct {
	route    uint16
	agent    uint16
	refer    uint16 // referNone, referOwn, or 2 + the id of the referring host
	shape    uint16 // id of the query's keys; 0 none or rare
	headers  uint32
	asn      uint32
	country  uint16 // two letters
	status   uint16
	service  uint8
	method   uint8
	proto    uint8
	query    uint8 // queryAbsent or a mix of queryPresent, queryRandom, queryFresh
	marks    uint8 // of the route
	none     bool  // no readable request line
	noAgent  bool
	tool     bool
	attacks  bool   // the agent names a program made to attack or scan
	claims   bool   // the agent claims to be a crawler
	signed   bool   // the agent says who runs it, and is none of those whose names are borrowed
	previews bool   // the agent is one that looks at links for those they were sent to
	exact    uint64 // hash of the whole path, no query
	target   uint64 // hash of path and query
	agentSum uint64 // hash of the whole agent
	refPath  uint16 // hash of the referer's path when it is the own site
}

const (
	referNone uint16 = iota
	referOwn
	referOthers // first id of a foreign host
)

const (
	queryAbsent  uint8 = 0
	queryPresent uint8 = 1 << (iota - 1)
	queryRandom        // a value looks made up by a machine
	queryFresh         // the same query was never seen on this route
)

// Methods, numbered.
const (
	methodOther uint8 = iota
	methodGet
	methodPost
	methodHead
	methodOptions
	methodPut
	methodDelete
	methodPatch
)

var methodNames = [...]string{"", "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"}

func methodOf(b []byte) uint8 {
	switch string(b) {
	case "GET":
		return methodGet
	case "POST":
		return methodPost
	case "HEAD":
		return methodHead
	case "OPTIONS":
		return methodOptions
	case "PUT":
		return methodPut
	case "DELETE":
		return methodDelete
	case "PATCH":
		return methodPatch
	}
	return methodOther
}

var protoNames = [...]string{"", "1.0", "1.1", "2.0", "3.0", "other"}

func protoOf(b []byte) uint8 {
	switch string(b) {
	case "":
		return 0
	case "HTTP/1.0":
		return 1
	case "HTTP/1.1":
		return 2
	case "HTTP/2.0", "HTTP/2", "h2":
		return 3
	case "HTTP/3.0", "HTTP/3", "h3":
		return 4
	}
	return 5
}

// redirects reports whether the answer sent the client elsewhere.
func (f *feature) redirects() bool { return f.status >= 300 && f.status < 400 && f.status != 304 }

// look turns a request into its feature.
func (e *Engine) look(r *Request, c *client, svc uint8, f *feature) {
	g := c.of(r)
	*f = feature{} // not a literal: it would be built aside and copied
	f.service, f.method, f.proto, f.status, f.headers = svc, g.method, g.proto, r.Status, uint32(r.Headers)
	if svc != c.service {
		c.askedOf(g, svc)
	}
	f.target = c.target
	f.route, f.marks, f.exact = e.routeOf(svc, r.Target[:g.cut], c.path)
	if g.query != 0 {
		e.lookQuery(r, g, f)
	}
	e.lookAgent(r.Agent, g.agent, f)
	if len(r.Referer) > 0 {
		e.lookReferer(r, g, f)
	}
}

// lookQuery finds the query's shape (its keys) and whether it was ever seen.
func (e *Engine) lookQuery(r *Request, g *gist, f *feature) {
	f.query = queryPresent
	if g.random {
		f.query |= queryRandom
	}
	if !e.queries.Add(f.target) {
		f.query |= queryFresh
	}
	id := e.shapes.find(g.shape)
	if id == 0 && e.shapes.deserves(g.shape) {
		id = e.shapes.add(g.shape, shapeName(r.Target[g.cut+1:]), "")
	}
	f.shape = id
}

// shapeName writes a query as its keys: q=*&page=*.
func shapeName(q []byte) string {
	var b []byte
	for n, pair := range bytes.Split(q, []byte("&")) {
		if n == 12 || len(b) > 100 {
			break
		}
		if n > 0 {
			b = append(b, '&')
		}
		key, _, ok := bytes.Cut(pair, []byte("="))
		if !ok && randomText(key) {
			key = []byte("*")
		}
		b = append(b, key[:min(len(key), 32)]...)
		if ok {
			b = append(b, "=*"...)
		}
	}
	return string(b)
}

// randomText reports whether s looks drawn by a machine: letters and digits
// mixed, long digits, mixed case, or letters no language strings together.
func randomText(s []byte) bool {
	if len(s) < 5 || len(s) > 200 {
		return len(s) > 200
	}
	var digits, letters, vowels, turns, cases int
	last := byte(0)
	for _, c := range s {
		k := byte(0)
		switch {
		case c >= '0' && c <= '9':
			digits++
			k = 1
		case c >= 'a' && c <= 'z':
			letters++
			k = 2
		case c >= 'A' && c <= 'Z':
			letters++
			k = 3
			c += 'a' - 'A'
		default:
			return false // words joined by + - . % are people's
		}
		if c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y' {
			vowels++
		}
		if last != 0 && k != last {
			turns++
			if k >= 2 && last >= 2 {
				cases++
			}
		}
		last = k
	}
	switch {
	case letters == 0:
		return digits >= 7
	case digits > 0:
		return turns >= 2 || len(s) >= 8 && digits >= 2
	case cases >= 3:
		return true
	}
	return len(s) >= 7 && vowels*5 < len(s)
}

// lookReferer tells the own site from others.
func (e *Engine) lookReferer(r *Request, g *gist, f *feature) {
	own := g.ownRef
	if len(r.Host) == 0 {
		own = e.services[f.service].votesOwn(g.refHost, e.sec)
	}
	if own {
		f.refer = referOwn
		f.refPath = uint16(pathHash(f.service, g.refPath)>>16) | 1
		return
	}
	id := e.refers.find(g.refHost)
	if id == 0 && e.refers.deserves(g.refHost) {
		host, _ := cutReferer(r.Referer)
		id = e.refers.add(g.refHost, clip(host, 100), "")
	}
	f.refer = referOthers + id
}

// clip copies at most n bytes of b into a string.
func clip(b []byte, n int) string { return string(b[:min(len(b), n)]) }

package detect

import "bytes"

// gist is what the texts of a request tell by themselves: hashes of them and a
// few small facts. Nothing but the request goes into it, so it can be taken by
// whoever reads requests, on another processor than the one that judges them.
type gist struct {
	seed    uint64 // the seed that the hashes were taken with
	path    uint64
	query   uint64 // 0: there is none
	shape   uint64 // the keys of the query
	agent   uint64
	host    uint64
	refHost uint64
	refPath uint64
	cut     int32 // where the path ends in the target
	random  bool  // a value of the query looks made up by a machine
	ownRef  bool  // the referer names the host that was asked
	method  uint8
	proto   uint8
	taken   bool
}

// The words that keep hashes of different things apart.
const (
	saltPath uint64 = iota + 1
	saltQuery
	saltShape
	saltAgent
	saltHost
	saltReferer
	saltRoute
	saltFolder
	saltFamily
	saltAccount
)

// Prepare takes the hashes and the facts that judging needs of a request's
// texts. Add does it itself where it was not done, or was done with another seed
// than Options.Seed: calling it where requests are read takes that work from the
// goroutine that judges. Texts must not be changed afterwards.
func (r *Request) Prepare(seed uint64) { r.gist.take(r, seed) }

func (g *gist) take(r *Request, seed uint64) {
	*g = gist{} // not a literal: it would be built aside and copied
	g.seed, g.taken = seed, true
	g.method, g.proto = methodOf(r.Method), protoOf(r.Proto)
	cut := bytes.IndexByte(r.Target, '?')
	if cut < 0 {
		cut = len(r.Target)
	}
	g.cut = int32(cut)
	g.path = hashBytes(r.Target[:cut], saltPath^seed)
	if len(r.Target) > cut+1 {
		q := r.Target[cut+1:]
		g.query = hashBytes(q, saltQuery^seed) | 1
		g.shape, g.random = shapeOf(q, saltShape^seed)
	}
	g.agent = hashBytes(r.Agent, saltAgent^seed)
	if len(r.Host) > 0 {
		g.host = hashBytes(r.Host, saltHost^seed)
	}
	if len(r.Referer) > 0 {
		host, path := cutReferer(r.Referer)
		g.refHost, g.refPath = hashBytes(host, saltReferer^seed), hashBytes(path, saltPath^seed)
		g.ownRef = len(r.Host) > 0 && bytes.Equal(host, r.Host)
	}
}

// shapeOf hashes the keys of a query and reports whether a value looks random.
func shapeOf(q []byte, shape uint64) (_ uint64, random bool) {
	for rest, n := q, 0; len(rest) > 0 && n < 12; n++ {
		pair := rest
		if i := bytes.IndexByte(rest, '&'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		key, val := pair, []byte(nil)
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			key, val = pair[:i], pair[i+1:]
		}
		if randomText(val) {
			random = true
		}
		if len(val) == 0 && randomText(key) {
			random = true
			continue
		}
		shape = hashBytes(key, shape)
	}
	return shape, random
}

// cutReferer returns the host a referer names and the path there.
func cutReferer(ref []byte) (host, path []byte) {
	for i := 0; i+3 <= min(len(ref), 10); i++ { // past the scheme
		if ref[i] == ':' && ref[i+1] == '/' && ref[i+2] == '/' {
			ref = ref[i+3:]
			break
		}
	}
	i := bytes.IndexByte(ref, '/')
	if i < 0 {
		return ref, nil
	}
	host, path = ref[:i], ref[i:]
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	return host, path
}

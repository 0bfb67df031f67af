package detect

import "unsafe"

const cacheLine = 64 // bytes

// How many requests ahead of the one that is judged the next ones are looked up:
// hashed first, which tells where in the tables to look, and found later, when
// those places have arrived from memory. A judgment takes longer than a read of
// memory does, and the processor goes on with it while it waits for those reads.
const (
	hashAhead = 16
	findAhead = 8
	aheadRoom = 32 // a power of 2
)

// client is who a request comes from, and what was found out about the request
// ahead of judging it.
type client struct {
	key     sourceKey
	low     uint64
	hash    uint64
	netHash uint64 // of the prefix around key
	path    uint64 // hash of the path as service sees it
	target  uint64 // likewise of the path with its query
	at      int32  // where the source seems to be, -1 when it is not held
	netAt   int32  // likewise its prefix
	service uint8  // the service that path was hashed for
	own     bool   // the request came without a gist of use: it is in gist
	gist    gist
}

// lookAhead does what can be done before the request at i is judged, for later
// ones: nothing but e.ahead changes. What is found may be out of date by the time
// a request is judged, and is checked there.
func (e *Engine) lookAhead(batch []Request, i int) {
	if i == 0 { // the first ones were not looked up while others were judged
		for j := range min(hashAhead, len(batch)) {
			e.hash(&batch[j], &e.ahead[j])
		}
		for j := range min(findAhead, len(batch)) {
			e.find(&e.ahead[j])
		}
	}
	if j := i + hashAhead; j < len(batch) {
		e.hash(&batch[j], &e.ahead[j%aheadRoom])
	}
	if j := i + findAhead; j < len(batch) {
		e.find(&e.ahead[j%aheadRoom])
	}
}

// hash finds out where in the tables a request is going to look, and asks for
// what lies there.
func (e *Engine) hash(r *Request, c *client) {
	if c.set(r, e); c.target != c.path {
		young, old := e.queries.Lines(c.target)
		prefetch(unsafe.Pointer(young), unsafe.Pointer(old), unsafe.Pointer(young), unsafe.Pointer(old))
	}
	prefetch(unsafe.Pointer(&e.sources.tags[e.sources.set(c.hash)]), unsafe.Pointer(&e.nets.tags[e.nets.set(c.netHash)]),
		unsafe.Pointer(&e.memo[c.path&uint64(len(e.memo)-1)]), unsafe.Pointer(&e.agentMemo[c.of(r).agent&uint64(len(e.agentMemo)-1)]))
}

// find finds the places of a request's source and prefix and asks for them: for
// all of a source that is held, else for what decides who gives way to it.
func (e *Engine) find(c *client) {
	if c.at = e.sources.place(c.hash); c.at >= 0 {
		prefetchRun(unsafe.Pointer(&e.sources.entries[c.at]), int(sourceSize/cacheLine))
	} else {
		r := e.sources.entries[e.sources.set(c.hash):][:ways]
		prefetch(unsafe.Pointer(&r[0]), unsafe.Pointer(&r[1]), unsafe.Pointer(&r[2]), unsafe.Pointer(&r[3]))
		prefetch(unsafe.Pointer(&r[4]), unsafe.Pointer(&r[5]), unsafe.Pointer(&r[6]), unsafe.Pointer(&r[7]))
		young, old := e.known.Lines(c.hash)
		prefetch(unsafe.Pointer(young), unsafe.Pointer(old), unsafe.Pointer(young), unsafe.Pointer(old))
	}
	if c.netAt = e.nets.place(c.netHash); c.netAt >= 0 {
		prefetchRun(unsafe.Pointer(&e.nets.entries[c.netAt]), 2)
	} else {
		r := e.nets.entries[e.nets.set(c.netHash):][:netWays]
		prefetch(unsafe.Pointer(&r[0]), unsafe.Pointer(&r[1]), unsafe.Pointer(&r[2]), unsafe.Pointer(&r[3]))
	}
}

// set finds out what the request itself tells.
func (c *client) set(r *Request, e *Engine) {
	if r.Source.IsValid() {
		c.key, c.low = keyOf(r.Source)
		c.hash, c.netHash = c.key.hash(), c.key.net().hash()|1
	}
	if c.own = !r.gist.taken || r.gist.seed != e.opt.Seed; c.own {
		c.gist.take(r, e.opt.Seed)
	}
	if len(r.Host) > 0 {
		c.askedOf(c.of(r), e.lastService)
	} else {
		c.askedOf(c.of(r), e.plain)
	}
}

// of returns the gist of r, whose client c is.
func (c *client) of(r *Request) *gist {
	if c.own {
		return &c.gist
	}
	return &r.gist
}

// askedOf hashes what was asked of a service.
func (c *client) askedOf(g *gist, service uint8) {
	c.service = service
	c.path = pathHash(service, g.path)
	c.target = c.path
	if g.query != 0 {
		c.target = mix(c.path, g.query)
	}
}

// fetchSamples asks for the sources of samples, all at once, before they are
// looked at one after the other.
func (e *Engine) fetchSamples(kept []sample) {
	for i := range kept {
		h := kept[i].key.hash()
		tag := unsafe.Pointer(&e.sources.tags[e.sources.set(h)])
		regular := unsafe.Pointer(&e.regulars[h%uint64(len(e.regulars))])
		prefetch(tag, regular, tag, regular)
	}
	for i := range kept {
		if at := e.sources.place(kept[i].key.hash()); at >= 0 {
			prefetchRun(unsafe.Pointer(&e.sources.entries[at]), int(sourceSize/cacheLine))
		}
	}
}

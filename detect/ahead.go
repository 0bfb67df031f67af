package detect

import "bytes"

// lookAhead is how many requests are looked up at once.
const lookAhead = 16

// client is who a request comes from, and what was found out about the request
// ahead of judging it.
type client struct {
	key     sourceKey
	low     uint64
	hash    uint64
	netHash uint64 // of the prefix around key
	path    uint64 // hash of the path as service sees it
	agent   uint64 // hash of the user agent
	cut     int    // where the path ends in the target
	at      int32  // where the source seems to be, -1 when it is not held
	netAt   int32  // likewise its prefix
	service uint8  // the service that path was hashed for
}

// touch finds out who the next requests come from and reads their places in
// the tables, all at once: the waits for memory overlap instead of adding up.
// They do so only while nothing between two reads depends on one before, so
// there is a pass for each step. Nothing but e.ahead changes: what is found may
// be out of date by the time a request is judged, and is checked there.
func (e *Engine) touch(batch []Request) {
	for i := range batch {
		e.ahead[i].set(&batch[i], e)
	}
	var sum uint64 // the processor may not skip a read whose value is used
	memo, agents := uint64(len(e.memo)-1), uint64(len(e.agentMemo)-1)
	for i := range batch {
		c := &e.ahead[i]
		sum += e.sources.tags[(c.hash>>32&e.sources.mask)*ways] + e.nets.tags[(c.netHash>>32&e.nets.mask)*netWays] +
			e.memo[c.path&memo].hash + e.agentMemo[c.agent&agents].hash
	}
	for i := range batch {
		c := &e.ahead[i]
		c.at, c.netAt = e.sources.place(c.hash), e.nets.place(c.netHash)
	}
	for i := range batch {
		c := &e.ahead[i]
		if c.at >= 0 {
			sum += e.sources.entries[c.at].touch()
		} else {
			sum += e.sources.touchRivals(c.hash) + e.known.Touch(c.hash)
		}
		if c.netAt >= 0 {
			sum += e.nets.entries[c.netAt].touch()
		} else {
			sum += e.nets.touchRivals(c.netHash)
		}
	}
	e.touched += sum
}

// set finds out what the request itself tells.
func (c *client) set(r *Request, e *Engine) {
	if r.Source.IsValid() {
		c.key, c.low = keyOf(r.Source)
		c.hash, c.netHash = c.key.hash(), c.key.net().hash()|1
	}
	if c.cut = bytes.IndexByte(r.Target, '?'); c.cut < 0 {
		c.cut = len(r.Target)
	}
	if c.service = e.lastService; len(r.Host) == 0 {
		c.service = e.plain
	}
	c.path = pathHash(c.service, r.Target[:c.cut])
	c.agent = agentHash(r.Agent)
}

// touch reads a word of each cache line of a source.
func (s *source) touch() uint64 {
	return uint64(s.last) + uint64(s.cur.hits) + s.paths + uint64(s.told) + uint64(s.long.hits)
}

// touchSamples reads the places of the samples' sources, as touch does for
// requests.
func (e *Engine) touchSamples(kept []sample) {
	var sum uint64
	for i := range kept {
		h := kept[i].key.hash()
		sum += e.sources.tags[(h>>32&e.sources.mask)*ways] + e.regulars[h%uint64(len(e.regulars))].key.lo
	}
	for i := range kept {
		if at := e.sources.place(kept[i].key.hash()); at >= 0 {
			sum += e.sources.entries[at].touch()
		}
	}
	e.touched += sum
}

package detect

import (
	"unsafe"

	"levee/detect/sketch"
)

const (
	netSize    = int64(unsafe.Sizeof(network{}) + unsafe.Sizeof(netRest{}))
	sampleSize = int64(unsafe.Sizeof(sample{}))
)

// allocate makes every table at once, in a size that keeps the whole below
// limit; nothing grows with the traffic afterwards.
func (e *Engine) allocate(limit int64) {
	n := 1024
	for n < 131072 && int64(n)*2*(sourceSize+8) <= limit*2/5 {
		n *= 2
	}
	e.sources = newSourceTable(n)
	e.nets = newNetTable(n / 8)
	words := 1024
	memo := 8192
	seen := 1 << 17
	if limit >= 32<<20 {
		words, memo, seen = 4096, 65536, 1<<22
	}
	e.routeWords, e.agents, e.refers, e.shapes = newLexicon(words), newLexicon(words), newLexicon(words), newLexicon(words/4)
	e.routes = make([]route, words)
	e.agentUse = make([]uint32, words)
	e.memo = make([]routeMemo, memo)
	e.agentMemo = make([]agentMemo, memo/8)
	e.children = make([]uint8, 8192)
	e.tmpl = make([]byte, 0, 512)
	e.hosts = make([]hostTrial, 256)
	e.queries, e.known, e.prefixes = sketch.NewSeen(seen), sketch.NewSeen(seen), sketch.NewSeen(seen)
	e.regulars = make([]regular, maxRegulars)
	e.base = make([]baseSample, 0, baselineSamples)
	for i := range e.slots {
		e.slots[i].kept = make([]sample, perSecond)
	}
	e.details = make([]detail, maxDetails)
	for i := maxDetails - 1; i > 0; i-- {
		e.freeDetail = append(e.freeDetail, uint16(i))
	}
	e.emptyAgent = e.agents.add(1, "absent", "")
}

func (e *Engine) memory() Memory {
	b := e.sources.bytes() + int64(len(e.nets.tags))*(8+netSize)
	b += e.routeWords.bytes() + e.agents.bytes() + e.refers.bytes() + e.shapes.bytes()
	b += int64(len(e.routes))*160 + int64(len(e.memo)+len(e.agentMemo))*16
	b += e.queries.Bytes() + e.known.Bytes() + e.prefixes.Bytes()
	b += recentSeconds*perSecond*sampleSize + baselineSamples*(featureSize+24) + maxDetails*(detailSamples*sampleSize+256)
	b += maxRegulars * 32
	b += historySeconds*40 + int64(len(e.services))*8192
	return Memory{Bytes: b, Limit: e.opt.MaxMemory, Shed: e.sources.shed}
}

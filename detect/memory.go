package detect

import (
	"unsafe"

	"levee/detect/sketch"
)

const (
	netSize     = int64(unsafe.Sizeof(network{}) + unsafe.Sizeof(netRest{}))
	sampleSize  = int64(unsafe.Sizeof(sample{}))
	chosenSize  = int64(unsafe.Sizeof(chosen{})) + 2
	accountSize = int64(unsafe.Sizeof(account{}))
	routeSize   = int64(unsafe.Sizeof(route{}))
	baseSize    = int64(unsafe.Sizeof(baseSample{}))
	detailSize  = int64(unsafe.Sizeof(detail{}))
	serviceSize = int64(unsafe.Sizeof(service{}))
	weighedSize = int64(unsafe.Sizeof(weighed{}))
)

// sizes are how big the tables are.
type sizes struct {
	least   int64 // the limit from which these sizes apply
	sources int
	nets    int
	words   int
	memo    int
	seen    int // bytes of one memory of what was seen
	samples int // a second
	details int
	base    int
}

var tableSizes = []sizes{
	{96 << 20, 131072, 8192, 4096, 65536, 1 << 22, 160, 512, 4096},
	{40 << 20, 65536, 4096, 4096, 32768, 1 << 21, 128, 384, 4096},
	{16 << 20, 16384, 2048, 2048, 8192, 1 << 19, 64, 192, 2048},
	{0, 4096, 512, 512, 2048, 1 << 16, 24, 64, 1024},
}

// allocate makes every table at once, in a size that keeps the whole below
// limit; nothing grows with the traffic afterwards. Less than about 4 MiB can't
// be had.
func (e *Engine) allocate(limit int64) {
	z := tableSizes[len(tableSizes)-1]
	for _, t := range tableSizes {
		if limit >= t.least {
			z = t
			break
		}
	}
	e.carveTables(&z)
	e.routeWords, e.agents, e.refers, e.shapes = newLexicon(z.words), newLexicon(z.words), newLexicon(z.words/2), newLexicon(z.words/4)
	e.routes = make([]route, z.words)
	e.accounts = make([]account, z.memo/32)
	e.children = make([]uint8, 8192)
	e.tmpl = make([]byte, 0, 512)
	e.hosts = make([]hostTrial, 256)
	e.base = make([]baseSample, 0, z.base)
	for i := range e.slots {
		e.slots[i].kept = make([]sample, z.samples)
	}
	e.chosen, e.toCopy = make([]chosen, z.samples), make([]uint16, 0, z.samples)
	e.details = make([]detail, z.details)
	for i := z.details - 1; i > 0; i-- {
		e.freeDetail = append(e.freeDetail, uint16(i))
	}
	e.emptyAgent = e.agents.add(1, "absent", "")
}

// newSeen makes a memory of z bytes for what was seen.
func newSeen(s *slab, bytes int) *sketch.Seen {
	words := carve[uint64](s, sketch.SeenWords(bytes))
	if words == nil {
		return nil
	}
	return sketch.SeenIn(words)
}

// memory sums up what the tables hold.
func (e *Engine) memory() Memory {
	b := e.sources.bytes() + int64(len(e.nets.tags))*(8+netSize)
	b += e.routeWords.bytes() + e.agents.bytes() + e.refers.bytes() + e.shapes.bytes()
	b += int64(len(e.routes))*routeSize + int64(len(e.accounts))*accountSize + int64(len(e.memo)+len(e.agentMemo))*16 + int64(len(e.children)) + int64(len(e.regulars))*24
	b += e.queries.Bytes() + e.known.Bytes()
	b += int64(recentSeconds*len(e.slots[0].kept))*sampleSize + int64(len(e.chosen))*chosenSize + int64(cap(e.base))*baseSize + int64(len(e.details))*detailSize
	b += historySeconds*40 + int64(cap(e.services))*serviceSize
	b += int64(cap(e.work.recent)+cap(e.work.base)) * weighedSize
	return Memory{Bytes: b, Limit: e.opt.MaxMemory, Shed: e.sources.shed}
}

package source

import (
	"sync"

	"levee/detect"
	"levee/detect/logline"
)

// chunkSize is how many bytes of log one Batch holds at most. A batch of
// usual lines with its parsed requests then fits the caches of one core.
const chunkSize = 256 << 10

// Batch is a piece of an input: its requests, and how many lines it was.
type Batch struct {
	Requests  []detect.Request // Access and NoRequest lines, in order; valid until Release
	Input     int              // which input or, in a Scan, which file it came from
	Format    string           // the format recognised last, "" when none was
	Lines     int              // lines in all
	Malformed int              // lines that are no log line
	Others    int              // error lines, lines of other programs; comments are not counted

	data  []byte // backing of the requests' texts
	arena logline.Arena
	done  func() // moves the position on; nil for recorded logs
}

var batches = sync.Pool{New: func() any {
	return &Batch{data: make([]byte, chunkSize)}
}}

// newBatch returns an empty Batch whose data has room for chunkSize bytes.
func newBatch(input int) *Batch {
	b := batches.Get().(*Batch)
	b.Input = input
	return b
}

// Release says that the requests were judged and are not looked at any more.
// It must be called exactly once.
func (b *Batch) Release() {
	if b.done != nil {
		b.done()
	}
	b.recycle()
}

// recycle puts an unused Batch back without moving any position.
func (b *Batch) recycle() {
	b.arena.Reset()
	*b = Batch{Requests: b.Requests[:0], data: b.data, arena: b.arena}
	batches.Put(b)
}

// parse reads the whole lines in text, which must lie in b.data. It also prepares
// the requests for judging, which goes on beside it.
func (b *Batch) parse(p *logline.Parser, text []byte) {
	p.SetArena(&b.arena)
	for len(text) > 0 {
		var line []byte
		var k detect.Kind
		r := b.room()
		line, text, k, _ = p.ParseFirst(text, r) // what is wrong with it is for ParseFile to say
		b.book(line, k, p.Seed())
	}
	b.Format = p.Format()
}

// line parses one line into b.
func (b *Batch) line(p *logline.Parser, line []byte) {
	k, _ := p.Parse(line, b.room())
	b.book(line, k, p.Seed())
}

// room returns where the next request goes.
func (b *Batch) room() *detect.Request {
	n := len(b.Requests)
	if n == cap(b.Requests) {
		b.Requests = append(b.Requests, detect.Request{})
	} else {
		b.Requests = b.Requests[:n+1]
	}
	return &b.Requests[n]
}

// book counts a line that was read into the last request, and prepares it for
// judging; it goes if it is none.
func (b *Batch) book(line []byte, k detect.Kind, seed uint64) {
	b.Lines++
	if k <= detect.NoRequest {
		b.Requests[len(b.Requests)-1].Prepare(seed)
		return
	}
	b.Requests = b.Requests[:len(b.Requests)-1]
	switch {
	case k == detect.Malformed:
		b.Malformed++
	case k == detect.ErrorLine, len(line) > 1 && line[0] != '#':
		b.Others++
	}
}

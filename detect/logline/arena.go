package logline

// arenaChunk is the first size of an Arena's memory; larger lines get more.
const arenaChunk = 16 << 10

// Arena holds text that had to be rewritten. The zero value is ready. It grows
// by whole chunks and never moves what it handed out.
type Arena struct {
	buf []byte
}

// Reset makes the memory available again; slices handed out before are then
// invalid.
func (a *Arena) Reset() { a.buf = a.buf[:0] }

// reserve returns an empty slice with room for n bytes at the end of the
// current chunk. The caller appends at most n bytes and hands the result to
// commit.
func (a *Arena) reserve(n int) []byte {
	if cap(a.buf)-len(a.buf) < n {
		// What was handed out keeps the old chunk alive.
		a.buf = make([]byte, 0, max(arenaChunk, n, 2*cap(a.buf)))
	}
	return a.buf[len(a.buf):len(a.buf):cap(a.buf)]
}

// commit keeps s, which reserve began, and returns it without spare capacity.
func (a *Arena) commit(s []byte) []byte {
	a.buf = a.buf[:len(a.buf)+len(s)]
	return s[:len(s):len(s)]
}

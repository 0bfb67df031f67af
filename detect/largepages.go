package detect

import "unsafe"

// slab is the memory of all tables that requests go to at random, in one piece:
// a large page then takes in tables that are smaller than it is. They hold no
// pointers, which the garbage collector would not find there. With no memory it
// only measures how much it takes.
type slab struct {
	memory []byte
	used   int
}

// carve takes a table of n entries out of s, from the start of a cache line on.
func carve[T any](s *slab, n int) []T {
	var one T
	at := s.used
	s.used += (n*int(unsafe.Sizeof(one)) + cacheLine - 1) &^ (cacheLine - 1)
	if s.memory == nil {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&s.memory[at])), n)
}

// carveTables makes the tables that requests go to at random. The small ones
// stand in the middle, where large pages are sure to reach.
func (e *Engine) carveTables(z *sizes) {
	var s slab
	for range 2 {
		e.nets = newNetTable(&s, z.nets)
		e.queries, e.known = newSeen(&s, z.seen), newSeen(&s, z.seen)
		e.memo, e.agentMemo = carve[routeMemo](&s, z.memo), carve[agentMemo](&s, z.memo/8)
		e.regulars = carve[regular](&s, z.memo/8)
		e.sources = newSourceTable(&s, z.sources)
		if s.memory == nil {
			s = slab{memory: make([]byte, s.used)}
			if e.opt.Pages != nil {
				e.opt.Pages(s.memory)
			}
		}
	}
}

package sketch

// Seen remembers hashes it was given, in two generations of a blocked Bloom
// filter (Putze, Sanders, Singler 2007): all bits of a value lie in one 64-byte
// line, so an answer costs one cache miss. When the young generation is full
// the old one is forgotten, so the memory reaches back at least as many
// distinct values as one generation holds. It never forgets a value of the
// young generation; about 1 in 200 new values is wrongly taken for seen.
type Seen struct {
	young, old []uint64
	mask       uint64
	n, limit   int
}

// NewSeen returns a Seen of about bytes bytes (at least 2 KiB).
func NewSeen(bytes int) *Seen { return SeenIn(make([]uint64, SeenWords(bytes))) }

// SeenWords is how many words SeenIn needs for a Seen of about bytes bytes.
func SeenWords(bytes int) int {
	lines := 16
	for lines*2*64*2 <= bytes {
		lines *= 2
	}
	return 2 * lines * 8
}

// SeenIn returns a Seen that lives in words, all zero, of which there are as
// many as SeenWords says.
func SeenIn(words []uint64) *Seen {
	half := len(words) / 2
	lines := half / 8
	return &Seen{young: words[:half:half], old: words[half:], mask: uint64(lines - 1), limit: lines * 512 / 12}
}

// Bytes is the memory held.
func (s *Seen) Bytes() int64 { return int64(len(s.young)+len(s.old)) * 8 }

// Add notes h and reports whether it was seen before.
func (s *Seen) Add(h uint64) bool {
	line := (h & s.mask) * 8
	y := s.young[line : line+8 : line+8]
	o := s.old[line : line+8 : line+8]
	k := h >> 20
	inYoung, inOld := true, true
	for range 4 {
		w, b := k>>6&7, uint64(1)<<(k&63)
		if y[w]&b == 0 {
			inYoung = false
			y[w] |= b
		}
		if o[w]&b == 0 {
			inOld = false
		}
		k >>= 10
	}
	if !inYoung {
		s.n++
		if s.n >= s.limit {
			s.young, s.old = s.old, s.young
			clear(s.young)
			s.n = 0
		}
	}
	return inYoung || inOld
}

// Lines returns where the two lines begin that Add would look at for h, for a
// caller that wants them near by then.
func (s *Seen) Lines(h uint64) (young, old *uint64) {
	line := (h & s.mask) * 8
	return &s.young[line], &s.old[line]
}

// Has reports whether h was seen, without noting it.
func (s *Seen) Has(h uint64) bool {
	line := (h & s.mask) * 8
	k := h >> 20
	inYoung, inOld := true, true
	for range 4 {
		w, b := k>>6&7, uint64(1)<<(k&63)
		inYoung = inYoung && s.young[line+w]&b != 0
		inOld = inOld && s.old[line+w]&b != 0
		k >>= 10
	}
	return inYoung || inOld
}

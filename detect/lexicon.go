package detect

import "math"

func ln(x float64) float64 { return math.Log(x) }

// lexicon gives short ids to strings that come again and again: path
// templates, user agents, referer hosts, query shapes. It is bounded: a string
// gets an id only when its hash is met again, so that values made up for one
// request cost nothing, and a full lexicon gives the id of a word that fell
// out of use to a new one. Id 0 stands for all the words that have none.
type lexicon struct {
	slots []uint64 // open addressing: hash, 0 is free
	ids   []uint16
	words []word   // by id
	uses  []uint32 // by id, halved now and then; apart from words, for they change with every request
	trial []uint64 // hashes met once, direct-mapped
	hand  int      // where the search for an unused word goes on
	made  func(id uint16)
}

type word struct {
	hash uint64
	name string
	full string // an example of the whole text
}

func newLexicon(size int) *lexicon {
	n := 4
	for n < 4*size {
		n *= 2
	}
	return &lexicon{slots: make([]uint64, n), ids: make([]uint16, n), words: make([]word, 1, size), uses: make([]uint32, size), trial: make([]uint64, n)}
}

// bytes is what the tables hold.
func (l *lexicon) bytes() int64 { return int64(len(l.slots)*18) + int64(cap(l.words))*(48+96) }

// find returns the id of hash h, 0 when it has none.
func (l *lexicon) find(h uint64) uint16 {
	m := uint64(len(l.slots) - 1)
	for i := h & m; l.slots[i] != 0; i = (i + 1) & m {
		if l.slots[i] == h {
			id := l.ids[i]
			l.uses[id]++
			return id
		}
	}
	return 0
}

// deserves reports whether h was met before, and notes it.
func (l *lexicon) deserves(h uint64) bool {
	t := &l.trial[h>>32&uint64(len(l.trial)-1)]
	if *t == h {
		return true
	}
	*t = h
	return false
}

// add gives h an id and keeps its name. It returns 0 when every word is in use.
func (l *lexicon) add(h uint64, name, full string) uint16 {
	id := uint16(len(l.words))
	if len(l.words) < cap(l.words) {
		l.words = append(l.words, word{})
	} else if id = l.unused(); id == 0 {
		return 0
	}
	l.words[id] = word{hash: h, name: name, full: full}
	l.uses[id] = 2
	m := uint64(len(l.slots) - 1)
	i := h & m
	for l.slots[i] != 0 {
		i = (i + 1) & m
	}
	l.slots[i], l.ids[i] = h, id
	if l.made != nil {
		l.made(id)
	}
	return id
}

// unused frees the id of a word that fell out of use.
func (l *lexicon) unused() uint16 {
	for range 64 {
		l.hand++
		if l.hand >= len(l.words) {
			l.hand = 1
		}
		w := &l.words[l.hand]
		if l.uses[l.hand] == 0 {
			l.remove(w.hash)
			return uint16(l.hand)
		}
		l.uses[l.hand] /= 2
	}
	return 0
}

// remove frees the slot of h and moves back those that were pushed past it
// (Knuth, The Art of Computer Programming 3, algorithm 6.4 R).
func (l *lexicon) remove(h uint64) {
	m := uint64(len(l.slots) - 1)
	i := h & m
	for l.slots[i] != h {
		if l.slots[i] == 0 {
			return
		}
		i = (i + 1) & m
	}
	for j := i; ; {
		j = (j + 1) & m
		if l.slots[j] == 0 {
			break
		}
		if home := l.slots[j] & m; (j-home)&m >= (j-i)&m {
			l.slots[i], l.ids[i] = l.slots[j], l.ids[j]
			i = j
		}
	}
	l.slots[i], l.ids[i] = 0, 0
}

func (l *lexicon) name(id uint16) string {
	if int(id) < len(l.words) {
		return l.words[id].name
	}
	return ""
}

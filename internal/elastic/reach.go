package elastic

import (
	"slices"
	"time"
)

// How long the tail waits for documents that are being stored while later ones
// can be searched already, and how many such holes it keeps in mind. Most
// holes never fill: updates, deletions and refused documents leave them.
const (
	holeFor   = time.Minute
	mostHoles = 64
)

// reach is how far a shard was judged, in its own sequence numbers, which grow
// with every operation in the order of arrival.
type reach struct {
	Index string    `json:"index"` // its name, for people
	UUID  string    `json:"uuid"`
	Shard int       `json:"shard"`
	Floor int64     `json:"floor"`           // everything up to it was judged or given up
	Above []stretch `json:"above,omitempty"` // judged beyond a hole, in order, apart
	Seen  time.Time `json:"seen"`            // when the index was last there
}

// stretch is From to To, both judged.
type stretch struct {
	From int64     `json:"from"`
	To   int64     `json:"to"`
	At   time.Time `json:"at,omitzero"` // when the hole before it was first seen after everything was read
}

// has reports whether seq was judged or given up.
func (r *reach) has(seq int64) bool {
	if seq <= r.Floor {
		return true
	}
	i, _ := slices.BinarySearchFunc(r.Above, seq, func(s stretch, seq int64) int {
		if s.To < seq {
			return -1
		}
		return 1
	})
	return i < len(r.Above) && r.Above[i].From <= seq
}

// add takes seq, which was judged.
func (r *reach) add(seq int64) {
	if r.has(seq) {
		return
	}
	i, _ := slices.BinarySearchFunc(r.Above, seq, func(s stretch, seq int64) int {
		if s.To < seq {
			return -1
		}
		return 1
	})
	switch {
	case i > 0 && r.Above[i-1].To == seq-1:
		r.Above[i-1].To = seq
		if i < len(r.Above) && r.Above[i].From == seq+1 {
			r.Above[i-1].To = r.Above[i].To
			r.Above = slices.Delete(r.Above, i, i+1)
		}
	case i < len(r.Above) && r.Above[i].From == seq+1:
		r.Above[i].From = seq
	default:
		r.Above = slices.Insert(r.Above, i, stretch{From: seq, To: seq})
	}
}

// settle raises the floor over what is judged without a hole, and over holes
// that nothing will fill any more. It may be called only when everything that
// could be searched was judged: before, what is missing is merely unread.
func (r *reach) settle(now time.Time) {
	n := 0
	for i, s := range r.Above {
		old := !s.At.IsZero() && now.Sub(s.At) >= holeFor
		if s.From != r.Floor+1 && !old && len(r.Above)-i <= mostHoles {
			break
		}
		r.Floor, n = s.To, i+1
	}
	r.Above = slices.Delete(r.Above, 0, n)
	for i := range r.Above {
		if r.Above[i].At.IsZero() {
			r.Above[i].At = now
		}
	}
}

// unread is the query for what was not judged, and of very many pieces for
// some that was.
func (r *reach) unread() []object {
	var gaps []object
	from := r.Floor
	for _, s := range r.Above[:min(len(r.Above), mostHoles)] {
		gaps = append(gaps, object{"range": object{"_seq_no": object{"gt": from, "lt": s.From}}})
		from = s.To
	}
	return append(gaps, object{"range": object{"_seq_no": object{"gt": from}}})
}

package fleet

import "slices"

// Span is a run of numbers that writes to the index have, both ends included.
type Span struct{ From, To int64 }

// seen are the numbers of what this host has read or written. A little of the
// index is read more than once, since a write may become visible after one that
// is numbered later; what is in here need not be sent again.
type seen struct {
	primary int64  // the numbers are of this primary's; another one may give them anew
	runs    []Span // apart and in order
}

const (
	// runsMost is how many runs are kept, skipMost how many of them a question
	// names: what is left out is sent again, and known.
	runsMost = 1000
	skipMost = 64
)

// add notes that v was read or written.
func (s *seen) add(v version) {
	if v.primary != s.primary {
		s.primary, s.runs = v.primary, nil
	}
	i, in := slices.BinarySearchFunc(s.runs, v.seq, func(r Span, seq int64) int {
		switch {
		case r.To < seq:
			return -1
		case r.From > seq:
			return 1
		}
		return 0
	})
	if in {
		return
	}
	before := i > 0 && s.runs[i-1].To == v.seq-1
	behind := i < len(s.runs) && s.runs[i].From == v.seq+1
	switch {
	case before && behind:
		s.runs[i-1].To = s.runs[i].To
		s.runs = slices.Delete(s.runs, i, i+1)
	case before:
		s.runs[i-1].To = v.seq
	case behind:
		s.runs[i].From = v.seq
	default:
		s.runs = slices.Insert(s.runs, i, Span{v.seq, v.seq})
	}
	if over := len(s.runs) - runsMost; over > 0 {
		s.runs = slices.Delete(s.runs, 0, over)
	}
}

// skip forgets what is numbered seq or before, and returns the longest of the
// other runs.
func (s *seen) skip(seq int64) []Span {
	s.runs = slices.DeleteFunc(s.runs, func(r Span) bool { return r.To <= seq })
	out := slices.Clone(s.runs)
	slices.SortStableFunc(out, func(a, b Span) int { return int((b.To - b.From) - (a.To - a.From)) })
	return out[:min(len(out), skipMost)]
}

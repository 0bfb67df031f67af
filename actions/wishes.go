package actions

import (
	"container/heap"
	"time"

	"levee/detect"
)

// wish is a source auto mode wants to block.
type wish struct {
	s         *detect.Suspect
	first     time.Time // when it was first recommended
	last      time.Time // when it was last seen
	notBefore time.Time // the playbook's wait
	cost      int       // what it spent of Autopilot.weights when it was asked for
	heap      *wishes
	index     int
}

// weight is what blocking it is worth: the requests/s it takes away, trusted
// as far as the verdict is sure. Decoys that make few requests weigh little.
func (w *wish) weight() float64 { return w.s.Rate * w.s.Score / 100 }

// wishesMost bounds what is remembered of a botnet larger than every budget.
const wishesMost = 200_000

// wishes is a priority queue, heaviest first.
type wishes struct{ list []*wish }

// Len, Less, Swap, Push and Pop belong to container/heap.
func (q *wishes) Len() int { return len(q.list) }

func (q *wishes) Less(i, j int) bool {
	x, y := q.list[i], q.list[j]
	if a, b := x.weight(), y.weight(); a != b {
		return a > b
	}
	// Equal ones in a fixed order: the same log gives the same blocks.
	return x.s.Key.Addr().Less(y.s.Key.Addr())
}

func (q *wishes) Swap(i, j int) {
	q.list[i], q.list[j] = q.list[j], q.list[i]
	q.list[i].index, q.list[j].index = i, j
}

// Push is heap.Interface's.
func (q *wishes) Push(x any) {
	w := x.(*wish)
	w.index = len(q.list)
	q.list = append(q.list, w)
}

// Pop is heap.Interface's.
func (q *wishes) Pop() any {
	w := q.list[len(q.list)-1]
	q.list[len(q.list)-1] = nil
	q.list = q.list[:len(q.list)-1]
	w.index = -1
	return w
}

// add queues w and returns the one that was dropped for room, if any.
func (q *wishes) add(w *wish) *wish {
	var lost *wish
	if len(q.list) >= wishesMost {
		// The last leaf is light, if not the lightest; finding that would cost
		// a scan of all.
		lost = q.list[len(q.list)-1]
		if lost.weight() >= w.weight() {
			return w
		}
		heap.Remove(q, lost.index)
	}
	heap.Push(q, w)
	return lost
}

func (q *wishes) update(w *wish, s *detect.Suspect, at time.Time) {
	w.s, w.last = s, at
	heap.Fix(q, w.index)
}

func (q *wishes) drop(w *wish) {
	if w.index >= 0 {
		heap.Remove(q, w.index)
	}
}

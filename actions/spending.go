package actions

import "time"

// spending counts what was begun in a sliding window of 60 slots: blocks in a
// minute of seconds, scale-ups in an hour of minutes. Time may stand still or
// jump; a jump back counts into the newest slot.
type spending struct {
	slot  time.Duration
	count [60]int
	last  int64 // number of the newest slot
	sum   int
}

func newSpending(window time.Duration) spending { return spending{slot: window / 60} }

// at forgets what left the window that ends now.
func (s *spending) at(now time.Time) {
	n := now.UnixNano() / int64(s.slot)
	if n <= s.last {
		return
	}
	if n-s.last >= int64(len(s.count)) {
		s.count, s.sum = [60]int{}, 0
	} else {
		for i := s.last + 1; i <= n; i++ {
			s.sum -= s.count[i%60]
			s.count[i%60] = 0
		}
	}
	s.last = n
}

func (s *spending) spent(now time.Time) int {
	s.at(now)
	return s.sum
}

func (s *spending) spend(now time.Time, n int) {
	s.at(now)
	s.count[s.last%60] += n
	s.sum += n
}

// giveBack takes back n of what was spent at a time, as far as that is still
// counted: nothing came of it.
func (s *spending) giveBack(at time.Time, n int) {
	slot := min(at.UnixNano()/int64(s.slot), s.last)
	if s.last-slot >= int64(len(s.count)) {
		return
	}
	n = min(n, s.count[slot%60])
	s.count[slot%60] -= n
	s.sum -= n
}

// thisSlot is what was spent in the newest sixtieth of the window.
func (s *spending) thisSlot(now time.Time) int {
	s.at(now)
	return s.count[s.last%60]
}

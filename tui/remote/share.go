package remote

import (
	"context"
	"sync"
	"time"
)

// What one person's consoles may take of the processor, all together: half a
// core, and a second of it at once. Looking on takes a hundredth of that.
const (
	shareRate  = 0.5
	shareBurst = time.Second
)

// Share is a person's share of the processor. Its zero value is unused; nil is
// without bounds.
type Share struct {
	mu   sync.Mutex
	owed time.Duration // processor time that was taken and is not earned yet
	at   time.Time
}

// spend takes d from the share.
func (s *Share) spend(d time.Duration) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.earn()
	s.owed += d
}

// earn counts what time brought. The caller holds mu.
func (s *Share) earn() {
	now := time.Now()
	s.owed = max(0, s.owed-time.Duration(shareRate*float64(now.Sub(s.at))))
	s.at = now
}

// await returns once something is left of the share, or ctx ended.
func (s *Share) await(ctx context.Context) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.earn()
	wait := time.Duration(float64(s.owed-shareBurst) / shareRate)
	s.mu.Unlock()
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

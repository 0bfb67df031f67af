package sshd

import (
	"sync"
	"time"
)

// What one user may send, all their connections together: the largest list at
// once, then so many bytes a second. People type, and scripts send a line; who
// sends more can't take the processor from the detector.
const (
	paceBurst = 16 << 20
	paceRate  = 256 << 10
)

// pace is a token bucket of bytes. Its zero value is full.
type pace struct {
	mu   sync.Mutex
	owed float64 // bytes below full
	at   time.Time
}

// take spends n bytes and returns how long to wait before more are read.
func (p *pace) take(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if past := now.Sub(p.at).Seconds(); past > 0 {
		p.owed = max(0, p.owed-past*paceRate)
	}
	p.at = now
	p.owed += float64(n)
	if p.owed <= paceBurst {
		return 0
	}
	return time.Duration((p.owed - paceBurst) / paceRate * float64(time.Second))
}

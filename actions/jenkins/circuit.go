package jenkins

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// circuit stops asking a controller that does not answer: after five failures
// in a row it opens for 15 s, twice as long each time a probe fails, at most
// 5 min. (The circuit breaker of M. Nygard, Release It!, 2007.)
type circuit struct {
	now func() time.Time

	mu      sync.Mutex
	fails   int
	pause   time.Duration
	until   time.Time
	probing bool
}

const (
	opensAfter = 5
	firstPause = 15 * time.Second
	lastPause  = 5 * time.Minute
)

func newCircuit(now func() time.Time) *circuit { return &circuit{now: now} }

// allow says whether an exchange may be tried now.
func (c *circuit) allow() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails < opensAfter {
		return nil
	}
	now := c.now()
	if wait := c.until.Sub(now); wait > 0 && wait <= lastPause || c.probing {
		return &failure{unsent: true, message: fmt.Sprintf("Jenkins has not answered %d times in a row and is asked again at %s", c.fails, c.until.UTC().Format("15:04:05"))}
	}
	c.probing = true
	return nil
}

func (c *circuit) succeeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails, c.pause, c.probing = 0, 0, false
}

// failed counts a failure, unless the caller itself gave up.
func (c *circuit) failed(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probing = false
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if c.fails++; c.fails >= opensAfter {
		c.pause = min(max(2*c.pause, firstPause), lastPause)
		c.until = c.now().Add(c.pause)
	}
}

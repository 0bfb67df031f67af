//go:build !linux

package remote

import "time"

var started = time.Now()

// threadTime stands in for the processor time of the calling thread: the clock,
// which also counts how long the thread waited for a processor.
func threadTime() time.Duration { return time.Since(started) }

package source

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// following is a running Input and what it handed over.
type following struct {
	t      *testing.T
	in     Input
	cancel context.CancelFunc
	done   chan error
	mu     sync.Mutex
	got    []string
	held   []*Batch // not released, when hold is set
	hold   bool
}

func run(t *testing.T, in Input, hold bool) *following {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &following{t: t, in: in, cancel: cancel, done: make(chan error, 1), hold: hold}
	go func() {
		f.done <- in.Run(ctx, func(b *Batch) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			for i := range b.Requests {
				f.got = append(f.got, string(b.Requests[i].Target))
			}
			if f.hold {
				f.held = append(f.held, b)
			} else {
				b.Release()
			}
			return nil
		})
	}()
	t.Cleanup(func() { f.stop() })
	return f
}

// stop ends the Input and waits for it.
func (f *following) stop() {
	if f.cancel == nil {
		return
	}
	f.cancel()
	f.cancel = nil
	if err := <-f.done; err != nil {
		f.t.Errorf("Run: %v", err)
	}
}

func (f *following) numbers() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// until waits for something that the file system brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// wants waits until exactly the lines from 0 to n-1 have come, in order.
func (f *following) wants(n int) {
	f.t.Helper()
	until(f.t, fmt.Sprintf("%d requests", n), func() bool { return len(f.numbers()) >= n })
	wantNumbers(f.t, f.numbers(), n)
}

// ready waits until the Input has looked once.
func (f *following) ready(s State) {
	f.t.Helper()
	until(f.t, "state "+string(s), func() bool { return f.in.Status().State == s })
}

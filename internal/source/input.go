package source

import (
	"context"
	"sync"
)

// Input is a live source of requests.
type Input interface {
	// Run reads until ctx ends (nil), the input ends (nil), emit fails (its
	// error), or nothing can be read at all. emit takes the Batch over, whatever
	// it returns; when it blocks, reading waits.
	Run(ctx context.Context, emit func(*Batch) error) error
	Status() Status
}

// State says what an Input is doing.
type State string

// States of an Input.
const (
	Following State = "following" // reading what comes
	Waiting   State = "waiting"   // what it reads does not exist yet, or not any more
	Ended     State = "ended"
	Failed    State = "error"
)

// Status is what an Input says of itself.
type Status struct {
	Name      string
	Format    string // as recognised last, "" so far unknown
	Lines     uint64
	Malformed uint64
	Shed      uint64 // messages dropped because judging could not keep up (network inputs)
	Behind    int64  // bytes written and not read yet
	Files     int    // files being followed
	State     State
	Problem   string // the last problem, one line with its mend, "" when all is well
}

// book is a Status that an Input's goroutines write and others read.
type book struct {
	mu sync.Mutex
	st Status
}

// Status returns a copy.
func (b *book) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.st
}

// add books a batch that is about to be handed over.
func (b *book) add(x *Batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.Lines += uint64(x.Lines)
	b.st.Malformed += uint64(x.Malformed)
	if x.Format != "" {
		b.st.Format = x.Format
	}
}

func (b *book) set(s State, problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.st.State, b.st.Problem = s, problem
}

// unreadable is how many lines may pass without any recognised before an
// input says that it does not know the format.
const unreadable = 100

// strangeness watches for a log in a format that is not known.
type strangeness struct {
	seen Stats
}

// add returns a sentence once nothing was recognised for long enough, "" else.
func (s *strangeness) add(name string, b *Batch) string {
	s.seen.add(b)
	if s.seen.Requests > 0 {
		s.seen = Stats{}
	}
	if s.seen.Lines < unreadable {
		return ""
	}
	if err := unknownFormat(name, &s.seen); err != nil {
		return err.Error()
	}
	return ""
}

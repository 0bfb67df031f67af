package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
)

// shelf is a store of documents that says what it is told to, page by page.
type shelf struct {
	mu     sync.Mutex
	pages  []any // []Document or error
	judged []int
	closed bool
}

func (s *shelf) Next(ctx context.Context) ([]Document, error) {
	s.mu.Lock()
	if len(s.pages) == 0 {
		s.mu.Unlock()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	defer s.mu.Unlock()
	p := s.pages[0]
	s.pages = s.pages[1:]
	if err, ok := p.(error); ok {
		return nil, err
	}
	return p.([]Document), nil
}

func (s *shelf) Judged(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judged = append(s.judged, n)
	return nil
}

func (s *shelf) Behind() int64 { return 3 }
func (s *shelf) Note() string  { return "a clock is wrong" }
func (s *shelf) Close() error  { s.closed = true; return nil }

func shelved(t *testing.T, s *shelf, hold bool) *following {
	t.Helper()
	in, err := ReadDocuments(DocumentsOptions{Name: "filebeat-*", Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return run(t, in, hold)
}

// TestDocumentsAreJudgedWhateverTheyHold reads lines that were kept, documents
// that were taken apart, and neither, past an index that is missing and a
// cluster that fails.
func TestDocumentsAreJudgedWhateverTheyHold(t *testing.T) {
	ecs := func(n int) []byte {
		return fmt.Appendf(nil, `{"@timestamp":"2026-03-12T09:15:02.000Z","source":{"ip":"192.0.2.9"},"http":{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"path":"/n/%d"}}`, n)
	}
	line := func(n int) []byte { return []byte(strings.TrimSpace(logLine(n))) }
	s := &shelf{pages: []any{
		fmt.Errorf("no index yet: %w", fs.ErrNotExist),
		errors.New("too busy"),
		[]Document{{Text: line(0), Whole: ecs(99)}, {Text: []byte("GET /something was slow"), Whole: ecs(1)}, {Whole: ecs(2)}},
		[]Document{{Whole: []byte(`{"message":7}`)}, {Text: []byte("no access log")}, {}, {Text: line(3), Whole: []byte(strings.Repeat("x", 1<<20))}},
	}}
	f := shelved(t, s, false)
	f.wants(4)
	until(t, "all pages judged", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.judged) == 2 })
	f.stop()
	st := f.in.Status()
	if st.Lines != 7 || st.Malformed != 2 || st.Behind == 0 && st.State != Ended || st.Problem != "a clock is wrong" {
		t.Errorf("%+v", st)
	}
	if s.judged[0] != 3 || s.judged[1] != 4 || !s.closed {
		t.Errorf("%v judged, closed %t", s.judged, s.closed)
	}
}

// TestDocumentsWaitForTheJudge holds a page back: its documents were not
// judged, and none is read before they are.
func TestDocumentsWaitForTheJudge(t *testing.T) {
	var page []Document
	for n := range 5000 { // several batches
		page = append(page, Document{Text: []byte(strings.TrimSpace(logLine(n))), Whole: make([]byte, 100)})
	}
	s := &shelf{pages: []any{page, page}}
	f := shelved(t, s, true)
	f.wants(5000)
	s.mu.Lock()
	if len(s.judged) != 0 || len(s.pages) != 1 {
		t.Errorf("%v judged before anybody did, %d pages left", s.judged, len(s.pages))
	}
	s.mu.Unlock()
	f.mu.Lock()
	f.hold = false
	if len(f.held) < 2 {
		t.Errorf("%d batches", len(f.held))
	}
	for _, b := range f.held {
		b.Release()
	}
	f.mu.Unlock()
	until(t, "the second page", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.judged) == 2 })
	f.stop()
}

// TestDocumentsNotTakenAreNotJudged stops the judge within a page.
func TestDocumentsNotTakenAreNotJudged(t *testing.T) {
	var page []Document
	for n := range 5000 {
		page = append(page, Document{Text: []byte(strings.TrimSpace(logLine(n)))})
	}
	s := &shelf{pages: []any{page}}
	in, err := ReadDocuments(DocumentsOptions{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	full, taken := errors.New("full"), 0
	err = in.Run(t.Context(), func(b *Batch) error {
		if taken > 0 {
			return full
		}
		taken = b.Lines
		b.Release()
		return nil
	})
	if !errors.Is(err, full) || len(s.judged) != 1 || s.judged[0] != taken || taken == 0 || taken == 5000 {
		t.Errorf("%v: %v judged of %d taken", err, s.judged, taken)
	}
}

package fleet

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// shelf is an index in memory.
type shelf struct {
	mu   sync.Mutex
	docs map[string]Doc
	seq  int64
	puts int
	sent []Doc // by Since
}

func newShelf() *shelf { return &shelf{docs: map[string]Doc{}} }

// door is one host's way to the shelf, and can be shut.
type door struct {
	*shelf
	mu   sync.Mutex
	shut bool
	then map[string]func() // what happens once, after a call and before its answer comes
}

var errShut = errors.New("connection refused")

func (d *door) set(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
}

// after has f happen once, after the next call of that name was carried out and
// before its answer comes.
func (d *door) after(call string, f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.then = map[string]func(){call: f}
}

func (d *door) happens(call string) {
	d.mu.Lock()
	f := d.then[call]
	delete(d.then, call)
	d.mu.Unlock()
	if f != nil {
		f()
	}
}

func (d *door) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return errShut
	}
	return nil
}

func (d *door) Get(_ context.Context, ids []string) ([]Doc, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	defer d.happens("get")
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	var out []Doc
	for _, id := range ids {
		if x, ok := d.docs[id]; ok {
			out = append(out, x)
		}
	}
	return out, nil
}

func (d *door) Put(_ context.Context, puts []Put) ([]Stored, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	defer d.happens("put")
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	out := make([]Stored, len(puts))
	for i, p := range puts {
		was, there := d.docs[p.ID]
		if there != (p.Primary != 0) || there && was.Seq != p.Seq {
			out[i].Conflict = true
			continue
		}
		out[i] = d.force(Doc{ID: p.ID, Record: p.Record, MAC: p.MAC})
	}
	return out, nil
}

// force writes a document whatever is there, as somebody could who may write
// the index. The caller holds mu.
func (s *shelf) force(d Doc) Stored {
	s.seq++
	s.puts++
	d.Seq, d.Primary = s.seq, 1
	s.docs[d.ID] = d
	return Stored{Seq: d.Seq, Primary: 1}
}

func (s *shelf) attack(d Doc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.force(d)
}

func (s *shelf) doc(id string) Doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[id]
}

func (d *door) Since(_ context.Context, seq int64, skip []Span, _ time.Time, limit int) ([]Doc, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	defer d.happens("since")
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	var out []Doc
	for _, x := range d.docs {
		if x.Seq > seq && !slices.ContainsFunc(skip, func(r Span) bool { return r.From <= x.Seq && x.Seq <= r.To }) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b Doc) int { return int(a.Seq - b.Seq) })
	out = out[:min(len(out), limit)]
	d.sent = append(d.sent, out...)
	return out, nil
}

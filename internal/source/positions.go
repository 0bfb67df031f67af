package source

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"levee/internal/durable"
)

// positionsFile is the name of the state file in the state directory.
const positionsFile = "positions.json"

// generations is how many files that bore one path are remembered: the present
// one and those it was rotated to.
const generations = 8

// Positions remembers how far each followed file was judged. It survives
// restarts in one small file that is replaced atomically. A nil *Positions
// remembers nothing. It may be shared by several inputs.
type Positions struct {
	mu    sync.Mutex
	path  string
	files map[fileID]position
	last  int64 // highest Order given
	dirty bool
}

// position is how far a file was judged.
type position struct {
	Path   string      `json:"path"` // what it was called when it was opened
	Offset int64       `json:"offset"`
	Mark   fingerprint `json:"mark"`
	Order  int64       `json:"order"` // grows with each file; set by Positions
}

// record is one entry of the state file.
type record struct {
	ID fileID `json:"id"`
	position
}

// OpenPositions reads the positions kept in dir, which is made when missing. A
// damaged state file is an error that names it.
func OpenPositions(dir string) (*Positions, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory %s: %w; name another with --state", dir, err)
	}
	s := &Positions{path: filepath.Join(dir, positionsFile), files: map[fileID]position{}}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read positions: %w; name another state directory with --state", err)
	}
	var rs []record
	if err := json.Unmarshal(data, &rs); err != nil {
		return nil, fmt.Errorf("positions in %s are damaged (%w); remove the file to follow every log from its end", s.path, err)
	}
	for _, r := range rs {
		s.files[r.ID] = r.position
		s.last = max(s.last, r.Order)
	}
	return s, nil
}

// of returns the position kept for one file.
func (s *Positions) of(id fileID) (position, bool) {
	if s == nil {
		return position{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.files[id]
	return p, ok
}

// under returns every position kept for files that were called path.
func (s *Positions) under(path string) map[fileID]position {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[fileID]position{}
	for id, p := range s.files {
		if p.Path == path {
			found[id] = p
		}
	}
	return found
}

// set keeps p for a file; its Order is kept or given.
func (s *Positions) set(id fileID, p position) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.files[id]
	if p.Order = old.Order; !ok {
		s.last++
		p.Order = s.last
	}
	if old == p && ok {
		return
	}
	s.files[id], s.dirty = p, true
	if !ok {
		s.prune(p.Path)
	}
}

// prune drops the oldest files of one path.
func (s *Positions) prune(path string) {
	for {
		n, first := 0, fileID{}
		for id, p := range s.files {
			if p.Path != path {
				continue
			}
			if n++; n == 1 || p.Order < s.files[first].Order {
				first = id
			}
		}
		if n <= generations {
			return
		}
		delete(s.files, first)
	}
}

// Save writes the positions down if they changed since the last Save. Inputs
// do so every second; whoever owns the Positions does it once more after the
// last Batch was released.
func (s *Positions) Save() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	rs := make([]record, 0, len(s.files))
	for id, p := range s.files {
		rs = append(rs, record{id, p})
	}
	slices.SortFunc(rs, func(a, b record) int { return cmp.Compare(a.Order, b.Order) })
	data, err := json.Marshal(rs)
	if err != nil {
		return fmt.Errorf("encode positions: %w", err)
	}
	if err := durable.Replace(s.path, data); err != nil {
		return fmt.Errorf("keep positions: %w; check the space and the rights of the state directory", err)
	}
	s.dirty = false
	return nil
}

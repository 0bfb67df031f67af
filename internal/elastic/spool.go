package elastic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// segmentSize is how large a file of the spool grows before the next begins.
const segmentSize = 8 << 20

// spool keeps documents on disk from the moment they are made until the
// cluster has them. It is a queue of files with one record a line: index, ID,
// version and document, parted by tabs. Where reading stands is kept too, so
// that a restart goes on there.
type spool struct {
	dir   string
	limit int64

	mu       sync.Mutex
	segments []int64 // numbers of the files, oldest first; the last is written to
	sizes    map[int64]int64
	out      *os.File
	last     int64 // number of the newest file there ever was: none is used twice, the cursor may name it
	offset   int64 // in the oldest file: what is before it has been sent
	waiting  int64 // bytes not sent yet
	more     chan struct{}
}

func openSpool(dir string, limit int64) (*spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the spool's directory %s: %w", dir, err)
	}
	s := &spool{dir: dir, limit: limit, sizes: map[int64]int64{}, more: make(chan struct{}, 1)}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the spool's directory %s: %w", dir, err)
	}
	for _, e := range list {
		name, ok := strings.CutSuffix(e.Name(), ".spool")
		n, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("read the spool's directory %s: %w", dir, err)
		}
		s.segments = append(s.segments, n)
		s.sizes[n] = info.Size()
		s.waiting += info.Size()
	}
	slices.Sort(s.segments)
	if len(s.segments) > 0 {
		s.last = s.segments[len(s.segments)-1]
	}
	if err := s.loadCursor(); err != nil {
		return nil, err
	}
	if s.waiting > 0 {
		s.more <- struct{}{}
	}
	return s, nil
}

func (s *spool) file(n int64) string { return filepath.Join(s.dir, fmt.Sprintf("%012d.spool", n)) }
func (s *spool) cursor() string      { return filepath.Join(s.dir, "cursor") }

func (s *spool) loadCursor() error {
	b, err := os.ReadFile(s.cursor())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the spool's cursor: %w", err)
	}
	var n, at int64
	// A cursor that can't be read costs sending a file again, and what is sent
	// again is not stored twice.
	if _, err := fmt.Sscanf(string(b), "%d %d", &n, &at); err != nil {
		return nil
	}
	s.last = max(s.last, n)
	if len(s.segments) > 0 && s.segments[0] == n && at >= 0 && at <= s.sizes[n] {
		s.offset = at
		s.waiting -= at
	}
	return nil
}

// put appends whole records. share is how much of the limit they may fill, 0
// to 1: what matters less makes room for what matters more. It returns false
// when there is no room.
func (s *spool) put(records []byte, share float64) (bool, error) {
	if len(records) == 0 {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if float64(s.waiting+int64(len(records))) > share*float64(s.limit) {
		return false, nil
	}
	if err := s.room(); err != nil {
		return false, err
	}
	n := s.segments[len(s.segments)-1]
	k, err := s.out.Write(records)
	if err != nil {
		// Half a record must not stay: what follows would be glued to it.
		if k > 0 {
			err = errors.Join(err, s.out.Truncate(s.sizes[n]))
		}
		return false, fmt.Errorf("write to the spool %s: %w; free disk there", s.dir, err)
	}
	s.sizes[n] += int64(k)
	s.waiting += int64(k)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return true, nil
}

// room makes sure that there is a file to write to. A file of an earlier run
// is never written to again: its last line may be torn.
func (s *spool) room() error {
	if s.out != nil && s.sizes[s.last] < segmentSize {
		return nil
	}
	next := s.last + 1
	f, err := os.OpenFile(s.file(next), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write to the spool %s: %w", s.dir, err)
	}
	full := s.out
	s.out, s.last = f, next
	s.segments = append(s.segments, next)
	s.sizes[next] = 0
	if full == nil {
		return nil
	}
	if err := full.Close(); err != nil { // told once; what comes goes to the new file
		return fmt.Errorf("write to the spool %s: %w", s.dir, err)
	}
	return nil
}

// next returns about size bytes of documents that were not sent yet, oldest
// first, how many bytes they take, and how many records could not be read.
func (s *spool) next(size int) (docs []Doc, n int64, torn int, err error) {
	s.mu.Lock()
	if err := s.drop(); err != nil {
		s.mu.Unlock()
		return nil, 0, 0, err
	}
	var seg, at, end int64
	if len(s.segments) > 0 {
		seg, at = s.segments[0], s.offset
		end = s.sizes[seg]
	}
	s.mu.Unlock()
	if end == at {
		return nil, 0, 0, nil
	}
	f, err := os.Open(s.file(seg))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read the spool: %w", err)
	}
	defer func() { _ = f.Close() }()
	for {
		buf := make([]byte, min(int64(size), end-at))
		if _, err := f.ReadAt(buf, at); err != nil {
			return nil, 0, 0, fmt.Errorf("read the spool %s: %w", f.Name(), err)
		}
		whole := bytes.LastIndexByte(buf, '\n') + 1
		if whole == 0 {
			if at+int64(len(buf)) < end {
				size *= 2 // one record is larger than what was asked for
				continue
			}
			return nil, int64(len(buf)), 1, nil // torn by a crash
		}
		for line := range bytes.Lines(buf[:whole]) {
			if d, ok := parseRecord(line[:len(line)-1]); ok {
				docs = append(docs, d)
			} else {
				torn++
			}
		}
		return docs, int64(whole), torn, nil
	}
}

// done says that the next n bytes are in the cluster.
func (s *spool) done(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += n
	s.waiting -= n
	if err := s.drop(); err != nil {
		return err
	}
	if len(s.segments) == 0 {
		return nil
	}
	return s.saveCursor(s.segments[0], s.offset)
}

// drop removes files that were sent to their end, unless one is still being
// written to.
func (s *spool) drop() error {
	for len(s.segments) > 0 {
		seg := s.segments[0]
		if s.offset < s.sizes[seg] || len(s.segments) == 1 && s.out != nil {
			return nil
		}
		if err := os.Remove(s.file(seg)); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
		delete(s.sizes, seg)
		s.segments = s.segments[1:]
		s.offset = 0
	}
	return nil
}

func (s *spool) saveCursor(seg, at int64) error {
	tmp := s.cursor() + ".new"
	if err := os.WriteFile(tmp, fmt.Appendf(nil, "%d %d\n", seg, at), 0o600); err != nil {
		return fmt.Errorf("keep the spool's cursor: %w", err)
	}
	if err := os.Rename(tmp, s.cursor()); err != nil {
		return fmt.Errorf("keep the spool's cursor: %w", err)
	}
	return nil
}

// size returns how many bytes wait to be sent.
func (s *spool) size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return nil
	}
	err := s.out.Close()
	s.out = nil
	return err
}

// appendRecord writes d as a record. Its body must be one line of JSON.
func appendRecord(b []byte, d Doc) []byte {
	b = append(append(b, d.Index...), '\t')
	b = append(append(b, d.ID...), '\t')
	b = append(strconv.AppendInt(b, d.Version, 10), '\t')
	return append(append(b, d.Body...), '\n')
}

// parseRecord reads what appendRecord wrote; not ok for anything else.
func parseRecord(line []byte) (Doc, bool) {
	part := bytes.SplitN(line, []byte{'\t'}, 4)
	if len(part) != 4 || len(part[0]) == 0 || len(part[1]) == 0 {
		return Doc{}, false
	}
	v, err := strconv.ParseInt(string(part[2]), 10, 64)
	if err != nil || v < 0 || !json.Valid(part[3]) || bytes.ContainsAny(part[3], "\n\r") {
		return Doc{}, false
	}
	return Doc{Index: string(part[0]), ID: string(part[1]), Version: v, Body: part[3]}, true
}

package jenkins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"levee/actions"
	"levee/internal/durable"
)

// keepRuns is how long the journal remembers a run that ended, of the latest
// runsMost.
const keepRuns = 24 * time.Hour

// line is one state of one run, as the journal keeps it: the last line of a
// request counts.
type line struct {
	At      time.Time    `json:"at"`
	Request string       `json:"request"`
	Verb    actions.Verb `json:"verb"`
	Job     string       `json:"job"`
	ID      string       `json:"id_parameter,omitempty"`
	Form    url.Values   `json:"form,omitempty"`
	Wants   []want       `json:"wants"`
	State   string       `json:"state"`
	Queue   int64        `json:"queue,omitempty"`
	Number  int64        `json:"number,omitempty"`
	Why     string       `json:"why,omitempty"`
	Began   time.Time    `json:"began"`
}

// want is one decision that a run carries out, or lifts.
type want struct {
	Decision string    `json:"decision"`
	Lift     bool      `json:"lift,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Place    string    `json:"place,omitempty"` // verb and prefix: a run that does the opposite there must not overtake
}

// journal is an append-only file of lines, each on the disk before the step it
// announces is taken. Grown past journalMost, it is rewritten without what is
// over. The zero value remembers nothing.
type journal struct {
	path string

	mu    sync.Mutex
	file  *os.File
	size  int64           // bytes of whole lines
	next  int64           // size at which it is rewritten
	torn  bool            // behind them stands what could not be written, or be taken back
	last  map[string]line // by request
	order []string        // requests, oldest first
}

const journalMost = 8 << 20

// openJournal reads what path remembers, rewrites it without what is over, and
// keeps it open. Lines cut short by a crash are dropped.
func openJournal(path string, now time.Time) (*journal, []line, error) {
	if path == "" {
		return &journal{}, nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("jenkins: read journal: %w", err)
	}
	j := readJournal(raw)
	j.path = path
	if err := j.rewrite(now); err != nil {
		return nil, nil, err
	}
	var kept []line
	for _, id := range j.order {
		kept = append(kept, j.last[id])
	}
	return j, kept, nil
}

func readJournal(raw []byte) *journal {
	j := &journal{last: map[string]line{}}
	for text := range bytes.Lines(raw) {
		var l line
		if json.Unmarshal(text, &l) == nil && l.Request != "" {
			j.note(l)
		}
	}
	return j
}

func (j *journal) note(l line) {
	if _, seen := j.last[l.Request]; !seen {
		j.order = append(j.order, l.Request)
	}
	j.last[l.Request] = l
}

// over returns which runs matter no more: that ended long ago, or before the
// latest runsMost that did.
func (j *journal) over(now time.Time) map[string]bool {
	out := map[string]bool{}
	over := 0
	for _, id := range slices.Backward(j.order) {
		if l := j.last[id]; ended(l.State) {
			if over++; over > runsMost || now.Sub(l.At) > keepRuns {
				out[id] = true
			}
		}
	}
	return out
}

// rewrite replaces the file by the last line of each run that still matters.
// On an error what it knows is as it was.
func (j *journal) rewrite(now time.Time) error {
	var order []string
	var out bytes.Buffer
	over := j.over(now)
	for _, id := range j.order {
		if over[id] {
			continue
		}
		text, err := json.Marshal(j.last[id])
		if err != nil {
			return fmt.Errorf("jenkins: rewrite journal: %w", err)
		}
		order = append(order, id)
		out.Write(append(text, '\n'))
	}
	file, err := os.CreateTemp(filepath.Dir(j.path), ".jenkins-journal.*")
	if err != nil {
		return fmt.Errorf("jenkins: rewrite journal: %w", err)
	}
	if _, err = file.Write(out.Bytes()); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), j.path)
	}
	if err != nil {
		_ = file.Close()
		_ = os.Remove(file.Name())
		return fmt.Errorf("jenkins: rewrite journal: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close() // replaced: what it held stands in the new one
	}
	for id := range over {
		delete(j.last, id)
	}
	j.file, j.order, j.size = file, order, int64(out.Len())
	j.next = max(journalMost, 2*j.size)
	if err := durable.SyncDir(filepath.Dir(j.path)); err != nil {
		j.torn = true // after a power failure the old file may be back
		return fmt.Errorf("jenkins: rewrite journal: %w", err)
	}
	j.torn = false
	return nil
}

// write appends l and waits for the disk. On an error l is not in the journal:
// whoever wanted to take the step does not, and the next start must not either.
func (j *journal) write(l line) error {
	if j.path == "" {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("jenkins: write journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.torn { // a line would be glued to the rest of another
		if err := j.rewrite(l.At); err != nil {
			return err
		}
	}
	if _, err = j.file.Write(append(text, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.torn = true
		return fmt.Errorf("jenkins: write journal: %w; free disk where it stands", errors.Join(err, j.file.Truncate(j.size)))
	}
	j.note(l)
	if j.size += int64(len(text)) + 1; j.size > j.next && j.rewrite(l.At) != nil {
		j.next = 2 * j.size // l is written all the same; what is over stays a little longer
	}
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

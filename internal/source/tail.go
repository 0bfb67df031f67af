package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"levee/detect/logline"
)

// TailOptions says which files to follow and how. Only Paths is needed.
type TailOptions struct {
	Name      string          // what Status calls it; default: the paths
	Paths     []string        // files and globs
	Parse     logline.Options // for every file alike
	Input     int             // given to every Batch
	FromStart bool            // read files from their start on first sight; default: from their end
	Positions *Positions      // how far files were judged before; nil: not kept
	Poll      time.Duration   // how often to look; default 200 ms
	Linger    time.Duration   // how long a renamed or removed file is still read; default 5 s
}

// tail follows files and globs.
type tail struct {
	book
	o       TailOptions
	live    map[string]*follower // by path
	old     []*follower          // renamed or removed, read until they are quiet
	known   map[string]bool      // paths seen before: when they come back, all of it is new
	started bool                 // the first look is over
	problem map[string]string    // by path
}

// Tail returns an Input that follows files across renaming, truncation,
// vanishing and coming back; files that begin to match a glob join. A format
// that is not known is an error here; what is wrong with single files is in
// Status, and mended files are taken up.
func Tail(o TailOptions) (Input, error) {
	if len(o.Paths) == 0 {
		return nil, errors.New("no file to follow; name one, such as /var/log/nginx/access.log")
	}
	if _, err := logline.New(o.Parse); err != nil {
		return nil, err
	}
	for _, p := range o.Paths {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fmt.Errorf("%s is no valid pattern (%w); quote special characters with a backslash", p, err)
		}
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.Linger <= 0 {
		o.Linger = 5 * time.Second
	}
	if o.Name == "" {
		o.Name = strings.Join(o.Paths, " ")
	}
	t := &tail{o: o, live: map[string]*follower{}, known: map[string]bool{}, problem: map[string]string{}}
	t.st = Status{Name: o.Name, State: Waiting}
	return t, nil
}

// Run implements Input.
func (t *tail) Run(ctx context.Context, emit func(*Batch) error) error {
	w := newWaker(t.o.Paths)
	defer w.close()
	defer t.closeAll()
	save := time.NewTicker(time.Second)
	defer save.Stop()
	poll := time.NewTicker(t.o.Poll)
	defer poll.Stop()
	calm := time.NewTimer(0)
	defer calm.Stop()
	for {
		if err := t.pass(ctx, emit); err != nil {
			_ = t.o.Positions.Save() // the reason for stopping matters more
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		// Under a stream of small writes, gather for a moment instead of waking
		// for each.
		calm.Reset(t.o.Poll / 8)
		select {
		case <-ctx.Done():
		case <-calm.C:
		}
		select {
		case <-ctx.Done():
			return t.o.Positions.Save()
		case <-poll.C:
		case <-w.wake:
		case <-save.C:
			if err := t.o.Positions.Save(); err != nil {
				t.problem[""] = err.Error()
			} else {
				delete(t.problem, "")
			}
		}
	}
}

// pass looks at every file once and reads what is new.
func (t *tail) pass(ctx context.Context, emit func(*Batch) error) error {
	for _, path := range t.paths() {
		t.visit(path)
	}
	t.started = true
	for more := true; more; {
		more = false
		for _, f := range t.followers() {
			ok, err := t.read(f, false, emit)
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			more = more || ok
		}
	}
	if err := t.retire(emit); err != nil {
		return err
	}
	t.report()
	return nil
}

// read hands the next piece of f over; ok is false when there is none. The
// Release of the Batch moves the position on.
func (t *tail) read(f *follower, last bool, emit func(*Batch) error) (ok bool, err error) {
	b, err := f.next(t.o.Input, last)
	if err != nil {
		t.problem[f.path] = err.Error()
		return false, nil
	}
	if b == nil {
		return false, nil
	}
	f.seen = time.Now()
	if s := f.strange.add(f.path, b); s != "" {
		t.problem[f.path] = s
	} else if len(b.Requests) > 0 {
		delete(t.problem, f.path)
	}
	if ps := t.o.Positions; ps != nil {
		id, at := f.id, f.at()
		b.done = func() { ps.set(id, at) }
	}
	t.add(b)
	t.mu.Lock()
	t.st.Behind = t.behind()
	t.mu.Unlock()
	return true, emit(b)
}

// followers lists all open files, renamed ones first: their lines are older.
func (t *tail) followers() []*follower {
	all := slices.Clone(t.old)
	for _, p := range slices.Sorted(maps.Keys(t.live)) {
		all = append(all, t.live[p])
	}
	return all
}

// retire closes renamed files that stayed quiet for long enough; an unfinished
// last line is then taken for a line.
func (t *tail) retire(emit func(*Batch) error) error {
	for i := 0; i < len(t.old); {
		f := t.old[i]
		if err := f.look(); err != nil {
			t.problem[f.path] = err.Error()
		}
		if time.Since(f.seen) < t.o.Linger {
			i++
			continue
		}
		if ok, err := t.read(f, true, emit); ok || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		f.close()
		t.old = slices.Delete(t.old, i, i+1)
	}
	return nil
}

// behind adds up what was written and not read.
func (t *tail) behind() (n int64) {
	for _, f := range t.followers() {
		n += f.behind()
	}
	return n
}

// report brings Status up to date.
func (t *tail) report() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.st.Behind, t.st.Files, t.st.Problem = t.behind(), len(t.live), ""
	waits := true
	for _, p := range slices.Sorted(maps.Keys(t.problem)) {
		t.st.Problem = logline.Clean(t.problem[p])
		_, err := os.Stat(p)
		waits = waits && errors.Is(err, fs.ErrNotExist)
	}
	switch {
	case len(t.live) > 0:
		t.st.State = Following
	case waits:
		t.st.State = Waiting
	default:
		t.st.State = Failed
	}
}

func (t *tail) closeAll() {
	for _, f := range t.followers() {
		f.close()
	}
	t.live, t.old = map[string]*follower{}, nil
	t.set(Ended, t.Status().Problem)
}

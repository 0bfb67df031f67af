package denylist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reloadError says that the file is in place but the server was not told, so
// nobody can know what it enforces.
type reloadError struct{ err error }

func (e *reloadError) Error() string { return e.err.Error() }
func (e *reloadError) Unwrap() error { return e.err }

// flush brings batch into the file: read it once, change the book, replace,
// test, reload. On an error the book is as it was, unless the error is a
// reloadError; where the file is not, the server is told again before anything
// reads as done.
func (l *List) flush(batch []change) error {
	if err := l.load(); err != nil {
		return err
	}
	next := l.held.clone()
	for _, c := range batch {
		for _, w := range c.drop {
			if w.all {
				next.dropAll(w.e.name)
				continue
			}
			next.drop(w.e.key, w.decision)
		}
		for _, w := range c.add {
			e := w.e
			next.add(&e, w.decision, w.until)
		}
	}
	if n := len(next); n > maxSignatures && n > len(l.held) && (l.o.Style == NginxMap || l.o.Style == HAProxyMap) {
		return fmt.Errorf("deny list %s would hold %d signatures, servers try each for every request: %d at most; undo some", l.o.Path, n, maxSignatures)
	}
	before, err := os.ReadFile(l.o.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read deny list: %w", err)
	}
	if before == nil && len(next) == 0 {
		l.untold(nil) // nothing to write, nothing to tell
		return nil
	}
	after := render(l.o.Style, next)
	if bytes.Equal(before, after) && l.isStale() == nil {
		l.held = next
		return nil
	}
	if err := replace(l.o.Path, after); err != nil {
		return l.halfway(before, err)
	}
	if before != nil && bytes.Equal(effect(before), effect(after)) && l.isStale() == nil {
		l.held = next // only comments changed: a renewed TTL is nothing the server must know
		return settle(l.o.Path)
	}
	// The commands have limits of their own; whoever asked may be gone and the
	// change is still carried through.
	ctx := context.Background()
	if err := run(ctx, l.o.Test, l.o.Limit); err != nil {
		err = fmt.Errorf("the test of %s failed, the old file is back: %w", l.o.Path, err)
		return l.halfway(before, errors.Join(err, restore(l.o.Path)))
	}
	if err := settle(l.o.Path); err != nil {
		return l.halfway(before, err)
	}
	err = l.tell(ctx, next)
	l.held = next
	if err != nil {
		err = &reloadError{fmt.Errorf("%s is written, but the server was not told: %w", l.o.Path, err)}
	}
	l.untold(err)
	return err
}

// halfway returns err, with which a change ended that began from before. Unless
// the file is what it was, the server must be told of it: that it holds what is
// wanted says nothing then.
func (l *List) halfway(before []byte, err error) error {
	now, rerr := os.ReadFile(l.o.Path)
	if errors.Is(rerr, fs.ErrNotExist) {
		rerr = nil
	}
	if rerr != nil || !bytes.Equal(now, before) {
		l.untold(err)
	}
	return err
}

// untold notes why the server does not know what the file holds; nil: it does.
func (l *List) untold(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = why
}

// tell makes the server take next: through its socket where there is one, else
// by the reload command.
func (l *List) tell(ctx context.Context, next book) error {
	if l.o.Socket != "" {
		return l.tellSocket(ctx, next)
	}
	return run(ctx, l.o.Reload, l.o.Limit)
}

func (l *List) isStale() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stale
}

// load reads the file at the first change, after putting back what a crash
// left in the middle of a test.
func (l *List) load() error {
	if l.loaded {
		return checkTarget(l.o.Path)
	}
	if err := checkTarget(l.o.Path); err != nil {
		return err
	}
	if err := recoverOld(l.o.Path); err != nil {
		return err
	}
	file, err := os.ReadFile(l.o.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read deny list: %w", err)
	}
	held, err := parse(l.o.Style, file)
	if err != nil {
		return fmt.Errorf("deny list %s: %w", l.o.Path, err)
	}
	l.held, l.loaded = held, true
	return nil
}

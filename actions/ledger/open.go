package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrCorrupt is in the error of Open when the file is no sound ledger. The
// file was moved aside, unchanged, and nothing was created in its place.
var ErrCorrupt = errors.New("the ledger is corrupt")

// Ledger is an open ledger.
type Ledger struct {
	path  string
	now   func() time.Time
	write *sql.DB  // one connection
	read  *sql.DB  // several, read-only
	lock  *os.File // held while open: two levees on one ledger would lift each other's blocks

	turn    chan struct{} // holds one token: whoever has it may write
	mu      sync.Mutex    // guards pending
	pending []*waiting
	head    Head // of the audit; only the holder of turn touches it
	trouble atomic.Pointer[string]
}

// Open opens the ledger at path, creating it and its folder (mode 0700) when
// they do not exist and bringing an older schema up to date. now is the clock
// for what the ledger dates itself; nil is time.Now.
//
// A file that is no sound ledger is kept aside as path.corrupt-TIME and the
// error wraps ErrCorrupt: the next Open starts an empty one, which is for a
// person to decide, not for Open.
func Open(ctx context.Context, path string, now func() time.Time) (*Ledger, error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w; choose another place with --state", path, err)
	}
	l := &Ledger{path: path, now: now, turn: make(chan struct{}, 1)}
	err := l.open(ctx)
	if err == nil {
		return l, nil
	}
	closeErr := l.Close()
	if isCorrupt(err) {
		return nil, setAside(path, now(), err)
	}
	return nil, errors.Join(openError(path, err), closeErr)
}

func (l *Ledger) open(ctx context.Context) error {
	if err := precheck(l.path); err != nil {
		return err
	}
	var err error
	if l.lock, err = lock(l.path + ".lock"); err != nil {
		return err
	}
	// Intents must outlive a power cut: FULL syncs the WAL at each commit.
	if l.write, err = sql.Open("sqlite", dsn(l.path, "journal_mode(wal)", "synchronous(full)",
		"busy_timeout(5000)", "journal_size_limit(67108864)", "cache_size(-16384)")); err != nil {
		return err
	}
	l.write.SetMaxOpenConns(1)
	if l.read, err = sql.Open("sqlite", dsn(l.path, "query_only(1)", "busy_timeout(5000)")); err != nil {
		return err
	}
	l.read.SetMaxOpenConns(4)
	if err := migrate(ctx, l.write); err != nil {
		return err
	}
	// What nothing reads until it matters must be found now.
	var sound string
	if err := l.write.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&sound); err != nil {
		return err
	}
	if sound != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, strings.Join(strings.Fields(sound), " "))
	}
	l.head, err = readHead(ctx, l.write)
	return err
}

// Close closes the ledger. It waits for a transaction that is being written,
// and may be called again.
func (l *Ledger) Close() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	var errs []error
	if l.read != nil {
		errs = append(errs, l.read.Close())
	}
	if l.write != nil {
		errs = append(errs, l.write.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
		l.lock = nil
	}
	return errors.Join(errs...)
}

// Path returns where the ledger is.
func (l *Ledger) Path() string { return l.path }

func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	u.RawQuery = q.Encode()
	return u.String()
}

// precheck turns what SQLite reports vaguely into what it is.
func precheck(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory; name a file")
	case info.Size() > 0 && info.Size() < 512:
		return fmt.Errorf("%w: it is %d bytes long", ErrCorrupt, info.Size())
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func isCorrupt(err error) bool {
	if errors.Is(err, ErrCorrupt) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// corrupt makes err wrap ErrCorrupt, once.
func corrupt(err error) error {
	if errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

func setAside(path string, now time.Time, cause error) error {
	aside := path + ".corrupt-" + now.UTC().Format("20060102T150405Z")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("open ledger %s: %w, and it can't be kept aside: %w; move it away by hand", path, corrupt(cause), err)
		}
	}
	return fmt.Errorf("open ledger %s: %w; it is kept as %s: restore a backup to %s, or start again to begin an empty ledger",
		path, corrupt(cause), aside, path)
}

// openError says what to do about err in one line.
func openError(path string, err error) error {
	return fmt.Errorf("open ledger %s: %w%s", path, err, mend(err))
}

// mend is what to do about err, or "".
func mend(err error) string {
	if errors.Is(err, os.ErrPermission) {
		return "; give levee's user the right to write it and its folder"
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			return "; the disk is full: free some space"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
			return "; give levee's user the right to write it and its folder"
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return "; another program holds it: stop it, or wait"
		case sqlite3.SQLITE_IOERR:
			return "; the disk fails, is full or became read-only: look at dmesg, df and mount"
		}
	}
	return ""
}

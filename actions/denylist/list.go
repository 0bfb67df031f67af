package denylist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"levee/actions"
	"levee/actions/internal/safe"
)

// List enforces decisions through one file. It implements actions.Enforcer.
type List struct {
	o Options

	mu      sync.Mutex
	loaded  bool
	held    book     // what the file holds
	waiting []change // what the next replacement takes in
	running bool     // a goroutine is on its way to replace the file
	last    time.Time
	stale   error // the server has not taken what the file holds: why
	listed  bool
	closed  bool
	idle    sync.WaitGroup
	stop    chan struct{}
}

var (
	_ actions.Enforcer = (*List)(nil)
	_ actions.Excuser  = (*List)(nil)
)

// change is one caller's batch and where its outcome goes.
type change struct {
	add, drop []wish
	done      chan error
}

type wish struct {
	e        entry
	decision string
	until    time.Time
	all      bool // drop the target's lines whoever wants them
}

// orphan is how the dispatcher begins the ID of a decision that only names
// what was found held for no decision.
const orphan = "orphan "

// New returns a List for o. It touches nothing until it is used.
func New(o Options) (*List, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	return &List{o: o, stop: make(chan struct{})}, nil
}

// Name returns Options.Name.
func (l *List) Name() string { return l.o.Name }

// Close waits for a change under way and takes no more. The file stays as it
// is: blocks outlive the program that made them.
func (l *List) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.stop)
	}
	l.mu.Unlock()
	l.idle.Wait()
	return nil
}

// Handles reports whether the file's style can express d: address styles take
// blocks of prefixes (nginx-geo and haproxy throttles too), map styles take
// signatures.
func (l *List) Handles(d actions.Decision) bool {
	switch l.o.Style {
	case Nginx, Plain:
		return d.Verb == actions.Block && d.Target.Prefix.IsValid()
	case NginxGeo, HAProxy:
		return (d.Verb == actions.Block || d.Verb == actions.Throttle) && d.Target.Prefix.IsValid()
	}
	if !l.signatures(d) {
		return false
	}
	_, err := pattern(l.o.Style, d.Target)
	return err == nil
}

// signatures reports whether d acts on a signature and the file holds such.
func (l *List) signatures(d actions.Decision) bool {
	return (l.o.Style == NginxMap || l.o.Style == HAProxyMap) && classOf(d.Verb) != "" && d.Target.Signature != nil
}

// WhyNot says why a signature does not fit into the file; "" when it does, or
// when the file holds no signatures.
func (l *List) WhyNot(d actions.Decision) string {
	if !l.signatures(d) {
		return ""
	}
	if _, err := pattern(l.o.Style, d.Target); err != nil {
		return err.Error()
	}
	return ""
}

// Apply puts the targets of ds into the file and returns when the server was
// told. It waits at most Options.Every for other callers' changes.
func (l *List) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return l.change(ctx, ds, true)
}

// Revoke takes the targets of ds out again, as far as no other decision wants
// them. An ID of "orphan " and a key takes out whatever is held under that key.
func (l *List) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return l.change(ctx, ds, false)
}

func (l *List) change(ctx context.Context, ds []actions.Decision, add bool) ([]actions.Receipt, error) {
	receipts := make([]actions.Receipt, len(ds))
	var c change
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: l.o.Name, OK: true, At: l.o.Now()}
		if name, ok := strings.CutPrefix(d.ID, orphan); ok && !add {
			c.drop = append(c.drop, wish{e: entry{name: name}, all: true})
			continue
		}
		e, err := l.entryOf(d)
		if err != nil {
			receipts[i].OK, receipts[i].Note = false, safe.Text(err.Error(), 300)
			continue
		}
		w := wish{e: e, decision: d.ID, until: d.Expires}
		if add {
			c.add = append(c.add, w)
		} else {
			c.drop = append(c.drop, w)
		}
	}
	if len(c.add)+len(c.drop) == 0 {
		return receipts, nil
	}
	err, unknown := l.submit(ctx, c)
	now := l.o.Now()
	for i := range receipts {
		receipts[i].At = now
		if receipts[i].OK && err != nil {
			receipts[i].OK, receipts[i].Unknown, receipts[i].Note = false, unknown, safe.Text(err.Error(), 300)
		}
	}
	return receipts, nil
}

// entryOf translates a decision into a line, or says why it can't be one.
func (l *List) entryOf(d actions.Decision) (entry, error) {
	if !l.Handles(d) && !l.signatures(d) {
		return entry{}, fmt.Errorf("a %s file does not take this %s", l.o.Style, d.Verb)
	}
	if l.o.Style == NginxMap || l.o.Style == HAProxyMap {
		p, err := pattern(l.o.Style, d.Target)
		if err != nil {
			return entry{}, fmt.Errorf("the signature does not fit: %w", err)
		}
		class := classOf(d.Verb)
		return *patternEntry(d.Target.Key(), p, class), nil
	}
	p := d.Target.Prefix
	if a := p.Addr(); a.Is4In6() || a.Zone() != "" || p.Bits() < 0 {
		return entry{}, errors.New("the target is no plain prefix")
	}
	if p.Bits() == 0 {
		return entry{}, errors.New("the whole address space is never blocked")
	}
	return *prefixEntry(p, classOf(d.Verb)), nil
}

// submit queues c and waits for its outcome. The second result says that the
// change may or may not have taken effect.
func (l *List) submit(ctx context.Context, c change) (err error, unknown bool) {
	c.done = make(chan error, 1)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errors.New("the deny list is closed"), false
	}
	l.waiting = append(l.waiting, c)
	if !l.running {
		l.running = true
		l.idle.Go(l.work)
	}
	l.mu.Unlock()
	select {
	case err := <-c.done:
		var reload *reloadError
		return err, errors.As(err, &reload)
	case <-ctx.Done():
		return fmt.Errorf("gave up waiting for the deny list: %w", context.Cause(ctx)), true
	}
}

// work replaces the file until nothing waits, at most once in Options.Every.
func (l *List) work() {
	for {
		l.mu.Lock()
		pause := l.last.Add(l.o.Every).Sub(l.o.Now())
		l.mu.Unlock()
		if pause = min(pause, l.o.Every); pause > 0 { // a clock set back must not stop us
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-l.stop: // closing: what waits is written now
				timer.Stop()
			}
		}
		l.mu.Lock()
		batch := l.waiting
		l.waiting = nil
		if len(batch) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()

		err := l.flush(batch)
		l.mu.Lock()
		l.last = l.o.Now()
		l.mu.Unlock()
		for _, c := range batch {
			c.done <- err
		}
	}
}

// errStarted is why a server may not know the file of a levee that has just
// started: the last one may have died before it told the server.
var errStarted = errors.New("levee started anew and the server was not told yet what the file holds")

// List returns what the file holds, read from the disk. The first one puts in
// order what a crash left behind, and tells the server once more.
func (l *List) List(ctx context.Context) ([]actions.Held, error) {
	l.mu.Lock()
	first := !l.listed
	l.listed = true
	if first && l.stale == nil {
		l.stale = errStarted
	}
	l.mu.Unlock()
	if first {
		_, _ = l.submit(ctx, change{}) // Check says whether the server took it
	}
	return l.read()
}

func (l *List) read() ([]actions.Held, error) {
	file, err := os.ReadFile(l.o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read deny list: %w", err)
	}
	b, err := parse(l.o.Style, file)
	if err != nil {
		return nil, fmt.Errorf("read deny list %s: %w", l.o.Path, err)
	}
	held := make([]actions.Held, 0, len(b))
	for _, e := range b.sorted() {
		held = append(held, actions.Held{Prefix: e.prefix, Key: e.name, Expires: e.expires()})
	}
	return held, nil
}

// Check looks whether the file can be written and the commands exist. A server
// that has not taken the last change is told again.
func (l *List) Check(ctx context.Context) error {
	if err := checkTarget(l.o.Path); err != nil {
		return err
	}
	if _, err := l.read(); err != nil {
		return err
	}
	for _, argv := range [][]string{l.o.Test, l.o.Reload} {
		if len(argv) == 0 {
			continue
		}
		if _, err := exec.LookPath(argv[0]); err != nil {
			return fmt.Errorf("deny list %s: command %s: %w; correct test: and reload: in levee.yaml", l.o.Path, argv[0], err)
		}
	}
	if l.isStale() != nil {
		if err, _ := l.submit(ctx, change{}); err != nil {
			return err
		}
	}
	return l.isStale()
}

//go:build unix

package actions_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/denylist"
	"levee/actions/ledger"

	"go.uber.org/goleak"
)

// The crash test runs this binary again as a levee of its own, which kills
// itself with SIGKILL at a numbered step: before and after each write of the
// ledger, and before, within and after each act of the enforcer. It then looks
// at what is on disk, starts it again, and in the end compares the ledger with
// what the enforcer holds.
const (
	crashDir, crashStep, crashRound = "LEVEE_TEST_CRASH_DIR", "LEVEE_TEST_CRASH_STEP", "LEVEE_TEST_CRASH_ROUND"
	crashNet, crashJenkins          = "LEVEE_TEST_CRASH_NETNS", "LEVEE_TEST_CRASH_JENKINS" // real ones beside it, when set
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// fuse counts steps and kills the process at one of them; 0 never.
type fuse struct {
	at   int64
	step atomic.Int64
}

func (f *fuse) burn() {
	if f.step.Add(1) == f.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it does not return
		select {}
	}
}

type crashingLedger struct {
	actions.Ledger
	fuse *fuse
}

func (l crashingLedger) Record(ctx context.Context, es []actions.Entry) error {
	l.fuse.burn()
	err := l.Ledger.Record(ctx, es)
	l.fuse.burn()
	return err
}

// fileWall is an enforcer that survives its caller: a file of what was done.
type fileWall struct {
	mu   sync.Mutex
	path string
	fuse *fuse
}

func (w *fileWall) Name() string                    { return "file" }
func (w *fileWall) Handles(d actions.Decision) bool { return d.Verb == actions.Block }
func (w *fileWall) Check(context.Context) error     { return nil }

func (w *fileWall) do(sign string, ds []actions.Decision) ([]actions.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []actions.Receipt
	for _, d := range ds {
		w.fuse.burn()
		f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = fmt.Fprintf(f, "%s %s %s\n", sign, d.Target.Key(), d.ID)
		if err := f.Close(); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, err
		}
		out = append(out, actions.Receipt{Decision: d.ID, OK: true})
	}
	w.fuse.burn()
	return out, nil
}

func (w *fileWall) Apply(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return w.do("+", ds)
}

func (w *fileWall) Revoke(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return w.do("-", ds)
}

func (w *fileWall) List(context.Context) ([]actions.Held, error) {
	held, err := readWall(w.path)
	var out []actions.Held
	for key := range held {
		out = append(out, actions.Held{Prefix: netip.MustParsePrefix(key)})
	}
	return out, err
}

// crashing is a real enforcer around whose calls the process may die.
type crashing struct {
	actions.Enforcer
	fuse *fuse
}

func (c crashing) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	c.fuse.burn()
	defer c.fuse.burn()
	return c.Enforcer.Apply(ctx, ds)
}

func (c crashing) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	c.fuse.burn()
	defer c.fuse.burn()
	return c.Enforcer.Revoke(ctx, ds)
}

// denyList is the deny list in dir, as a server would include it.
func denyList(dir string, now func() time.Time) (*denylist.List, error) {
	return denylist.New(denylist.Options{Path: filepath.Join(dir, "deny.conf"), Every: time.Millisecond, Now: now})
}

// readWall returns what the file says is held: target and decision.
func readWall(path string) (map[string]string, error) {
	held := map[string]string{}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return held, nil
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("%s: line %q", path, line)
		}
		if delete(held, f[1]); f[0] == "+" {
			held[f[1]] = f[2]
		}
	}
	return held, err
}

// crashChild is one life of a levee: it takes up what the last one left,
// blocks a few, undoes some, and tells its parent what was promised.
func crashChild(dir string) error {
	at, err := strconv.ParseInt(os.Getenv(crashStep), 10, 64)
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(os.Getenv(crashRound))
	if err != nil {
		return err
	}
	f := &fuse{at: at}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Each life begins ten minutes after the last: TTLs end while it is dead.
	now := func() time.Time { return time.Now().Add(time.Duration(round) * 10 * time.Minute) }
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), now)
	if err != nil {
		return err
	}
	deny, err := denyList(dir, now)
	if err != nil {
		return err
	}
	enforcers := []actions.Enforcer{&fileWall{path: filepath.Join(dir, "wall"), fuse: f}, crashing{deny, f}}
	more, closing, err := realEnforcers(dir, f, now)
	if err != nil {
		return err
	}
	d, err := actions.NewDispatcher(ctx, actions.Options{Ledger: crashingLedger{l, f}, Now: now, Enforcers: append(enforcers, more...)})
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Run(run)
	}()
	if err := live(ctx, d, l, round); err != nil {
		return err
	}
	stop()
	<-done
	return errors.Join(deny.Close(), closing(), l.Close())
}

func live(ctx context.Context, d *actions.Dispatcher, l *ledger.Ledger, round int) error {
	var ids []string
	commit := func(p actions.Plan, err error) ([]actions.Decision, error) {
		if err != nil {
			return nil, err
		}
		return d.Commit(ctx, p.Token, ana, actions.Answer{})
	}
	say := func(word, id string) { fmt.Println(word, id) }
	for i := range 3 {
		base := (round*3 + i) * 2 % 60000
		r := block(ana, addr(base).String(), addr(base+1).String())
		r.TTL = time.Duration(5+10*i) * time.Minute
		ds, err := commit(d.Plan(ctx, r))
		if err != nil {
			return err
		}
		for _, x := range ds {
			say("blocked", x.ID)
			ids = append(ids, x.ID)
		}
	}
	if _, err := d.Settled(ctx, ids...); err != nil {
		return err
	}
	if _, err := commit(d.PlanUndo(ctx, ids[4], ana)); err != nil {
		return err
	}
	say("undone", ids[4])
	if _, err := d.Settled(ctx, ids[4]); err != nil {
		return err
	}
	// Until everything is at rest.
	for !atRest(d) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	h, err := l.Head(ctx)
	say("head", h.String())
	return err
}

func atRest(d *actions.Dispatcher) bool {
	if d.Board().Queue > 0 {
		return false
	}
	for _, x := range d.Board().Active {
		if x.State == actions.Intent || x.State == actions.Unknown || !x.Expires.After(x.Created) || x.EndedBy != "" {
			return false
		}
	}
	return true
}

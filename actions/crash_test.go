package actions_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/ledger"

	"go.uber.org/goleak"
)

// The crash test runs this binary again as a levee of its own, which kills
// itself with SIGKILL at a numbered step: before and after each write of the
// ledger, and before, within and after each act of the enforcer. It then looks
// at what is on disk, starts it again, and in the end compares the ledger with
// what the enforcer holds.
const crashDir, crashStep, crashRound = "LEVEE_TEST_CRASH_DIR", "LEVEE_TEST_CRASH_STEP", "LEVEE_TEST_CRASH_ROUND"

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
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	// Each life begins ten minutes after the last: TTLs end while it is dead.
	now := func() time.Time { return time.Now().Add(time.Duration(round) * 10 * time.Minute) }
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), now)
	if err != nil {
		return err
	}
	d, err := actions.NewDispatcher(ctx, actions.Options{Ledger: crashingLedger{l, f}, Now: now,
		Enforcers: []actions.Enforcer{&fileWall{path: filepath.Join(dir, "wall"), fuse: f}}})
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
	return l.Close()
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

func TestKillAtEveryStep(t *testing.T) {
	const crashes = 100
	dir := t.TempDir()
	promised := struct{ blocked, undone, heads []string }{}
	life := func(round, step int) (killed bool) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s=%d", crashStep, step), fmt.Sprintf("%s=%d", crashRound, round))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		for s := bufio.NewScanner(&stdout); s.Scan(); {
			word, id, _ := strings.Cut(s.Text(), " ")
			switch word {
			case "blocked":
				promised.blocked = append(promised.blocked, id)
			case "undone":
				promised.undone = append(promised.undone, id)
			case "head":
				promised.heads = append(promised.heads, id)
			}
		}
		if err == nil {
			return false
		}
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("life %d, step %d: %v: %s", round, step, err, stderr.String())
		}
		return true
	}
	killed, round := 0, 0
	random := rand.New(rand.NewPCG(1, 2))
	for step := 1; killed < crashes; round++ {
		if life(round, step) {
			killed++
			step++
		} else {
			step = 1 + random.IntN(4) // it came through: once more from the beginning
		}
		if t.Failed() {
			return
		}
	}
	// One quiet life takes up what is left, in the last one's time.
	if life(round, 0) {
		t.Fatal("the last life was killed")
	}
	ctx := context.Background()
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var heads []ledger.Head
	for _, s := range promised.heads {
		h, err := ledger.ParseHead(s)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	if _, err := l.Verify(ctx, heads...); err != nil {
		t.Error(err)
	}
	all, err := l.Decisions(ctx, ledger.Query{Limit: 100000})
	if err != nil {
		t.Fatal(err)
	}
	held, err := readWall(filepath.Join(dir, "wall"))
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]actions.Decision{}
	want := map[string]string{}
	for _, d := range all {
		byID[d.ID] = d
		if !d.State.Active() {
			continue
		}
		if d.State != actions.Applied && d.State != actions.Verified {
			t.Errorf("%s is still %s", d.ID, d.State)
		}
		if other, ok := want[d.Target.Key()]; ok {
			t.Errorf("%s is blocked twice: %s and %s", d.Target, other, d.ID)
		}
		want[d.Target.Key()] = d.ID
	}
	for _, id := range promised.blocked {
		if _, ok := byID[id]; !ok {
			t.Errorf("%s was promised and is lost", id)
		}
	}
	for _, id := range promised.undone {
		if d := byID[id]; d.State != actions.Undone {
			t.Errorf("%s was undone and is %s", id, d.State)
		}
	}
	for key, id := range want {
		if held[key] != id {
			t.Errorf("%s should be held for %s, is for %q", key, id, held[key])
		}
	}
	for key, id := range held {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is held for %s, which is %s", key, id, byID[id].State)
		}
	}
	t.Logf("%d lives, %d killed; %d decisions, %d promised, %d undone, %d in force", round+1, killed, len(all),
		len(promised.blocked), len(promised.undone), len(want))
	if len(promised.blocked) < 100 || len(want) == 0 {
		t.Error("the lives were too short to show anything")
	}
}

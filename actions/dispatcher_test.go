package actions_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/actions/ledger"
	"levee/detect"
)

// wall is an enforcer in memory.
type wall struct {
	mu      sync.Mutex
	name    string
	held    map[string]actions.Decision
	applied map[string]int // calls by decision
	fail    error
	refuse  bool
	noList  bool
}

func newWall(name string) *wall {
	return &wall{name: name, held: map[string]actions.Decision{}, applied: map[string]int{}}
}

func (w *wall) Name() string { return w.name }

func (w *wall) Handles(d actions.Decision) bool {
	return d.Verb == actions.Block || d.Verb == actions.Throttle
}

func (w *wall) Apply(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	var out []actions.Receipt
	for _, d := range ds {
		w.applied[d.ID]++
		if !w.refuse {
			w.held[d.Target.Key()] = d
		}
		out = append(out, actions.Receipt{Decision: d.ID, Enforcer: w.name, OK: !w.refuse})
	}
	return out, nil
}

func (w *wall) Revoke(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	var out []actions.Receipt
	for _, d := range ds {
		delete(w.held, d.Target.Key())
		out = append(out, actions.Receipt{Decision: d.ID, Enforcer: w.name, OK: true})
	}
	return out, nil
}

func (w *wall) List(context.Context) ([]actions.Held, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noList {
		return nil, actions.ErrNoList
	}
	if w.fail != nil {
		return nil, w.fail
	}
	var out []actions.Held
	for key := range w.held {
		h := actions.Held{Key: key}
		if p, err := netip.ParsePrefix(key); err == nil {
			h = actions.Held{Prefix: p}
		}
		out = append(out, h)
	}
	return out, nil
}

func (w *wall) Check(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fail
}

func (w *wall) holds(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.held[key]
	return ok
}

func (w *wall) setFail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// traffic is what a test says it is.
type traffic struct {
	mu   sync.Mutex
	seen map[netip.Prefix]detect.Suspect
	snap detect.Snapshot
	age  time.Duration
}

func (t *traffic) Snapshot() *detect.Snapshot { return &t.snap }

func (t *traffic) Suspects(ps []netip.Prefix) []detect.Suspect {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]detect.Suspect, len(ps))
	for i, p := range ps {
		out[i] = t.seen[p]
	}
	return out
}

func (t *traffic) DataAge() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.age
}

func (t *traffic) setAge(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age = d
}

var (
	ana = actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"}
	bo  = actions.Actor{Name: "bo", Role: actions.Viewer, Via: "console"}
	cy  = actions.Actor{Name: "cy", Role: actions.Operator, Via: "cli"}
)

// bench is a dispatcher on a ledger of its own, with everything it talks to.
type bench struct {
	t       testing.TB
	path    string
	ledger  *ledger.Ledger
	wall    *wall
	traffic *traffic
	auto    *actions.Autopilot
	d       *actions.Dispatcher
	options actions.Options
	stop    func()
}

func newBench(t testing.TB, change func(*actions.Options)) *bench {
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "ledger.db"), wall: newWall("wall"),
		traffic: &traffic{seen: map[netip.Prefix]detect.Suspect{}},
		auto:    actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})}
	b.options = actions.Options{Enforcers: []actions.Enforcer{b.wall}, Traffic: b.traffic, Auto: b.auto, AutoOn: true}
	if change != nil {
		change(&b.options)
	}
	b.start()
	return b
}

// start opens the ledger and runs a dispatcher on it, as after a restart.
func (b *bench) start() {
	b.t.Helper()
	var err error
	if b.ledger, err = ledger.Open(context.Background(), b.path, nil); err != nil {
		b.t.Fatal(err)
	}
	b.options.Ledger = b.ledger
	if b.d, err = actions.NewDispatcher(context.Background(), b.options); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.d.Run(ctx) // it says why it ended: the test asked it to
	}()
	b.stop = func() {
		cancel()
		<-done
		if err := b.ledger.Close(); err != nil {
			b.t.Error(err)
		}
	}
}

func (b *bench) plan(r actions.Request) actions.Plan {
	b.t.Helper()
	p, err := b.d.Plan(context.Background(), r)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) commit(r actions.Request) []actions.Decision {
	b.t.Helper()
	p := b.plan(r)
	if p.Token == "" {
		b.t.Fatalf("refused: %v", p.Refusals)
	}
	ds, err := b.d.Commit(context.Background(), p.Token, r.Actor, actions.Answer{Typed: p.Type, BreakGlass: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return ds
}

func (b *bench) get(id string) actions.Decision {
	b.t.Helper()
	d, err := b.ledger.Decision(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return d
}

// settle lets everything that is under way come to rest.
func settle() {
	time.Sleep(time.Second) // the bubble's clock
	synctest.Wait()
}

func targets(ss ...string) []actions.Target {
	var out []actions.Target
	for _, s := range ss {
		p, err := actions.ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		out = append(out, actions.Target{Prefix: p})
	}
	return out
}

func block(actor actions.Actor, ss ...string) actions.Request {
	return actions.Request{Verb: actions.Block, Targets: targets(ss...), Actor: actor, Reason: "test"}
}

func TestBlockLivesUntilItsTTLEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		ds := b.commit(block(ana, "198.51.100.23"))
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Applied || got.TTL != 30*time.Minute || !b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after commit: %+v", got)
		}
		if board := b.d.Board(); board.NActive != 1 || len(board.Active) != 1 || board.Queue != 0 {
			t.Fatalf("board: %+v", board)
		}
		time.Sleep(31 * time.Minute)
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Expired || b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after its TTL: %+v", got)
		}
		if board := b.d.Board(); board.NActive != 0 || len(board.Recent) != 1 {
			t.Fatalf("board: %+v", board)
		}
	})
}

func TestUndoLiftsAndExempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		ds := b.commit(block(ana, "198.51.100.23"))
		settle()
		p, err := b.d.PlanUndo(context.Background(), ds[0].ID, cy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.d.Commit(context.Background(), p.Token, cy, actions.Answer{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Undone || got.EndedBy != "cy" || b.wall.holds("198.51.100.23/32") {
			t.Fatalf("after undo: %+v", got)
		}
		for _, restart := range []bool{false, true} {
			if restart {
				b.stop()
				b.start()
			}
			r := block(actions.Auto, "198.51.100.23")
			r.Seen = []detect.Suspect{{MayAct: true}}
			if p := b.plan(r); p.Token != "" || p.Refusals[0].Rule != "exempt" {
				t.Fatalf("restart %v: auto mode may block what a person unblocked: %v", restart, p.Refusals)
			}
		}
		time.Sleep(time.Hour)
		r := block(actions.Auto, "198.51.100.23")
		r.Seen = []detect.Suspect{{MayAct: true}}
		if p := b.plan(r); p.Token == "" {
			t.Fatalf("after an hour: %v", p.Refusals)
		}
	})
}

func TestRestartKeepsAndLifts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		var ids []string
		for i := range 3 {
			r := block(ana, fmt.Sprintf("198.51.100.%d", i))
			r.TTL = time.Duration(i+1) * 10 * time.Minute
			ids = append(ids, b.commit(r)[0].ID)
		}
		settle()
		b.stop()
		b.wall.mu.Lock()
		delete(b.wall.held, "198.51.100.2/32") // somebody flushed it
		b.wall.held["203.0.113.9/32"] = actions.Decision{}
		b.wall.mu.Unlock()
		time.Sleep(15 * time.Minute)
		b.start()
		defer func() { b.stop() }()
		settle()
		want := []actions.State{actions.Expired, actions.Applied, actions.Applied}
		for i, id := range ids {
			if got := b.get(id); got.State != want[i] || b.wall.holds(got.Target.Key()) != want[i].Active() {
				t.Errorf("%s: %s, held %v, want %s", got.Target, got.State, b.wall.holds(got.Target.Key()), want[i])
			}
		}
		if b.wall.holds("203.0.113.9/32") {
			t.Error("an entry that no decision asks for stayed")
		}
	})
}

package actions_test

import (
	"context"
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
	mu         sync.Mutex
	name       string
	held       map[string]actions.Decision
	applied    map[string]int // calls by decision
	fail       error
	refuse     bool
	noList     bool
	everything bool          // it takes every verb
	gate       chan struct{} // closed while calls may go on
}

// pause makes calls wait until resume.
func (w *wall) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gate = make(chan struct{})
}

func (w *wall) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.gate)
	w.gate = nil
}

func (w *wall) wait(ctx context.Context) {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
}

func newWall(name string) *wall {
	return &wall{name: name, held: map[string]actions.Decision{}, applied: map[string]int{}}
}

func (w *wall) Name() string { return w.name }

func (w *wall) Handles(d actions.Decision) bool {
	return w.everything || d.Verb == actions.Block || d.Verb == actions.Throttle
}

func (w *wall) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	w.wait(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
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
	for key, d := range w.held {
		h := actions.Held{Key: key, Expires: d.Expires}
		if p, err := netip.ParsePrefix(key); err == nil {
			h.Prefix, h.Key = p, ""
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

func (w *wall) set(fail error, refuse bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail, w.refuse = fail, refuse
}

// traffic is what a test says it is.
type traffic struct {
	mu   sync.Mutex
	seen map[netip.Prefix]detect.Suspect
	snap *detect.Snapshot
	age  time.Duration
}

func (t *traffic) Snapshot() *detect.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.snap
}

// show replaces the snapshot: one that was handed out is never written again.
func (t *traffic) show(total detect.Traffic, incidents ...detect.Incident) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.snap = &detect.Snapshot{Total: total, Incidents: incidents}
}

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
	wrap    func(actions.Ledger) actions.Ledger // what the dispatcher writes to instead
	stop    func()
}

func newBench(t testing.TB, change func(*actions.Options)) *bench {
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "ledger.db"), wall: newWall("wall"),
		traffic: &traffic{seen: map[netip.Prefix]detect.Suspect{}, snap: &detect.Snapshot{}},
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
	if b.wrap != nil {
		b.options.Ledger = b.wrap(b.ledger)
	}
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

func (w *wall) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

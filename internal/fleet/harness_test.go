package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
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
	held    map[string]time.Time // since when, by target
	applied map[string]int       // how often, by target
}

func (w *wall) Name() string                    { return "wall" }
func (w *wall) Handles(d actions.Decision) bool { return d.Verb == actions.Block }
func (w *wall) Check(context.Context) error     { return nil }

func (w *wall) Apply(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []actions.Receipt
	for _, d := range ds {
		key := d.Target.Key()
		if _, ok := w.held[key]; !ok {
			w.held[key] = time.Now()
			w.applied[key]++
		}
		out = append(out, actions.Receipt{Decision: d.ID, Enforcer: "wall", OK: true})
	}
	return out, nil
}

func (w *wall) Revoke(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []actions.Receipt
	for _, d := range ds {
		delete(w.held, d.Target.Key())
		out = append(out, actions.Receipt{Decision: d.ID, Enforcer: "wall", OK: true})
	}
	return out, nil
}

func (w *wall) List(context.Context) ([]actions.Held, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []actions.Held
	for key := range w.held {
		out = append(out, actions.Held{Prefix: netip.MustParsePrefix(key)})
	}
	return out, nil
}

// builds is an enforcer that reaches the same place from every host.
type builds struct{ wall }

func (*builds) Name() string { return "builds" }
func (*builds) Central()     {}

type traffic struct{}

func (traffic) Snapshot() *detect.Snapshot                  { return &detect.Snapshot{} }
func (traffic) Suspects(ps []netip.Prefix) []detect.Suspect { return make([]detect.Suspect, len(ps)) }
func (traffic) DataAge() time.Duration                      { return 0 }

var testKeys = Keys{[]byte("0123456789abcdef0123456789abcdef")}

// site is one host: a ledger, a dispatcher and a node.
type site struct {
	t     *testing.T
	name  string
	dir   string
	door  *door
	wall  *wall
	jobs  *builds
	o     Options
	allow []actions.Rule
	shut  bool              // from the start
	local func(Local) Local // nil: the dispatcher as it is

	budget actions.Budget
	ledger *ledger.Ledger
	d      *actions.Dispatcher
	n      *Node
	kill   func() // ends everything at once, as a crash does: nobody is told
	stop   func() // ends it in good order
}

func newSite(t *testing.T, s *shelf, name string, change func(*site)) *site {
	x := &site{t: t, name: name, dir: t.TempDir(), door: &door{shelf: s}, wall: &wall{held: map[string]time.Time{}, applied: map[string]int{}},
		jobs: &builds{wall{held: map[string]time.Time{}, applied: map[string]int{}}}}
	x.o = Options{Name: "shop", Host: name, Keys: testKeys}
	if change != nil {
		change(x)
	}
	x.door.set(x.shut)
	x.start()
	t.Cleanup(func() { x.kill() })
	return x
}

func (x *site) start() {
	x.t.Helper()
	must := func(err error) {
		if err != nil {
			x.t.Fatal(err)
		}
	}
	var err error
	x.ledger, err = ledger.Open(context.Background(), filepath.Join(x.dir, "ledger.db"), nil)
	must(err)
	o := x.o
	o.Index, o.Path = x.door, filepath.Join(x.dir, "fleet.json")
	o.Known = func(ctx context.Context, ids []string) (map[string]Known, error) {
		out := map[string]Known{}
		for _, id := range ids {
			d, err := x.ledger.Decision(ctx, id)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			rows, herr := x.ledger.History(ctx, id)
			if err != nil || herr != nil {
				return nil, errors.Join(err, herr)
			}
			out[id] = Known{d, rows[len(rows)-1].Actor}
		}
		return out, nil
	}
	o.Act = func(ctx context.Context, r actions.Request) { _, _ = x.d.Act(ctx, r) } // what is refused is the test's to see
	x.n, err = New(o)
	must(err)
	g, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: x.allow})
	must(err)
	x.d, err = actions.NewDispatcher(context.Background(), actions.Options{Ledger: x.ledger, Enforcers: []actions.Enforcer{x.wall, x.jobs},
		Guardrails: g, Traffic: traffic{}, AutoOn: true, Peers: x.n, Host: x.name, Budget: x.budget})
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = x.d.Run(ctx) }) // it ends because the test asks
	local := Local(x.d)
	if x.local != nil {
		local = x.local(local)
	}
	all.Go(func() { _ = x.n.Run(ctx, local) })
	x.stop = func() {
		cancel()
		all.Wait()
		_ = x.ledger.Close()
		x.stop, x.kill = func() {}, func() {}
	}
	x.kill = func() {
		x.door.set(true)
		x.stop()
	}
}

func (x *site) restart() {
	x.kill()
	x.door.set(false)
	x.start()
}

func (x *site) act(r actions.Request) ([]actions.Decision, error) {
	p, err := x.d.Plan(context.Background(), r)
	if err != nil {
		return nil, err
	}
	if p.Token == "" {
		return nil, &actions.RefusedError{Refusals: p.Refusals}
	}
	return x.d.Commit(context.Background(), p.Token, r.Actor, actions.Answer{Typed: p.Type, BreakGlass: true})
}

func (x *site) block(who actions.Actor, targets ...string) ([]actions.Decision, error) {
	return x.act(request(actions.Block, who, targets...))
}

func (x *site) unblock(who actions.Actor, targets ...string) {
	x.t.Helper()
	if _, err := x.act(request(actions.Unblock, who, targets...)); err != nil {
		x.t.Fatal(err)
	}
}

func request(v actions.Verb, who actions.Actor, targets ...string) actions.Request {
	r := actions.Request{Verb: v, Actor: who, Reason: "test"}
	for _, s := range targets {
		p, err := actions.ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		r.Targets = append(r.Targets, actions.Target{Prefix: p})
		r.Seen = append(r.Seen, detect.Suspect{Key: p, Rate: 100, Score: 90, MayAct: true})
	}
	return r
}

func (x *site) holds(targets ...string) bool {
	x.wall.mu.Lock()
	defer x.wall.mu.Unlock()
	for _, s := range targets {
		if _, ok := x.wall.held[s+"/32"]; !ok {
			return false
		}
	}
	return len(targets) > 0
}

func (x *site) count() int {
	x.wall.mu.Lock()
	defer x.wall.mu.Unlock()
	return len(x.wall.held)
}

func (x *site) told(part string) bool {
	for _, n := range x.d.Notices(0) {
		if strings.Contains(n.Text, part) {
			return true
		}
	}
	return false
}

var (
	ana = actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"}
	bo  = actions.Actor{Name: "bo", Role: actions.Operator, Via: "ssh"}
)

// pass lets d go by, and everything that is under way come to rest.
func pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

// leader returns the one site that leads, and the others.
func leader(t *testing.T, sites ...*site) (*site, []*site) {
	t.Helper()
	var lead *site
	var rest []*site
	for _, x := range sites {
		if x.n.State().Leads {
			if lead != nil {
				t.Fatalf("%s and %s lead", lead.name, x.name)
			}
			lead = x
		} else {
			rest = append(rest, x)
		}
	}
	if lead == nil {
		t.Fatal("nobody leads")
	}
	return lead, rest
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func addr(i int) string { return fmt.Sprintf("203.0.%d.%d", 113+i/250, 1+i%250) }

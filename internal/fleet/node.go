package fleet

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"levee/actions"
)

// Local is this host's dispatcher.
type Local interface {
	Adopt(ctx context.Context, ds []actions.Decision) (map[string]actions.Refusal, error)
	Release(ctx context.Context, es []actions.Ended) error
	AdoptSwitches(ctx context.Context, s actions.Switches, host string) error
	Switches() actions.Switches
	Standing() []actions.Decision
	Share(part, of int)
	Tell(level, text string)
}

// Options says what a node works with. Name, Host, Keys and Index are
// required.
type Options struct {
	Name  string // of the fleet
	Host  string // of this host in it: no two may have the same
	Keys  Keys
	Index Index

	// Known returns, by ID, what the ledger knows of decisions. Nil: nothing.
	Known func(ctx context.Context, ids []string) (map[string]Known, error)
	// Fit reports whether this host could lead auto mode: it sees traffic. Nil:
	// always.
	Fit func() bool
	// Note writes down, on the leader, what became of a canary. Nil: nobody does.
	Note func(ctx context.Context, key, text string)
	// Act carries out, on the leader, what another host's auto mode asks for.
	Act func(ctx context.Context, r actions.Request)

	Path   string           // file that keeps the term and the hosts over a restart; "": they are forgotten
	Canary time.Duration    // how long the leader alone enforces an incident's first automatic blocks; 0: not at all
	Lease  time.Duration    // after that long without a word of the leader another one leads; default 5 s
	Poll   time.Duration    // between two looks at the index; default Lease/20
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged
}

// Known is what the ledger knows of a decision.
type Known struct {
	Decision actions.Decision
	By       string // who changed it last, of one that has ended
}

// within bounds one request of the index about so many documents: who waits for
// it may be a person, and a thousand take a busy cluster longer than one.
func within(ctx context.Context, docs int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 2500*time.Millisecond+time.Duration(docs)*2*time.Millisecond)
}

// Node is this host in its fleet. It implements actions.Peers.
type Node struct {
	o     Options
	local Local
	wake  chan struct{}

	mu     sync.Mutex
	joined bool             // the index was read as a whole, and it still answers
	doubt  bool             // something is gone that was there: it is read as a whole once more
	read   seen             // what need not be read again
	known  map[string]*held // by document ID
	out    map[string]*want // what the index has to learn, by document ID
	most   int              // how many documents are written at once
	tops   []top            // for the cursor, oldest first
	gen    int              // counts the times the index was read as a whole
	turn   uint64           // counts what was learnt of documents
	swept  time.Time        // when what matters no more was last forgotten
	retry  map[string]bool  // places to be carried out again
	alone  alone
	lease  leading
	hosts  map[string]*host
	bad    bad
	canary map[string]*canary // by incident
	asked  []wished           // of this host, not sent yet
	wishes int                // sent
	beat   time.Time          // when this host last said that it is there; Run's own
	began  time.Time
	met    bool   // the index was read as a whole since it began
	run    string // names this start of the host
	kept   memory
	part   int // of the budgets, of of in all
	of     int
}

// version names one writing of a document; the zero value: there is none.
type version struct{ seq, primary int64 }

// before reports whether v was written before o, in the same index.
func (v version) before(o version) bool {
	return v.primary < o.primary || v.primary == o.primary && v.seq < o.seq
}

// held is the newest record of a document, and the version it was read from.
type held struct {
	rec *Record // nil: what is there was refused
	version
	gen  int    // of the last whole reading in which it was there
	turn uint64 // when it was learnt
}

// learn keeps what is known of a document now. The caller holds mu.
func (n *Node) learn(id string, rec *Record, v version) {
	n.turn++
	n.known[id] = &held{rec, v, n.gen, n.turn}
}

// draft is a record that is to be written over the version that was known when
// it was made: what another goroutine learns meanwhile it must not overwrite.
type draft struct {
	rec   *Record
	shown *actions.Decision // as people see it
	was   *Record           // what it replaces, nil when nothing is known
	over  version
	top   int64 // the highest number seen until then: the write gets a higher one
	quiet bool  // only people look at what is new in it
}

// draft returns r as a draft over what is known. The caller holds mu.
func (n *Node) draft(r *Record, shown *actions.Decision) *draft {
	x := &draft{rec: r, shown: shown, top: -1}
	if h := n.known[r.ID]; h != nil {
		x.was, x.over = h.rec, h.version
	}
	if k := len(n.tops); k > 0 {
		x.top = n.tops[k-1].seq
	}
	return x
}

// alone is since when and why this host stands alone; the zero value when it
// doesn't.
type alone struct {
	since time.Time
	why   string
	told  bool
}

// New returns a node that has asked nobody yet.
func New(o Options) (*Node, error) {
	if o.Name == "" || o.Host == "" || len(o.Keys) == 0 {
		return nil, fmt.Errorf("fleet: it needs a name, a key and this host's name")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Lease <= 0 {
		o.Lease = 5 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = o.Lease / 20
	}
	if o.Fit == nil {
		o.Fit = func() bool { return true }
	}
	n := &Node{o: o, wake: make(chan struct{}, 1), known: map[string]*held{}, out: map[string]*want{}, most: putMost, retry: map[string]bool{},
		hosts: map[string]*host{}, canary: map[string]*canary{}, run: rand.Text()}
	n.alone = alone{since: o.Now(), why: "it has not reached Elasticsearch yet"}
	if err := n.recall(); err != nil {
		return nil, err
	}
	return n, nil
}

// now is the clock, with its monotonic part.
func (n *Node) now() time.Time { return n.o.Now().UTC() }

func (n *Node) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run keeps this host and the fleet at one until ctx ends, then takes leave.
func (n *Node) Run(ctx context.Context, local Local) error {
	n.mu.Lock()
	n.local, n.began = local, n.now()
	n.mu.Unlock()
	n.share()
	t := time.NewTimer(0)
	defer t.Stop()
	failed := 0
	for {
		select {
		case <-ctx.Done():
			n.leave(context.WithoutCancel(ctx))
			return nil
		case <-n.wake:
		case <-t.C:
		}
		switch err := n.step(ctx); {
		case err == nil:
			failed = 0
		case ctx.Err() == nil:
			if failed++; failed > 1 { // one late answer is no outage
				n.cut(err)
			}
		}
		n.alonely(ctx)
		t.Reset(n.o.Poll)
	}
}

// step is one look at the index and what follows from it.
func (n *Node) step(ctx context.Context) error {
	if err := n.pull(ctx); err != nil {
		return err
	}
	if err := n.flush(ctx, n.o.Lease/5); err != nil {
		return err
	}
	if err := n.present(ctx); err != nil {
		return err
	}
	if err := n.lead(ctx); err != nil {
		return err
	}
	n.widen(ctx)
	return n.ask(ctx)
}

// cut notes that the index can't be asked: from here on this host goes on
// alone, with its share of the budgets.
func (n *Node) cut(err error) {
	n.mu.Lock()
	was := n.alone
	n.joined = false
	n.alone = alone{was.since, err.Error(), true}
	if was.since.IsZero() {
		n.alone.since = n.now()
	}
	n.mu.Unlock()
	n.share()
	if !was.told {
		n.tell("error", fmt.Sprintf("this host stands alone with 1/%d of the budgets: %s", n.lately(), err))
	}
	if was.why != err.Error() {
		n.o.Log.Warn("the fleet can't be reached", "error", err)
	}
}

// back notes that the index was read as a whole again.
func (n *Node) back() {
	n.mu.Lock()
	was := n.alone
	n.alone, n.joined, n.met = alone{}, true, true
	n.mu.Unlock()
	n.share()
	if was.told {
		n.tell("info", fmt.Sprintf("at one with the fleet %s again", n.o.Name))
	}
}

func (n *Node) tell(level, text string) {
	n.mu.Lock()
	local := n.local
	n.mu.Unlock()
	if local != nil {
		local.Tell(level, text)
	}
}

// put signs and writes one record over the version it was made for.
func (n *Node) put(ctx context.Context, x *draft) (Stored, error) {
	p, err := n.seal(x)
	if err != nil {
		return Stored{}, err
	}
	ctx, cancel := within(ctx, 1)
	defer cancel()
	done, err := n.o.Index.Put(ctx, []Put{p})
	if err != nil {
		return Stored{}, err
	}
	if done[0].Err != nil {
		return Stored{}, done[0].Err
	}
	if !done[0].Conflict {
		n.wrote(x, done[0])
	}
	return done[0], nil
}

// seal signs x.
func (n *Node) seal(x *draft) (Put, error) {
	r := x.rec
	r.Fleet, r.By, r.At = n.o.Name, n.o.Host, n.now()
	body, sum, err := n.o.Keys.seal(r)
	if err != nil {
		return Put{}, err
	}
	return Put{ID: r.ID, Seq: x.over.seq, Primary: x.over.primary, Kind: r.Kind, Record: body, MAC: sum, Until: r.until(), Decision: x.shown, Quiet: x.quiet}, nil
}

// wrote remembers what this host wrote itself.
func (n *Node) wrote(x *draft, s Stored) {
	n.mu.Lock()
	defer n.mu.Unlock()
	anew := s.Seq <= x.top
	if anew {
		n.joined = false // the index was made anew: it is read as a whole
	}
	v := version{s.Seq, s.Primary}
	n.read.add(v)
	if h := n.known[x.rec.ID]; h == nil || anew || h.before(v) {
		n.learn(x.rec.ID, x.rec, v)
	}
}

// next drafts the record that comes after the one that is known of a document.
func (n *Node) next(k Kind, name string) *draft {
	r := &Record{Kind: k, ID: docID(n.o.Name, k, name), Rev: 1}
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.known[r.ID]; h != nil && h.rec != nil {
		r.Rev = h.rec.Rev + 1
	}
	return n.draft(r, nil)
}

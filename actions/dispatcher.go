package actions

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// Dispatcher takes requests through Plan and Commit to the enforcers, and
// back when they end. Its methods may be called from several goroutines; Run
// must be running for anything to be sent or lifted.
type Dispatcher struct {
	o     Options
	guard *Guardrails
	lanes []*lane

	mu       sync.Mutex
	records  map[string]*record // not ended, by ID
	standing map[string]*record // the same, by verb and target
	covering covering           // lasting acts on prefixes
	due      expiry
	latest   []*record           // begun, oldest first; ended ones are trimmed now and then
	recent   []Decision          // ended, oldest first, at least the last 500
	requests map[string][]string // decisions of a request, while one of them is remembered
	plans    map[string]*planned // by token

	past     map[string]past // how blocks ended, by target
	exempt   exemptions      // what people unblocked
	allowed  *bart.Table[string]
	switches Switches

	budget   Budget               // what of Options.Budget this host may spend:
	part, of int                  // so much of it
	minute   spending             // blocks begun
	hour     spending             // scale-ups begun
	hits     map[string]*spending // addresses each person hit with one key
	usual    float64              // share of usual traffic under blocks
	blocks   int                  // in force
	inFlight int                  // decisions with an intent and no answer
	decided  uint64               // begun since the start

	measure  []measuring // effects to look at, oldest first
	retries  []retry
	heard    map[string]string // how jobs ended, by Job.Request
	changes  []Entry           // not in the ledger yet
	leftOut  int               // changes that were never written, see shortened
	shortest int               // how many waited when they were last shortened
	broken   string            // why the ledger can't be written, "" when it can
	moved    chan struct{}     // closed at the next change, nil while nobody waits
	swept    time.Time         // when what is long over was last forgotten

	writing sync.Mutex // one writer of changes at a time: their order is the ledger's
	wake    chan struct{}
	dirty   atomic.Bool
	board   atomic.Pointer[Board]
	notices notices
}

// NewDispatcher returns a Dispatcher that remembers what the ledger does. It
// sends nothing before Run.
func NewDispatcher(ctx context.Context, o Options) (*Dispatcher, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.Ledger == nil {
		return nil, errors.New("no ledger: nothing may be done that can't be written down")
	}
	if len(o.Enforcers) > 64 {
		return nil, fmt.Errorf("%d enforcers: at most 64", len(o.Enforcers))
	}
	d := &Dispatcher{
		o: o, guard: o.Guardrails, budget: o.Budget, part: 1, of: 1,
		records: map[string]*record{}, standing: map[string]*record{}, covering: newCovering(),
		requests: map[string][]string{}, past: map[string]past{}, exempt: newExemptions(),
		allowed: new(bart.Table[string]), plans: map[string]*planned{}, heard: map[string]string{},
		hits: map[string]*spending{}, minute: newSpending(time.Minute), hour: newSpending(time.Hour),
		wake: make(chan struct{}, 1),
	}
	for i, e := range o.Enforcers {
		d.lanes = append(d.lanes, newLane(i, e))
	}
	m, err := o.Ledger.Recall(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.remember(m); err != nil {
		return nil, err
	}
	d.publish()
	return d, nil
}

// remember fills the tables from what the ledger knows.
func (d *Dispatcher) remember(m Memory) error {
	now := d.now()
	if err := d.switches.load(m.Settings, d.o.AutoOn); err != nil {
		return err
	}
	share := sharing{map[string]*origin{}, map[string]string{}}
	for _, x := range m.Active {
		r := share.recalled(x)
		// A clock that jumped back while levee was off must not make a block
		// longer than it was meant to be.
		// One that jumps from now on moves it no more: it is counted on the
		// monotonic clock.
		if !r.expires.IsZero() {
			r.expires = now.Add(min(r.expires.Sub(now), r.ttl))
		}
		if r.endedBy != "" { // it was being undone
			r.end, r.ender = Undone, &Actor{Name: r.endedBy, Via: "restart"}
			if r.endedBy == ttlEnded {
				r.end, r.ender = Expired, &r.actor
			}
		}
		for _, l := range d.lanes {
			switch c := r.receipt(l.enforcer.Name()); {
			case c != nil && c.OK:
				r.took |= l.bit
			case (c == nil || c.Unknown) && !r.dryRun && d.takes(l, &x):
				r.unsure |= l.bit // it may have been sent
			}
		}
		d.insert(r)
	}
	begun := begunBefore(m)
	for _, x := range begun {
		switch x.Verb {
		case Block:
			d.minute.spend(x.Created, 1)
		case ScaleUp:
			d.hour.spend(x.Created, 1)
		}
	}
	if d.o.Auto != nil {
		d.o.Auto.recall(begun)
	}
	d.recent = slices.Clone(m.Recent)
	slices.Reverse(d.recent)
	for i := range d.recent {
		d.requests[d.recent[i].Request] = append(d.requests[d.recent[i].Request], d.recent[i].ID)
	}
	for _, p := range m.Past {
		d.past[p.Key] = past{returns: p.Returns, ended: p.Ended}
		if until := p.Ended.Add(d.o.Exempt); p.State == Undone && byPerson(p.By) && until.After(now) {
			d.exempt.add(p.Key, until)
		}
		if d.o.Auto != nil {
			d.o.Auto.recallPast(p)
		}
	}
	d.tellAuto()
	return nil
}

// begunBefore returns what the ledger remembers, each once and oldest first.
func begunBefore(m Memory) []*Decision {
	known := make(map[string]bool, len(m.Active)+len(m.Recent)+len(m.Scaled))
	all := make([]*Decision, 0, len(m.Active)+len(m.Recent)+len(m.Scaled))
	for _, ds := range [][]Decision{m.Active, m.Recent, m.Scaled} {
		for i := range ds {
			if !known[ds[i].ID] {
				known[ds[i].ID] = true
				all = append(all, &ds[i])
			}
		}
	}
	slices.SortFunc(all, func(a, b *Decision) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return all
}

func byPerson(a Actor) bool {
	switch a.Via {
	case "restart", "reload", "stop":
		return false
	}
	return a.Name != "" && a.Name != Auto.Name
}

// place is the name under which only one decision stands at a time.
func place(v Verb, key string) string { return string(v) + " " + key }

// insert makes r stand. The caller holds mu, or is the only one.
func (d *Dispatcher) insert(r *record) {
	d.records[r.id] = r
	d.standing[place(r.verb, r.key)] = r
	d.requests[r.request] = append(d.requests[r.request], r.id)
	d.latest = append(d.latest, r)
	if r.verb.lasting() && r.target.Prefix.IsValid() {
		d.covering.insert(r)
		if r.verb == Allow {
			d.allowed.Insert(r.target.Prefix, r.target.String()+" was allowed by "+r.actor.Name+" ("+r.id+")")
		}
	}
	if r.verb == Block {
		d.blocks++
		d.usual += r.usual
	}
	if r.state == Intent {
		d.inFlight++
	}
	d.due.schedule(r)
}

// remove makes r stand no longer and remembers how it ended; what was removed
// already it leaves alone. The caller holds mu and has set r.state.
func (d *Dispatcher) remove(r *record) {
	if d.records[r.id] != r {
		return
	}
	delete(d.records, r.id)
	if d.standing[place(r.verb, r.key)] == r {
		delete(d.standing, place(r.verb, r.key))
	}
	if p := r.target.Prefix; p.IsValid() && r.verb.lasting() {
		if d.covering.remove(r) && r.verb == Allow {
			d.allowed.Delete(p)
		}
	}
	if r.verb == Block {
		d.blocks--
		d.usual -= r.usual
	}
	if (r.verb == Block || r.verb == Throttle) && r.state != Failed {
		d.past[r.key] = past{returns: r.returns, ended: r.changed}
		if r.state == Undone && r.ender != nil && byPerson(*r.ender) {
			d.exempt.add(r.key, r.changed.Add(d.o.Exempt))
		}
	}
	d.due.schedule(r)
	if d.recent = append(d.recent, r.decision()); len(d.recent) > 2*recentMost {
		d.recent = slices.Clone(d.recent[len(d.recent)-recentMost:])
	}
}

const recentMost = 500

// newID returns an unguessable name that is short enough to type.
func newID() string { return "d-" + strings.ToLower(rand.Text()[:12]) }

// now is the clock in UTC, with its monotonic part: a wall clock that jumps
// moves no end of a decision of this run.
func (d *Dispatcher) now() time.Time { return d.o.Now().UTC() }

// nudge wakes Run.
func (d *Dispatcher) nudge() {
	d.dirty.Store(true)
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// stale reports whether the data is too old for auto mode to start anything.
func (d *Dispatcher) stale() (bool, time.Duration) {
	if d.o.Traffic == nil {
		return true, -1
	}
	age := d.o.Traffic.DataAge()
	return age < 0 || age > d.o.StaleAfter, age
}

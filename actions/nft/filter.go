package nft

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"levee/actions"
	"levee/actions/internal/safe"

	"github.com/gaissmai/bart"
)

// Filter enforces blocks in the kernel. It implements actions.Enforcer.
type Filter struct {
	o     Options
	table *table

	mu     sync.Mutex
	ready  bool                       // the table was built and kernel read
	kernel standing                   // what the sets hold and until when, as far as known
	inner  map[netip.Prefix]time.Time // networks that wait inside an outer one
	reads  int                        // how often the sets were read
	moves  int                        // transactions that went through

	operators []netip.Prefix // who reaches SSH whatever is blocked
	told      bool           // KeepOpen said so, not Options
}

// standing is what the sets hold, each entry with its decision's end.
type standing struct {
	ends     map[netip.Prefix]time.Time
	networks *bart.Table[struct{}] // those of ends that are no single address
}

func newStanding(n int) standing {
	return standing{make(map[netip.Prefix]time.Time, n), new(bart.Table[struct{}])}
}

func (s standing) put(p netip.Prefix, until time.Time) {
	if s.ends[p] = until; !p.IsSingleIP() {
		s.networks.Insert(p, struct{}{})
	}
}

func (s standing) drop(p netip.Prefix) {
	if delete(s.ends, p); !p.IsSingleIP() {
		s.networks.Delete(p)
	}
}

// outer returns the widest network that p lies inside of, invalid when there
// is none.
func (s standing) outer(p netip.Prefix) netip.Prefix {
	var widest netip.Prefix
	for q := range s.networks.Supernets(p) {
		if q != p {
			widest = q // they come narrowest first
		}
	}
	return widest
}

var _ actions.Enforcer = (*Filter)(nil)

// New returns a Filter. It touches nothing until it is used.
func New(o Options) (*Filter, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	return &Filter{o: o, table: newTable(o.Table), kernel: newStanding(0), inner: map[netip.Prefix]time.Time{}, operators: o.Operators}, nil
}

// Name returns Options.Name.
func (f *Filter) Name() string { return f.o.Name }

// Handles reports whether d blocks a prefix whose packets arrive here.
func (f *Filter) Handles(d actions.Decision) bool {
	return d.Verb == actions.Block && d.Target.Prefix.IsValid() && !f.proxied(d.Target.Prefix)
}

func (f *Filter) proxied(p netip.Prefix) bool { return f.o.Proxied != nil && f.o.Proxied(p) }

// forever stands for no end in the maps.
var forever = time.Unix(1<<40, 0)

// slack is how long the kernel keeps an element past its decision's end. Levee
// lifts it on time; were both to end at once, whether an element is still
// there to be deleted would have to be read each time.
const slack = 5 * time.Second

// Apply drops packets from the targets of ds until they expire; a target that
// is blocked already gets its new end.
func (f *Filter) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	want := make(map[netip.Prefix]time.Time, len(ds))
	now := f.o.Now()
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: f.o.Name, OK: true, At: now}
		p, err := target(d)
		until := d.Expires
		if err == nil && f.proxied(p) {
			err = errors.New("it is seen only through a trusted proxy, its packets never arrive here; use a deny list or the CDN's webhook")
		}
		if until.IsZero() {
			until = forever
		} else if err == nil && !until.After(now) {
			err = errors.New("its end has passed")
		}
		if err != nil {
			receipts[i].OK, receipts[i].Note = false, err.Error()
			continue
		}
		if until.After(want[p]) {
			want[p] = until
		}
	}
	return f.settle(ctx, receipts, func() error { return f.add(ctx, want) })
}

// Revoke lets the targets of ds through again.
func (f *Filter) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	var gone []netip.Prefix
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: f.o.Name, OK: true, At: f.o.Now()}
		if p, err := target(d); err == nil { // what can't be held needs no lifting
			gone = append(gone, p)
		}
	}
	return f.settle(ctx, receipts, func() error { return f.remove(ctx, gone) })
}

// settle carries change out, once more from what the kernel really holds when
// an element lapsed or somebody else was at work in between. Of a change that
// came in several transactions and failed nobody knows how far it got.
func (f *Filter) settle(ctx context.Context, receipts []actions.Receipt, change func() error) ([]actions.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	before := f.moves
	for range 3 {
		if ctx.Err() != nil {
			err = fmt.Errorf("nft: %w", context.Cause(ctx))
			break
		}
		if err = f.prepare(); err == nil {
			if err = change(); err == nil {
				break
			}
		}
		f.ready = false
	}
	for i := range receipts {
		if receipts[i].OK && err != nil {
			receipts[i].OK, receipts[i].Unknown, receipts[i].Note = false, f.moves != before, safe.Text(err.Error(), 300)
		}
		receipts[i].At = f.o.Now()
	}
	return receipts, nil
}

func target(d actions.Decision) (netip.Prefix, error) {
	p := d.Target.Prefix
	switch {
	case !p.IsValid():
		return p, errors.New("the packet filter blocks addresses and prefixes only")
	case p.Addr().Is4In6() || p.Addr().Zone() != "":
		return p, errors.New("the target is no plain prefix")
	case p.Bits() == 0:
		return p, errors.New("the whole address space is never blocked")
	}
	return p.Masked(), nil
}

// prepare builds the table and reads it, once.
func (f *Filter) prepare() error {
	if f.ready {
		return nil
	}
	if err := f.build(); err != nil {
		return err
	}
	all, err := f.read()
	if err != nil {
		return err
	}
	now := f.o.Now()
	f.kernel = newStanding(len(all))
	for _, h := range all {
		until := forever
		if h.left > 0 {
			until = now.Add(h.left - slack)
		}
		f.kernel.put(h.prefix, until)
	}
	f.ready = true
	return nil
}

// read lists what the sets hold.
func (f *Filter) read() ([]held, error) {
	c, err := f.open(inLargePieces)
	if err != nil {
		return nil, err
	}
	f.reads++
	var all []held
	for _, name := range setNames {
		es, err := c.GetSetElements(f.table.sets[name])
		if err != nil {
			return nil, f.explain("read set "+name, err)
		}
		hs, err := decode(name, es)
		if err != nil {
			return nil, fmt.Errorf("nft: %w", err)
		}
		all = append(all, hs...)
	}
	return all, nil
}

// List returns what the kernel holds, with its counters, and the prefixes that
// wait inside others.
func (f *Filter) List(context.Context) ([]actions.Held, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.open()
	if err != nil {
		return nil, err
	}
	if there, err := f.exists(c); err != nil || !there {
		f.ready = false
		return nil, err
	}
	all, err := f.read()
	if err != nil {
		return nil, err
	}
	now := f.o.Now()
	out := make([]actions.Held, 0, len(all)+len(f.inner))
	for _, h := range all {
		held := actions.Held{Prefix: h.prefix, Dropped: h.packets}
		if h.left > 0 {
			held.Expires = now.Add(h.left - slack)
		}
		out = append(out, held)
	}
	for p, until := range f.inner {
		if f.kernel.outer(p).IsValid() && until.After(now) {
			held := actions.Held{Prefix: p}
			if !until.Equal(forever) {
				held.Expires = until
			}
			out = append(out, held)
		}
	}
	slices.SortFunc(out, func(a, b actions.Held) int {
		if c := a.Prefix.Addr().Compare(b.Prefix.Addr()); c != 0 {
			return c
		}
		return a.Prefix.Bits() - b.Prefix.Bits()
	})
	return out, nil
}

// Check says whether this process may change the packet filter, and whether
// the table is still there.
func (f *Filter) Check(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.open()
	if err != nil {
		return err
	}
	there, err := f.exists(c)
	if err != nil {
		return err
	}
	if f.ready && !there {
		f.ready = false
		return fmt.Errorf("nft: somebody removed table inet %s; it is built again with the next change", f.o.Table)
	}
	return nil
}

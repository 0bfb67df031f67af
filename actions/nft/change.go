package nft

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
)

// step is one element to add or to delete.
type step struct {
	prefix netip.Prefix
	until  time.Time
	delete bool
}

// add brings want into the sets. An element cannot be moved in time on every
// kernel: it is deleted and added again in one transaction, and no packet
// passes in between.
func (f *Filter) add(ctx context.Context, want map[netip.Prefix]time.Time) error {
	order := slices.SortedFunc(maps.Keys(want), func(a, b netip.Prefix) int { return a.Bits() - b.Bits() }) // outer before inner
	if err := f.readLapsing(order); err != nil {
		return err
	}
	var steps []step
	for _, p := range order {
		until := want[p]
		if interval(setOf(p)) {
			if f.kernel.outer(p).IsValid() {
				f.inner[p] = until
				continue
			}
			for q, end := range f.inside(p) {
				f.inner[q] = end
				steps = append(steps, step{prefix: q, delete: true})
				f.kernel.drop(q)
			}
		}
		if end, ok := f.kernel.ends[p]; ok {
			if (end.Sub(until)).Abs() < time.Second {
				continue
			}
			steps = append(steps, step{prefix: p, delete: true})
		}
		steps = append(steps, step{prefix: p, until: until})
		f.kernel.put(p, until)
	}
	return f.commit(ctx, steps)
}

// readLapsing reads the sets anew when one of ps lapses about now: whether it
// is still there nobody can know otherwise. It comes before any change is
// noted, for it replaces what was noted.
func (f *Filter) readLapsing(ps []netip.Prefix) error {
	soon := f.o.Now().Add(time.Second - slack)
	for _, p := range ps {
		if end, ok := f.kernel.ends[p]; ok && !end.Equal(forever) && !end.After(soon) {
			f.ready = false
			return f.prepare()
		}
	}
	return nil
}

// inside returns the networks of the kernel's that lie inside p.
func (f *Filter) inside(p netip.Prefix) map[netip.Prefix]time.Time {
	found := map[netip.Prefix]time.Time{}
	for q := range f.kernel.networks.Subnets(p) {
		if q != p {
			found[q] = f.kernel.ends[q]
		}
	}
	return found
}

// remove takes gone out of the sets; networks that waited inside take over.
func (f *Filter) remove(ctx context.Context, gone []netip.Prefix) error {
	if err := f.readLapsing(gone); err != nil {
		return err
	}
	now := f.o.Now()
	var steps []step
	for _, p := range gone {
		delete(f.inner, p)
		if _, ok := f.kernel.ends[p]; ok {
			f.kernel.drop(p)
			steps = append(steps, step{prefix: p, delete: true})
		}
	}
	waiting := slices.SortedFunc(maps.Keys(f.inner), func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
	for _, q := range waiting {
		until := f.inner[q]
		if f.kernel.outer(q).IsValid() {
			continue
		}
		delete(f.inner, q)
		if until.After(now) {
			steps = append(steps, step{prefix: q, until: until})
			f.kernel.put(q, until)
		}
	}
	return f.commit(ctx, steps)
}

// commit sends steps in transactions of Options.Batch. A delete and the add
// that replaces it stay in one.
func (f *Filter) commit(ctx context.Context, steps []step) error {
	for len(steps) > 0 {
		n := min(f.o.Batch, len(steps))
		for n < len(steps) && steps[n-1].delete {
			n++
		}
		if ctx.Err() != nil {
			return fmt.Errorf("nft: %w", context.Cause(ctx))
		}
		if err := f.transaction(steps[:n]); err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// messageMost bounds the elements of one netlink message: the length of an
// attribute is 16 bits.
const messageMost = 400

func (f *Filter) transaction(steps []step) error {
	c, err := f.open()
	if err != nil {
		return err
	}
	now := f.o.Now()
	for _, removing := range []bool{true, false} { // deletes first: they make room
		bySet := map[string][]nftables.SetElement{}
		for _, s := range steps {
			if s.delete != removing {
				continue
			}
			var timeout time.Duration
			if !s.delete && !s.until.Equal(forever) {
				timeout = max(s.until.Sub(now), time.Millisecond) + slack
			}
			name := setOf(s.prefix)
			bySet[name] = append(bySet[name], elements(s.prefix, timeout)...)
		}
		for _, name := range setNames {
			for part := range slices.Chunk(bySet[name], messageMost) {
				if removing {
					err = c.SetDeleteElements(f.table.sets[name], part)
				} else {
					err = c.SetAddElements(f.table.sets[name], part)
				}
				if err != nil {
					return f.explain("fill set "+name, err)
				}
			}
		}
	}
	if err := c.Flush(); err != nil {
		return f.explain(fmt.Sprintf("change %d elements", len(steps)), err)
	}
	f.moves++
	return nil
}

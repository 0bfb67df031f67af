package nft

import (
	"context"
	"net/netip"
	"slices"

	"github.com/google/nftables"

	"levee/actions"
)

var _ actions.Doorkeeper = (*Filter)(nil)

// KeepOpen lets TCP from these addresses, and no longer from those of before,
// reach the SSH ports whatever is blocked. A table that stands is changed in
// one transaction; one that is built later knows them.
func (f *Filter) KeepOpen(_ context.Context, from []netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var operators []netip.Prefix
	for _, a := range from {
		if a = a.Unmap().WithZone(""); a.IsValid() && !a.IsUnspecified() && len(operators) < actions.DoorsMost {
			operators = append(operators, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	slices.SortFunc(operators, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	if operators = slices.Compact(operators); f.told && slices.Equal(operators, f.operators) {
		return nil
	}
	f.operators, f.told = operators, true
	c, err := f.open()
	if err != nil {
		return f.untold(err)
	}
	there, err := f.exists(c)
	if err != nil {
		return f.untold(err)
	}
	if !there {
		return nil
	}
	f.ready = false // the rules may be an older levee's
	if err := f.prepare(); err != nil {
		return f.untold(err)
	}
	return nil
}

// untold makes the next KeepOpen try again.
func (f *Filter) untold(err error) error {
	f.told = false
	return err
}

// letIn fills the operators' sets. What an earlier process put there stays
// while nobody said who they are.
func (f *Filter) letIn(c *nftables.Conn) error {
	if !f.told && len(f.operators) == 0 {
		return nil
	}
	sets := f.table.sets
	c.FlushSet(sets[operators4])
	c.FlushSet(sets[operators6])
	for _, p := range outermost(f.operators) {
		name := operators6
		if p.Addr().Is4() {
			name = operators4
		}
		if err := c.SetAddElements(sets[name], rangeElements(p)); err != nil {
			return f.explain("add operator "+p.String(), err)
		}
	}
	return nil
}

// rangeElements is elements with an end for single addresses too: the
// operators' sets are interval sets throughout.
func rangeElements(p netip.Prefix) []nftables.SetElement {
	e := []nftables.SetElement{{Key: p.Masked().Addr().AsSlice()}}
	if end := past(p); end.IsValid() {
		e = append(e, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
	}
	return e
}

// outermost drops prefixes that lie inside others.
func outermost(ps []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for i, p := range ps {
		inside := false
		for j, q := range ps {
			if i != j && q.Overlaps(p) && (q.Bits() < p.Bits() || q.Bits() == p.Bits() && j < i) {
				inside = true
			}
		}
		if !inside {
			out = append(out, p.Masked())
		}
	}
	return out
}

package actions

import (
	"context"
	"fmt"
)

// Peers are the other hosts of a fleet that shares its decisions. The methods
// may be called from several goroutines, and none is called with a lock held.
type Peers interface {
	// Hold says in one line why automation may not act here, as long as
	// another host leads it; "" when it may.
	Hold() string
	// Term is what automatic decisions are stamped with: it only grows from one
	// leader to the next. 0 while this host stands alone.
	Term() uint64
	// Claim asks for the places of decisions that are on disk here and not
	// enforced yet. It returns, by ID, why some may not be carried out: another
	// host was first, or leads by now. While the others can't be reached it
	// returns nothing and the decisions are theirs to learn of later.
	Claim(ctx context.Context, ds []Decision) map[string]string
	// Wrote hears what was written down, in order. It returns at once.
	Wrote(entries []Entry)
	// Arm asks the fleet to let automation act. It returns s as it stands then,
	// or an error when somebody stopped it whom s does not follow.
	Arm(ctx context.Context, s Switches) (Switches, error)
}

// Central is an enforcer that reaches the same place from every host, as a
// build server does: in a fleet only the host that decided asks it.
type Central interface {
	Central()
}

// takes reports whether l carries out x from this host.
func (d *Dispatcher) takes(l *lane, x *Decision) bool {
	if _, central := l.enforcer.(Central); central && x.Host != d.o.Host {
		return false
	}
	return l.enforcer.Handles(*x)
}

// claim asks the fleet for the places of rs, whose intents are on disk, and
// returns those that may be carried out. The others are closed: they never
// stood.
func (d *Dispatcher) claim(ctx context.Context, rs []*record) ([]*record, []Refusal) {
	if d.o.Peers == nil {
		return rs, nil
	}
	ds := make([]Decision, len(rs))
	for i, r := range rs {
		ds[i] = r.decision()
	}
	late := d.o.Peers.Claim(ctx, ds)
	d.mu.Lock()
	defer d.mu.Unlock()
	over := d.overspent(rs)
	kept := make([]*record, 0, len(rs))
	var refused []Refusal
	for i, r := range rs {
		no := Refusal{Target: r.target, Rule: "duplicate", Value: late[r.id], Mend: "look at it: levee decisions"}
		if no.Value == "" && i >= len(rs)-over {
			no.Rule, no.Value = "budget", fmt.Sprintf("this host stands alone and may spend %d blocks a minute, %d active", d.budget.BlocksPerMinute, d.budget.ActiveBlocks)
			no.Mend = "mend the way to Elasticsearch, or block it yourself"
		}
		if no.Value == "" {
			kept = append(kept, r)
			continue
		}
		refused = append(refused, no)
		d.unspent(r)
		r.durable, r.endedBy = true, no.Value
		d.inFlight--
		d.close(r, Failed, d.now())
	}
	return kept, refused
}

// overspent returns how many of auto mode's blocks are too many since this
// host learned, within the claim, that it has no more than its share. The
// caller holds mu.
func (d *Dispatcher) overspent(rs []*record) int {
	if len(rs) == 0 || !rs[0].auto() || rs[0].verb != Block {
		return 0
	}
	over := max(d.minute.spent(d.now())-d.budget.BlocksPerMinute, d.blocks-d.budget.ActiveBlocks)
	return min(max(over, 0), len(rs))
}

// Share leaves this host part of every budget, of in all: what was spent
// before counts for all of them. Share(1, 1) gives it all back.
func (d *Dispatcher) Share(part, of int) {
	if of < 1 || part > of {
		part, of = 1, 1
	}
	d.mu.Lock()
	d.part, d.of = part, of
	d.divide()
	d.mu.Unlock()
	d.nudge()
}

// divide works out this host's part of the budgets. The caller holds mu.
func (d *Dispatcher) divide() {
	b := d.o.Budget
	share := func(limit, spent int) int { return spent + max(0, limit-spent)*d.part/d.of }
	if d.part < d.of {
		b.BlocksPerMinute = b.BlocksPerMinute * d.part / d.of
		b.ActiveBlocks = share(b.ActiveBlocks, d.blocks)
		b.ScaleUpsPerHour = share(b.ScaleUpsPerHour, d.hour.spent(d.now()))
		spent := min(max(0, d.usual), b.UsualShare)
		b.UsualShare = spent + (b.UsualShare-spent)*float64(d.part)/float64(d.of)
	}
	d.budget = b
	if d.o.Auto != nil {
		d.o.Auto.SetBudget(b)
	}
}

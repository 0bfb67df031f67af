package actions

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// planLasts is how long a Plan may be committed: long enough to read a dialog,
// short enough that what it showed is still so.
const planLasts = 2 * time.Minute

// undoMany is what is typed to undo many at once.
const undoMany = "unblock them"

// planned is a Plan that waits for its Commit.
type planned struct {
	plan Plan
	seen []detect.Suspect // of plan.Request.Targets, in order
}

// Plan puts r through the guardrails and previews its impact. What they refuse
// is in Plan.Refusals; when nothing is left, Plan.Token is empty. The error is
// for requests that make no sense.
func (d *Dispatcher) Plan(ctx context.Context, r Request) (Plan, error) {
	if err := ctx.Err(); err != nil {
		return Plan{}, err
	}
	if err := d.complete(&r); err != nil {
		return Plan{}, err
	}
	seen := d.look(&r)
	p := Plan{Request: r, Expires: d.now().Add(planLasts)}
	p.Request.Seen = nil

	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.forbidden(&r); no != nil {
		p.Request.Targets, p.Refusals = nil, []Refusal{*no}
		return p, nil
	}
	if r.Verb == Unblock && r.Undoes == "" && len(r.Only) == 0 {
		d.widenUnblock(&r)
		seen = make([]detect.Suspect, len(r.Targets))
	}
	if r.Verb == Block {
		strongest(r.Targets, seen) // a budget that ends goes to what removes most
	}
	c := d.newCheck(&r)
	pass, saw := r.Targets[:0:0], seen[:0:0]
	for i, t := range r.Targets {
		if no := c.check(t, &seen[i]); no != nil {
			p.Refusals = append(p.Refusals, *no)
			continue
		}
		pass, saw = append(pass, t), append(saw, seen[i])
	}
	p.Request.Targets = pass
	p.Impact = d.impact(&r, pass, saw)
	if len(pass) == 0 {
		return p, nil
	}
	p.Needs = d.needs(&r, p.Impact)
	if p.Needs == ConfirmTyped || p.Needs == ConfirmTwo {
		p.Type = string(r.Verb) + " " + strconv.Itoa(len(pass))
		if r.Verb == Unblock {
			p.Type = undoMany // their number moves on while somebody types it
		}
	}
	p.Token = rand.Text()
	d.keepPlan(&planned{plan: p, seen: saw})
	return p, nil
}

// complete fills in what r leaves open and drops targets named twice.
func (d *Dispatcher) complete(r *Request) error {
	switch r.Verb {
	case Block, Unblock, Allow, Throttle, Harden, ScaleUp, ScaleDown, Notify:
	default:
		return fmt.Errorf("verb %q: want block, unblock, allow, throttle, harden, scale_up, scale_down or notify", r.Verb)
	}
	if len(r.Targets) == 0 {
		return fmt.Errorf("%s: no target given", r.Verb)
	}
	if r.TTL < 0 {
		return fmt.Errorf("%s: TTL %s is negative", r.Verb, r.TTL)
	}
	if r.Seen != nil && len(r.Seen) != len(r.Targets) {
		return fmt.Errorf("%s: %d targets but %d suspects", r.Verb, len(r.Targets), len(r.Seen))
	}
	if r.ID == "" {
		r.ID = "r-" + strings.ToLower(rand.Text()[:12])
	}
	known := make(map[string]bool, len(r.Targets))
	targets := make([]Target, 0, len(r.Targets))
	var seen []detect.Suspect
	for i, t := range r.Targets {
		if t.Prefix.IsValid() {
			t.Prefix = normal(t.Prefix)
		}
		key := t.Key()
		if key == "" {
			return fmt.Errorf("%s: target %d names neither prefix, signature nor service", r.Verb, i+1)
		}
		if known[key] {
			continue
		}
		known[key] = true
		targets = append(targets, t)
		if r.Seen != nil {
			seen = append(seen, r.Seen[i])
		}
	}
	r.Targets, r.Seen = targets, seen
	return nil
}

// look returns what the traffic shows of r's targets.
func (d *Dispatcher) look(r *Request) []detect.Suspect {
	if r.Seen != nil {
		return r.Seen
	}
	seen := make([]detect.Suspect, len(r.Targets))
	if d.o.Traffic == nil {
		return seen
	}
	var ps []netip.Prefix
	var at []int
	snap := d.o.Traffic.Snapshot()
	for i, t := range r.Targets {
		switch {
		case t.Prefix.IsValid():
			ps, at = append(ps, t.Prefix), append(at, i)
		case t.Signature != nil:
			var touches Impact
			touches.addSignature(snap, t)
			seen[i].Rate = touches.Rate // what it should remove
		}
	}
	if len(ps) > 0 {
		for i, s := range d.o.Traffic.Suspects(ps) {
			seen[at[i]] = s
		}
	}
	return seen
}

func (d *Dispatcher) keepPlan(p *planned) {
	now := d.now()
	for token, old := range d.plans {
		if now.After(old.plan.Expires) {
			delete(d.plans, token)
		}
	}
	d.plans[p.plan.Token] = p
}

// impact previews an act on targets. The caller holds mu.
func (d *Dispatcher) impact(r *Request, targets []Target, seen []detect.Suspect) Impact {
	i := Impact{Targets: len(targets), ExcessShare: -1, Users: -1, BudgetLeft: max(0, d.budget.ActiveBlocks-d.blocks)}
	var snap *detect.Snapshot
	if d.o.Traffic != nil {
		snap = d.o.Traffic.Snapshot()
	}
	for n, t := range targets {
		if t.Signature != nil {
			i.Addresses++
			if !i.addSignature(snap, t) {
				i.Unknown++
			}
			for _, why := range d.excuses(Decision{Verb: r.Verb, Target: t, Actor: r.Actor, Attack: r.Attack}) {
				if len(i.Left) < 5 && !slices.Contains(i.Left, why) {
					i.Left = append(i.Left, why)
				}
			}
			continue
		}
		i.Addresses += addresses(t.Prefix)
		i.Rate += seen[n].Rate
		i.UsualShare += seen[n].UsualShare
		i.Clients += seen[n].UsualClients
		if seen[n].Proxied {
			i.Proxied++
		}
		if t.Prefix.IsValid() && len(i.Protected) < 5 {
			i.Protected = append(i.Protected, d.guard.Protected(t.Prefix, 5-len(i.Protected))...)
		}
	}
	if r.Verb == Block {
		i.BudgetLeft = max(0, i.BudgetLeft-len(targets))
	}
	if i.ExcessShare < 0 && snap != nil && snap.Total.Baseline > 0 {
		if excess := snap.Total.Rate - snap.Total.Baseline; excess > 0 {
			i.ExcessShare = min(1, i.Rate/excess)
		}
	}
	i.UsualShare = min(1, i.UsualShare)
	i.bound(snap, targets, seen)
	if r.Verb == ScaleUp {
		i.Standing = d.scaled(targets)
	}
	return i
}

// newcomer is for how long a client is new: what it did since it came is no
// usual traffic.
const newcomer = 4 * time.Minute

// bound works out what the share of usual traffic may be in truth. Each
// signature has an interval of its own; addresses and prefixes are counted from
// the same samples and have one together. Who came minutes ago, by the detector's
// own record, carried nothing: of newcomers alone the count is exact.
func (i *Impact) bound(snap *detect.Snapshot, targets []Target, seen []detect.Suspect) {
	if snap == nil {
		return
	}
	share, sampled := 0.0, false
	for n, t := range targets {
		if !t.Prefix.IsValid() {
			continue
		}
		s := &seen[n]
		share += s.UsualShare
		fresh := oneClient(t.Prefix) && s.UsualShare == 0 && !snap.Learning && !s.First.IsZero() && snap.Now.Sub(s.First) < newcomer
		sampled = sampled || !fresh
	}
	if sampled {
		i.UsualNone = snap.UsualOf == 0
		i.UsualMost += detect.AtMost(min(1, share), snap.UsualOf)
	} else {
		i.UsualMost += share
	}
	i.UsualMost = min(1, i.UsualMost)
}

// scaled says which scale-ups and scale-downs of the services are in force. The
// caller holds mu.
func (d *Dispatcher) scaled(targets []Target) []string {
	var out []string
	for _, t := range targets {
		for _, v := range []Verb{ScaleUp, ScaleDown} {
			if r := d.standing[place(v, t.Key())]; r != nil && r.state.Active() {
				out = append(out, fmt.Sprintf("%s by %s since %s UTC", v, r.actor.Name, r.created.UTC().Format("15:04:05")))
			}
		}
	}
	return out
}

// oneClient reports whether p is one client: an IPv4 address, or an IPv6 /64 or
// what is inside one.
func oneClient(p netip.Prefix) bool { return p.IsSingleIP() || p.Addr().Is6() && p.Bits() >= 64 }

// addresses is how many clients p may be: a client has one IPv4 address or an
// IPv6 /64, and of a wider IPv6 prefix nobody uses all.
func addresses(p netip.Prefix) int {
	switch {
	case !p.IsValid() || p.IsSingleIP():
		return 1
	case p.Addr().Is4():
		return 1 << (32 - p.Bits())
	}
	return 1 << min(8, max(0, 64-p.Bits()))
}

// addSignature adds what the open incident with t's signature says of it, and
// reports whether there is one.
func (i *Impact) addSignature(snap *detect.Snapshot, t Target) bool {
	if snap == nil {
		return false
	}
	for _, in := range snap.Incidents {
		if in.Closed.IsZero() && in.Service == t.Service && in.Signature == *t.Signature {
			i.Rate += in.Excess * max(0, in.Rate-in.Baseline)
			i.UsualShare += in.Collateral
			i.UsualMost += in.CollateralMost()
			i.ExcessShare = max(i.ExcessShare, in.Excess)
			return true
		}
	}
	return false
}

// strongest sorts targets so that those whose block removes most come first.
func strongest(targets []Target, seen []detect.Suspect) {
	type pair struct {
		t Target
		s detect.Suspect
	}
	ps := make([]pair, len(targets))
	for i := range targets {
		ps[i] = pair{targets[i], seen[i]}
	}
	slices.SortStableFunc(ps, func(a, b pair) int { return cmp.Compare(b.s.Rate*b.s.Score, a.s.Rate*a.s.Score) })
	for i := range ps {
		targets[i], seen[i] = ps[i].t, ps[i].s
	}
}

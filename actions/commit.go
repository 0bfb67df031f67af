package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"levee/detect"
)

// Errors of Commit.
var (
	ErrPlanGone    = errors.New("the plan has expired or was committed already: plan it again")
	ErrNotYours    = errors.New("the plan is somebody else's: plan it yourself")
	ErrUnconfirmed = errors.New("not confirmed")
)

// RefusedError is the error of a Commit whose every target was refused after
// all.
type RefusedError struct{ Refusals []Refusal }

// Error names the first refusal and counts the others.
func (e *RefusedError) Error() string {
	if len(e.Refusals) == 0 {
		return "refused: nothing left to do"
	}
	s := "refused: " + e.Refusals[0].String()
	if n := len(e.Refusals) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// String is the refusal in one line: rule, value and mend.
func (r Refusal) String() string { return r.Rule + ": " + r.Value + "; " + r.Mend }

// Commit carries the plan behind token out: the guardrails once more, the
// intents on disk, then the enforcers' queues. It returns when the intents are
// on disk; what becomes of them is on the Board, see also Settled. actor must
// be the plan's own.
//
// For a request whose ID was committed before, it returns those decisions and
// does nothing.
func (d *Dispatcher) Commit(ctx context.Context, token string, actor Actor, a Answer) ([]Decision, error) {
	p, err := d.take(token, actor, a)
	if err != nil {
		return nil, err
	}
	if p.plan.Request.Verb == Unblock {
		return d.commitUndo(ctx, p, a)
	}
	rs, refused, before := d.reserve(p)
	if len(before) > 0 {
		return before, nil
	}
	if len(rs) == 0 {
		return nil, &RefusedError{refused}
	}
	entries := append(make([]Entry, 0, len(rs)+1), d.commitment(p, a, len(refused)))
	for _, r := range rs {
		entries = append(entries, Entry{Kind: Opened, At: r.created, Actor: r.actor, Decision: r.decision()})
	}
	if err := d.o.Ledger.Record(ctx, entries); err != nil {
		d.release(rs)
		d.nudge()
		d.notices.add(d.now(), "error", "nothing was done: "+err.Error())
		return nil, fmt.Errorf("%s: nothing was done: %w", p.plan.Request.Verb, err)
	}
	rs, late := d.claim(ctx, rs)
	if refused = append(refused, late...); len(rs) == 0 {
		d.nudge()
		return nil, &RefusedError{late}
	}
	out := d.dispatch(rs)
	if len(refused) > 0 {
		d.notices.add(d.now(), "warn", fmt.Sprintf("%d of %d targets were refused meanwhile, first %s: %s",
			len(refused), len(refused)+len(rs), refused[0].Target, refused[0]))
	}
	if a.BreakGlass && p.plan.Needs == ConfirmTwo {
		d.notices.add(d.now(), "warn", fmt.Sprintf("BREAK GLASS: %s did %s on %d targets without a second person",
			actor.Name, p.plan.Request.Verb, len(rs)))
	}
	d.nudge()
	return out, nil
}

// take checks the confirmation and takes the plan: it can be committed once.
func (d *Dispatcher) take(token string, actor Actor, a Answer) (*planned, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.plans[token]
	if p == nil || d.now().After(p.plan.Expires) {
		return nil, ErrPlanGone
	}
	own := p.plan.Request.Actor
	if actor.Name != own.Name || actor.Via != own.Via || actor.Key != own.Key {
		return nil, ErrNotYours
	}
	if err := actor.MayAct(); err != nil {
		return nil, err
	}
	if d.needs(&p.plan.Request, p.plan.Impact) != p.plan.Needs {
		return nil, fmt.Errorf("%w: %s has hit more since it was planned; plan it again", ErrUnconfirmed, actor.Name)
	}
	switch p.plan.Needs {
	case ConfirmTyped:
		if strings.TrimSpace(a.Typed) != p.plan.Type {
			return nil, fmt.Errorf("%w: type %q", ErrUnconfirmed, p.plan.Type)
		}
	case ConfirmTwo:
		if s := a.Second; s != nil {
			if s.Name == actor.Name || (s.Role != Operator && s.Role != Admin) || s.Via == Auto.Via {
				return nil, fmt.Errorf("%w: the second person must be another operator", ErrUnconfirmed)
			}
		} else if !a.BreakGlass {
			return nil, fmt.Errorf("%w: another operator must approve %d targets, or break the glass", ErrUnconfirmed, p.plan.Impact.Targets)
		}
	}
	delete(d.plans, token)
	d.hit(&p.plan)
	return p, nil
}

// needs is Guardrails.Needs with what the same person hit within the last
// minute: an act that was split must not pass with less than the whole. What
// was typed for, or approved, is not asked for again. The caller holds mu.
func (d *Dispatcher) needs(q *Request, i Impact) Confirmation {
	if s := d.hits[q.Actor.Name]; s != nil {
		i.Addresses = max(i.Addresses, i.Targets) + s.spent(d.now())
	}
	return d.guard.Needs(q.Actor, q.Verb, i)
}

// hit counts what a person's plan hits. The caller holds mu.
func (d *Dispatcher) hit(p *Plan) {
	q := &p.Request
	if q.Actor.Via == Auto.Via || (q.Verb != Block && q.Verb != Throttle && q.Verb != Harden) {
		return
	}
	if p.Needs != ConfirmKey {
		delete(d.hits, q.Actor.Name)
		return
	}
	s := d.hits[q.Actor.Name]
	if s == nil {
		fresh := newSpending(time.Minute)
		s = &fresh
		d.hits[q.Actor.Name] = s
	}
	s.spend(d.now(), max(p.Impact.Addresses, p.Impact.Targets))
}

// reserve makes the plan's decisions stand in memory, so that whoever commits
// the same target next is refused, before anything is written. before is what
// an earlier commit of the same request led to.
func (d *Dispatcher) reserve(p *planned) (rs []*record, refused []Refusal, before []Decision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := &p.plan.Request
	if ids := d.requests[q.ID]; len(ids) > 0 {
		return nil, nil, d.decisionsOf(ids)
	}
	if no := d.forbidden(q); no != nil {
		return nil, []Refusal{*no}, nil
	}
	c := d.newCheck(q)
	o := &origin{request: q.ID, verb: q.Verb, actor: q.Actor, reason: q.Reason, attack: q.Attack, incident: q.Incident, dryRun: d.o.DryRun, host: d.o.Host}
	if d.o.Peers != nil && q.Actor.Via == Auto.Via {
		o.term = d.o.Peers.Term()
	}
	for i, t := range q.Targets {
		if no := c.check(t, &p.seen[i]); no != nil {
			refused = append(refused, *no)
			continue
		}
		rs = append(rs, d.begin(o, q, t, &p.seen[i], c.now))
	}
	for _, r := range rs { // afterwards: check counts them itself
		d.insert(r)
	}
	d.decided += uint64(len(rs))
	d.minute.spend(c.now, c.blocks)
	d.hour.spend(c.now, c.scales)
	return rs, refused, nil
}

// begin returns the record of a new decision. The caller holds mu.
func (d *Dispatcher) begin(o *origin, q *Request, t Target, seen *detect.Suspect, now time.Time) *record {
	r := &record{origin: o, id: newID(), key: t.Key(), target: t, state: Intent, score: finite(max(q.Score, seen.Score)), evidence: q.Evidence,
		created: now, changed: now, ttl: q.TTL, predicts: finite(seen.Rate), usual: finite(seen.UsualShare), due: -1}
	if len(seen.Evidence) > 0 {
		r.evidence = make([]string, 0, len(seen.Evidence))
		for _, e := range seen.Evidence {
			r.evidence = append(r.evidence, e.Text)
		}
	}
	past, known := d.past[r.key]
	switch {
	case !o.verb.lasting():
		r.ttl = cmp.Or(r.ttl, coolDown)
	case o.verb == Allow: // without a TTL it stays until undone
	case r.ttl == 0 && r.auto():
		if known {
			r.ttl, r.returns = past.returning(now, d.o.AutoTTL, d.o.MaxTTL)
		} else {
			r.ttl = d.o.AutoTTL
		}
	case r.ttl == 0:
		r.ttl = d.o.TTL
	}
	if r.ttl > d.o.MaxTTL && o.verb != Allow {
		r.ttl = d.o.MaxTTL
	}
	if r.ttl > 0 {
		r.expires = now.Add(r.ttl)
	}
	return r
}

// finite returns f, or 0 for what no number is: the ledger keeps JSON.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// coolDown is how long an act that is done once stands on the board, and
// keeps auto mode from doing it again.
const coolDown = 10 * time.Minute

// release takes back what reserve did.
func (d *Dispatcher) release(rs []*record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range rs {
		d.unspent(r)
		r.state, r.end = Failed, Failed
		d.remove(r)
		d.inFlight--
		d.recent = d.recent[:len(d.recent)-1] // it never was
	}
	if len(rs) > 0 {
		delete(d.requests, rs[0].request)
	}
}

// dispatch queues written intents for the enforcers that take them.
func (d *Dispatcher) dispatch(rs []*record) []Decision {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Decision, 0, len(rs))
	for _, r := range rs {
		r.durable = true
		if r.verb == Allow {
			d.liftAllowed(r)
		}
		d.send(r) // or away again, when it was stopped meanwhile
		out = append(out, r.decision())
	}
	return out
}

// liftAllowed ends every block that an allowed prefix touches: the allow list
// always wins. The caller holds mu.
func (d *Dispatcher) liftAllowed(allow *record) {
	if !allow.target.Prefix.IsValid() {
		return
	}
	for _, r := range d.covering.hits(allow.target.Prefix) {
		d.lift(r, Undone, allow.actor, allow.actor.Name+" allowed "+allow.target.String())
	}
}

func (d *Dispatcher) commitment(p *planned, a Answer, refused int) Entry {
	q := &p.plan.Request
	c := &Commitment{Request: q.ID, Verb: q.Verb, Targets: len(q.Targets), Reason: q.Reason, Incident: q.Incident,
		Evidence: q.Evidence, Undoes: q.Undoes, Impact: p.plan.Impact, Refused: len(p.plan.Refusals) + refused,
		Needs: p.plan.Needs, Second: a.Second, BreakGlass: a.BreakGlass}
	for i, no := range p.plan.Refusals {
		if i == 5 {
			break
		}
		c.Refusals = append(c.Refusals, no.Target.String()+": "+no.String())
	}
	return Entry{Kind: Committed, At: d.now(), Actor: q.Actor, Commitment: c}
}

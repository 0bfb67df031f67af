package actions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// UndoFilter chooses decisions in force to undo at once. Empty fields choose
// all; at least one must be set.
type UndoFilter struct {
	Incident string
	By       string    // actor's name
	Request  string    // the request they came from
	Since    time.Time // begun at or after
}

// PlanUndo plans the undo of a decision in force: a block is lifted, servers
// added are taken away again.
func (d *Dispatcher) PlanUndo(ctx context.Context, id string, actor Actor) (Plan, error) {
	d.mu.Lock()
	r := d.records[id]
	var q Request
	if r != nil {
		q = Request{Verb: Unblock, Targets: []Target{r.target}, Actor: actor, Reason: "undo " + id,
			Attack: r.attack, Incident: r.incident, Undoes: id}
		switch r.verb {
		case ScaleUp:
			q.Verb = ScaleDown
		case ScaleDown:
			q.Verb = ScaleUp
		}
	}
	d.mu.Unlock()
	if r == nil {
		return Plan{}, fmt.Errorf("undo %s: it has ended already, or never was; see levee decisions", id)
	}
	if r.verb == Notify {
		return Plan{}, fmt.Errorf("undo %s: a message that was sent can't be undone", id)
	}
	return d.Plan(ctx, q)
}

// ErrNoMatch is in the error of UndoMany when there is nothing to undo.
var ErrNoMatch = errors.New("no decision in force matches")

// UndoMany plans the undo of every block, throttle and harden in force that f
// chooses.
func (d *Dispatcher) UndoMany(ctx context.Context, f UndoFilter, actor Actor) (Plan, error) {
	if f == (UndoFilter{}) {
		return Plan{}, fmt.Errorf("undo many: say which, by incident, actor or time")
	}
	q := Request{Verb: Unblock, Actor: actor, Incident: f.Incident}
	d.mu.Lock()
	var rs []*record
	for _, r := range d.records {
		if r.end == "" && r.verb.lasting() && r.verb != Allow &&
			(f.Incident == "" || r.incident == f.Incident) && (f.By == "" || r.actor.Name == f.By) &&
			(f.Request == "" || r.request == f.Request) && !r.created.Before(f.Since) {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(x, y *record) int { return cmp.Or(x.created.Compare(y.created), cmp.Compare(x.id, y.id)) })
	for _, r := range rs {
		q.Targets, q.Only = append(q.Targets, r.target), append(q.Only, r.id)
	}
	d.mu.Unlock()
	if len(q.Targets) == 0 {
		return Plan{}, fmt.Errorf("undo many: %w", ErrNoMatch)
	}
	q.Reason = f.reason(rs[0].reason)
	return d.Plan(ctx, q)
}

// reason says what f chooses; because is why the first of those was decided.
func (f UndoFilter) reason(because string) string {
	if f.Request != "" {
		return "undo of: " + because
	}
	words := []string{"undo of what was done"}
	if f.By != "" {
		words = append(words, "by "+f.By)
	}
	if f.Incident != "" {
		words = append(words, "about "+f.Incident)
	}
	if f.Since.Unix() > 0 {
		words = append(words, "since "+f.Since.UTC().Format("15:04:05")+" UTC")
	}
	return strings.Join(words, " ")
}

// widenUnblock puts in place of a prefix that is not blocked itself whatever
// is blocked inside it. The caller holds mu.
func (d *Dispatcher) widenUnblock(q *Request) {
	out := make([]Target, 0, len(q.Targets))
	for _, t := range q.Targets {
		n := len(out)
		if t.Prefix.IsValid() && len(d.standingOn(t, "", nil)) == 0 {
			known := map[netip.Prefix]bool{}
			for _, r := range d.covering.inside(t.Prefix) {
				if p := r.target.Prefix; !known[p] { // a throttle and a block of it end together
					known[p] = true
					out = append(out, r.target)
				}
			}
		}
		if len(out) == n {
			out = append(out, t)
		}
	}
	q.Targets = out
}

// commitUndo lifts what the plan names: first on disk, then at the enforcers.
func (d *Dispatcher) commitUndo(ctx context.Context, p *planned, a Answer) ([]Decision, error) {
	q := &p.plan.Request
	d.mu.Lock()
	var rs []*record
	only := onlyThese(q)
	for _, t := range q.Targets {
		rs = append(rs, d.standingOn(t, q.Undoes, only)...)
	}
	now := d.now()
	entries := []Entry{d.commitment(p, a, 0)}
	for _, r := range rs {
		// On disk the decision ends now: should levee die before the enforcers
		// were told, the next start lifts it.
		r.ending++
		x := r.decision()
		x.EndedBy, x.Expires = q.Actor.Name, now
		entries = append(entries, Entry{Kind: Changed, At: now, Actor: q.Actor, Decision: x})
	}
	d.mu.Unlock()
	if len(rs) == 0 {
		return nil, &RefusedError{[]Refusal{{Rule: "not_blocked", Value: "it ended meanwhile", Mend: "nothing to do"}}}
	}
	if err := d.writeInOrder(ctx, entries); err != nil {
		d.mu.Lock()
		d.endWritten(rs)
		d.mu.Unlock()
		d.notices.add(d.now(), "error", "nothing was undone: "+err.Error())
		return nil, fmt.Errorf("unblock: nothing was done: %w", err)
	}
	d.mu.Lock()
	out := make([]Decision, 0, len(rs))
	for _, r := range rs {
		switch {
		case d.records[r.id] != r:
			// It ended by itself, and the undo took it for standing: its end is
			// written once more. What a person wanted holds all the same.
			r.owes = true
			if byPerson(q.Actor) && (r.verb == Block || r.verb == Throttle) {
				d.exempt.add(r.key, d.now().Add(d.o.Exempt))
			}
		case r.end == "":
			d.lift(r, Undone, q.Actor, q.Actor.Name)
		case r.end == Expired: // its TTL ended while this was written down
			ender := q.Actor
			r.end, r.ender, r.endedBy = Undone, &ender, q.Actor.Name
		}
		out = append(out, r.decision())
	}
	d.endWritten(rs)
	d.mu.Unlock()
	d.nudge()
	return out, nil
}

// endWritten is called when the undo of rs is on disk or has failed: what they
// went through meanwhile follows it there. The caller holds mu.
func (d *Dispatcher) endWritten(rs []*record) {
	now := d.now()
	for _, r := range rs {
		if r.ending--; r.ending > 0 || !r.owes {
			continue
		}
		r.owes = false
		by := r.actor
		if r.ender != nil {
			by = *r.ender
		}
		d.changed(r, now, by)
	}
}

// onlyThese is Request.Only as a set; nil chooses all.
func onlyThese(q *Request) map[string]bool {
	if len(q.Only) == 0 {
		return nil
	}
	only := make(map[string]bool, len(q.Only))
	for _, id := range q.Only {
		only[id] = true
	}
	return only
}

// standingOn returns what an unblock of t ends. The caller holds mu.
func (d *Dispatcher) standingOn(t Target, undoes string, only map[string]bool) []*record {
	var out []*record
	if undoes != "" {
		if r := d.records[undoes]; r != nil && r.end == "" && r.durable {
			out = append(out, r)
		}
		return out
	}
	for _, v := range hitting {
		if r := d.standing[place(v, t.Key())]; r != nil && r.end == "" && r.durable && (only == nil || only[r.id]) {
			out = append(out, r)
		}
	}
	return out
}

// lift begins the end of r: it is taken from the enforcers, and when they have
// let go its state becomes end. While r's intent is still being written nothing
// was sent that could be taken back: Commit sees its end when it is on disk.
// The caller holds mu.
func (d *Dispatcher) lift(r *record, end State, ender Actor, by string) {
	if r.end != "" {
		return
	}
	r.end, r.ender, r.endedBy, r.tries = end, &ender, by, 0
	d.due.schedule(r)
	if r.durable {
		d.send(r)
	}
}

// Settled waits until the enforcers have answered for every decision named, or
// ctx ends, and returns them as they are then.
func (d *Dispatcher) Settled(ctx context.Context, ids ...string) ([]Decision, error) {
	for {
		d.mu.Lock()
		waits := slices.ContainsFunc(ids, func(id string) bool {
			r := d.records[id]
			return r != nil && (r.pending != 0 || r.state == Intent || r.end != "" && r.tries == 0)
		})
		ds := d.decisionsOf(ids)
		if d.moved == nil {
			d.moved = make(chan struct{})
		}
		moved := d.moved
		d.mu.Unlock()
		if !waits {
			return ds, nil
		}
		select {
		case <-ctx.Done():
			return ds, ctx.Err()
		case <-moved:
		}
	}
}

// decisionsOf returns decisions by ID, in force or ended. The caller holds mu.
func (d *Dispatcher) decisionsOf(ids []string) []Decision {
	var out []Decision
	for _, id := range ids {
		if r := d.records[id]; r != nil {
			out = append(out, r.decision())
		} else if i := slices.IndexFunc(d.recent, func(x Decision) bool { return x.ID == id }); i >= 0 {
			out = append(out, d.recent[i])
		}
	}
	return out
}

package actions

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"levee/detect"
)

// forbidden returns the rule that forbids r as a whole, or nil. The caller
// holds mu.
func (d *Dispatcher) forbidden(r *Request) *Refusal {
	t := Target{}
	if len(r.Targets) > 0 {
		t = r.Targets[0]
	}
	if r.Actor.Role != Operator && r.Actor.Role != Admin {
		return &Refusal{Target: t, Rule: "role", Value: fmt.Sprintf("%s is a %s", r.Actor.Name, orNobody(r.Actor.Role)),
			Mend: "ask an operator, or give the user the role operator in levee.yaml"}
	}
	if r.Actor.Via != Auto.Via {
		return nil
	}
	if s := &d.switches; !s.Armed {
		return &Refusal{Target: t, Rule: "disarmed", Value: "automation was stopped by " + s.By, Mend: "arm it again: A in the console"}
	} else if !s.AutoOn {
		return &Refusal{Target: t, Rule: "disarmed", Value: "auto mode is off", Mend: "switch it on: A in the console"}
	}
	if d.o.Peers != nil {
		if why := d.o.Peers.Hold(); why != "" {
			return &Refusal{Target: t, Rule: "leader", Value: why, Mend: "nothing: the leader hears of it"}
		}
	}
	if r.Verb == Unblock || r.Verb == ScaleDown {
		return nil // undoing is always safe
	}
	if stale, age := d.stale(); stale {
		value := "there is no data yet"
		if age >= 0 {
			value = fmt.Sprintf("the data is %s old, the limit is %s", age.Round(time.Second), d.o.StaleAfter)
		}
		return &Refusal{Target: t, Rule: "stale", Value: value, Mend: "look at the sources; what stands is kept"}
	}
	return nil
}

// MayAct returns a RefusedError when a's role may only look.
func (a Actor) MayAct() error {
	if a.Role == Operator || a.Role == Admin {
		return nil
	}
	return &RefusedError{[]Refusal{{Rule: "role", Value: fmt.Sprintf("%s is a %s", a.Name, orNobody(a.Role)), Mend: "ask an operator"}}}
}

func orNobody(r Role) Role {
	if r == "" {
		return "nobody known"
	}
	return r
}

// check goes through the targets of one request and counts what they spend.
type check struct {
	d         *Dispatcher
	r         *Request
	now       time.Time
	operators []netip.Addr
	blocks    int
	scales    int
	usual     float64
	only      map[string]bool // see Request.Only
}

// newCheck begins a check of r. The caller holds mu until it ended.
func (d *Dispatcher) newCheck(r *Request) *check {
	c := &check{d: d, r: r, now: d.now(), only: onlyThese(r)}
	if d.o.Operators != nil {
		c.operators = d.o.Operators()
	}
	return c
}

// check returns why t may not be acted upon, or nil. seen may be zero.
func (c *check) check(t Target, seen *detect.Suspect) *Refusal {
	d, auto := c.d, c.r.Actor.Via == Auto.Via
	if c.r.Verb == Unblock {
		return c.unblock(t)
	}
	if c.r.Verb == Allow {
		return c.duplicate(t)
	}
	if c.r.Verb == Block && !t.Prefix.IsValid() {
		return &Refusal{Target: t, Rule: "bad_target", Value: t.String() + " is no address or prefix", Mend: "throttle it instead"}
	}
	if no := d.guards(t, c.r.Actor, seen, c.operators); no != nil {
		return no
	}
	if no := c.duplicate(t); no != nil {
		return no
	}
	if auto {
		if no := c.autoOnly(t, seen); no != nil {
			return no
		}
	}
	if no := d.nobodyTakes(c.r, t); no != nil {
		return no
	}
	return c.budget(t, seen, auto)
}

// guards applies the rules that hold at plan, at commit and again right before
// something is sent. The caller holds mu.
func (d *Dispatcher) guards(t Target, actor Actor, seen *detect.Suspect, operators []netip.Addr) *Refusal {
	if no := d.guard.Check(t, actor, seen); no != nil {
		return no
	}
	p := t.Prefix
	if !p.IsValid() {
		return nil
	}
	if text, ok := touches(d.allowed, p); ok {
		return &Refusal{Target: t, Rule: "allow_list", Value: text, Mend: "undo that first: levee unblock --decision with that ID"}
	}
	for _, a := range operators {
		if p.Contains(a.Unmap()) {
			return &Refusal{Target: t, Rule: "own_address", Value: a.Unmap().String() + " is where an operator is connected from",
				Mend: "act when they have left, or by signature"}
		}
	}
	if d.o.Facts != nil {
		return d.guard.CheckFacts(t, d.o.Facts(p.Addr()))
	}
	return nil
}

func (c *check) unblock(t Target) *Refusal {
	d := c.d
	if c.r.Undoes != "" {
		if r := d.records[c.r.Undoes]; r != nil && r.end == "" {
			return nil
		}
		return &Refusal{Target: t, Rule: "not_blocked", Value: c.r.Undoes + " has ended already", Mend: "nothing to do"}
	}
	for _, v := range hitting {
		if r := d.standing[place(v, t.Key())]; r != nil && r.end == "" && (c.only == nil || c.only[r.id]) {
			return nil
		}
	}
	no := &Refusal{Target: t, Rule: "not_blocked", Value: t.String() + " is not blocked", Mend: "nothing to do"}
	if t.Prefix.IsValid() {
		if r := d.standing[place(Allow, t.Key())]; r != nil && r.end == "" {
			no.Value = fmt.Sprintf("%s is not blocked, %s allowed it", t, r.actor.Name)
			no.Mend = "levee unblock --decision " + r.id + " takes the allow back"
		} else if r, ok := d.covering.narrowest(t.Prefix, hitting[:]...); ok && r.target.Key() != t.Key() { // not one that is being lifted
			no.Value = fmt.Sprintf("%s itself is not blocked, %s is, by %s", t, r.target, r.actor.Name)
			no.Mend = fmt.Sprintf("unblock %s, or allow %s", r.target, t)
		}
	}
	return no
}

func (c *check) duplicate(t Target) *Refusal {
	d := c.d
	r := d.standing[place(c.r.Verb, t.Key())]
	if r == nil && c.r.Verb == Block && t.Prefix.IsValid() {
		// A wider block covers it already.
		if wide, ok := d.covering.narrowest(t.Prefix, Block); ok {
			r = wide
		}
	}
	if r == nil || (!c.r.Verb.lasting() && c.r.Actor.Via != Auto.Via) {
		return nil
	}
	value := fmt.Sprintf("%s: %s by %s since %s", r.target, r.verb, r.actor.Name, r.created.UTC().Format("15:04:05"))
	if !r.expires.IsZero() {
		value += ", ends " + r.expires.UTC().Format("15:04:05") + " UTC"
	}
	mend := "levee unblock --decision " + r.id + " lifts it"
	if r.verb == Block {
		mend = "unblock " + r.target.String() + " first to change it"
	}
	return &Refusal{Target: t, Rule: "duplicate", Value: value, Mend: mend}
}

func (c *check) autoOnly(t Target, seen *detect.Suspect) *Refusal {
	if until, ok := c.d.exempt.until(t, c.now); ok {
		return &Refusal{Target: t, Rule: "exempt", Value: "a person unblocked it; auto mode leaves it alone until " + until.UTC().Format("15:04:05") + " UTC",
			Mend: "block it yourself"}
	}
	if t.Prefix.IsValid() && !seen.MayAct {
		return &Refusal{Target: t, Rule: "may_act", Value: "it was seen only by sources with may_act: false",
			Mend: "block it yourself, or set may_act: true for a source that can be trusted"}
	}
	if t.Signature != nil && c.r.Verb == Throttle && c.d.o.Traffic != nil {
		if in := openWith(c.d.o.Traffic.Snapshot().Incidents, t); in != nil {
			return c.d.guard.tooBroad(t, in)
		}
	}
	return nil
}

func (d *Dispatcher) nobodyTakes(r *Request, t Target) *Refusal {
	if r.Verb == Notify || d.o.DryRun {
		return nil
	}
	probe := Decision{Verb: r.Verb, Target: t, Actor: r.Actor, Attack: r.Attack, Host: d.o.Host}
	for _, l := range d.lanes {
		if d.takes(l, &probe) {
			return nil
		}
	}
	if r.Verb == ScaleDown {
		return &Refusal{Target: t, Rule: "enforcer", Value: "no enforcer takes scale_down of " + t.String() + ": its servers can't be taken away from here",
			Mend: "give scale_down under actions: jenkins: jobs: in levee.yaml, or take them away by hand"}
	}
	if why := d.excuses(probe); len(why) > 0 {
		return &Refusal{Target: t, Rule: "enforcer", Value: fmt.Sprintf("no enforcer takes %s of %s: %s", r.Verb, t, strings.Join(why, "; ")),
			Mend: "give a job for " + string(r.Verb) + " under actions: jenkins: jobs: in levee.yaml"}
	}
	can := "a job for it under jenkins: jobs:, or a webhook"
	switch r.Verb {
	case ScaleUp:
		can = "a job for scale_up under jenkins: jobs:"
	case Block:
		can = "nft, a denylist, a job for it under jenkins: jobs:, or a webhook"
	case Throttle:
		can = "a denylist of style nginx-map or haproxy-map, a job for it under jenkins: jobs:, or a webhook"
	}
	return &Refusal{Target: t, Rule: "enforcer", Value: fmt.Sprintf("no enforcer takes %s of %s", strings.ReplaceAll(string(r.Verb), "_", " "), t),
		Mend: "under actions: in levee.yaml give " + can}
}

// excuses are why enforcers leave x to others, each with the enforcer's name.
func (d *Dispatcher) excuses(x Decision) []string {
	var out []string
	for _, l := range d.lanes {
		if e, ok := l.enforcer.(Excuser); ok {
			if why := e.WhyNot(x); why != "" {
				out = append(out, l.enforcer.Name()+": "+why)
			}
		}
	}
	return out
}

// budget refuses what would spend too much, and counts what passes.
func (c *check) budget(t Target, seen *detect.Suspect, auto bool) *Refusal {
	d, b := c.d, c.d.budget
	if !auto {
		b = d.o.Budget // a person answers for more than this host's share
	}
	refuse := func(key string, spent, limit any) *Refusal {
		return &Refusal{Target: t, Rule: "budget", Value: fmt.Sprintf("%s is spent: %v of %v", key, spent, limit),
			Mend: "wait, undo some, or raise auto.budget." + key + " in levee.yaml"}
	}
	switch c.r.Verb {
	case Block:
		if n := d.minute.spent(c.now) + c.blocks; n >= b.BlocksPerMinute {
			return refuse("blocks_per_minute", n, b.BlocksPerMinute)
		}
		if n := d.blocks + c.blocks; n >= b.ActiveBlocks {
			return refuse("active_blocks", n, b.ActiveBlocks)
		}
		// A person answers for the usual traffic by typing, or with a second
		// person; auto mode has this limit instead.
		if u := d.usual + c.usual; auto && u+seen.UsualShare > b.UsualShare {
			return refuse("usual_share", fmt.Sprintf("%.2f%%", 100*u), fmt.Sprintf("%.2f%%", 100*b.UsualShare))
		}
		c.blocks++
		c.usual += seen.UsualShare
	case ScaleUp:
		if n := d.hour.spent(c.now) + c.scales; auto && n >= b.ScaleUpsPerHour {
			return refuse("scale_ups_per_hour", n, b.ScaleUpsPerHour)
		}
		c.scales++
	}
	return nil
}

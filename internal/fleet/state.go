package fleet

import (
	"fmt"
	"time"
)

// State is how this host sees its fleet, for people.
type State struct {
	Name, Host string
	Leader     string // "" nobody
	Term       uint64
	Leads      bool
	Hosts      []string // that are there, this one included
	Lately     int      // with those that may be without being heard
	Alone      bool     // the others can't be reached
	Since      time.Time
	Why        string // why it is alone, in one line
	Waiting    int    // what the others have to learn still
	Bad        uint64 // records that were refused
	Notes      []string
}

// State returns how it stands now.
func (n *Node) State() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	s := State{Name: n.o.Name, Host: n.o.Host, Leads: n.leads(now), Hosts: n.seen(now), Lately: n.countLately(now),
		Alone: !n.alone.since.IsZero(), Since: n.alone.since, Why: n.alone.why, Bad: n.bad.count}
	for _, w := range n.out {
		if !w.quiet() {
			s.Waiting++
		}
	}
	if l := n.lease.rec; l != nil {
		s.Term = l.Term
		if l.Host == n.o.Host && s.Leads || l.Host != n.o.Host && now.Sub(n.lease.moved) < n.seenFor() {
			s.Leader = l.Host
		}
	}
	for _, name := range s.Hosts {
		if h := n.hosts[name]; h != nil && name != n.o.Host && h.ahead.Abs() > askewMost {
			s.Notes = append(s.Notes, fmt.Sprintf("the clock of %s is %s off: mend NTP there or here", name, h.ahead.Round(time.Second)))
		}
	}
	if now.Sub(n.bad.twin) < n.seenFor() {
		s.Notes = append(s.Notes, "another levee calls itself "+n.o.Host+" too: give each host its own fleet.host")
	}
	if n.bad.count > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d records were refused, the last one: %s", n.bad.count, n.bad.last))
	}
	return s
}

// bad are the records that were refused.
type bad struct {
	count uint64
	last  string
	at    time.Time
	told  time.Time
	fresh bool
	twin  time.Time // when another host of this name was heard last
}

// note counts one. The caller holds mu.
func (b *bad) note(now time.Time, d Doc, err error) {
	b.count++
	b.last, b.at = fmt.Sprintf("%s: %s", d.ID, err), now
	b.fresh = true
}

// untold returns the last one in a line, once an hour. The caller holds mu.
func (b *bad) untold() string {
	if !b.fresh || !b.told.IsZero() && b.at.Sub(b.told) < time.Hour {
		return ""
	}
	b.fresh, b.told = false, b.at
	return "a record of the fleet was refused and nothing was done: " + b.last + "; look who may write the index"
}

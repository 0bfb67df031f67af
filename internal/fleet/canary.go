package fleet

import (
	"context"
	"fmt"
	"time"

	"levee/actions"
)

// canary is an incident whose automatic blocks stand on the leader alone, so
// far or no more.
type canary struct {
	until  time.Time
	ids    map[string]bool // documents of what stands there
	fell   bool            // auto mode took some of it back: it cost usual traffic
	passed bool
}

// canaryLasts is how long what was learnt of an incident holds after its watch.
const canaryLasts = time.Hour

// canaryFor returns the only host that is to enforce d for now, "" when all
// are. The caller holds mu.
func (n *Node) canaryFor(d *actions.Decision, id string, now time.Time) string {
	if n.o.Canary <= 0 || d.Incident == "" || !lasting(d.Verb) || len(n.seen(now)) < 2 {
		return ""
	}
	c := n.canary[d.Incident]
	if c == nil || c.passed && now.Sub(c.until) > canaryLasts {
		c = &canary{until: now.Add(n.o.Canary), ids: map[string]bool{}}
		n.canary[d.Incident] = c
	}
	if c.passed && !c.fell {
		return ""
	}
	c.ids[id] = true
	return n.o.Host
}

// Canary says in words what becomes of an automatic act of that incident, ""
// when it goes to all hosts at once.
func (n *Node) Canary(incident string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if n.o.Canary <= 0 || incident == "" || !n.joined || len(n.seen(now)) < 2 {
		return ""
	}
	c := n.canary[incident]
	if c != nil && c.passed && !c.fell {
		return ""
	}
	return fmt.Sprintf("canary: %s alone for %s, then all %d hosts", n.o.Host, n.o.Canary, len(n.seen(now)))
}

// canaryEnded hears that d was ended before its time: by auto mode while it
// was watched, it did harm. The caller holds mu.
func (n *Node) canaryEnded(d *actions.Decision) {
	if c := n.canary[d.Incident]; c != nil && !c.passed && d.EndedBy == actions.Auto.Name {
		c.fell = true
	}
}

// takeOver starts the canaries of a leader that is gone over on this host. The
// caller holds mu.
func (n *Node) takeOver(now time.Time) {
	for id, h := range n.known {
		if r := h.rec; r != nil && r.Kind == OfPlace && r.Only != "" && r.Only != n.o.Host && r.stands(now) {
			c := n.canary[r.Decision.Incident]
			if c == nil || c.passed {
				c = &canary{until: now.Add(n.o.Canary), ids: map[string]bool{}}
				n.canary[r.Decision.Incident] = c
			}
			c.ids[id] = true
			n.wanted(id).over = true
			n.retry[id] = true
		}
	}
}

// widen extends what stood its watch on the canary to all hosts, and writes down
// what became of it.
func (n *Node) widen(ctx context.Context) {
	n.mu.Lock()
	now := n.now()
	type outcome struct{ incident, text string }
	var told []outcome
	for incident, c := range n.canary {
		switch {
		case c.passed && now.Sub(c.until) > canaryLasts:
			delete(n.canary, incident)
		case c.passed || now.Before(c.until) || !n.leads(now):
		case c.fell:
			c.passed = true
			told = append(told, outcome{incident, fmt.Sprintf("the canary of %s lost usual traffic: its blocks stay off the other hosts", incident)})
		default:
			c.passed = true
			count := 0
			for id := range c.ids {
				if h := n.known[id]; h != nil && h.rec != nil && h.rec.Only != "" && h.rec.stands(now) {
					n.wanted(id).widen = true
					count++
				}
			}
			c.ids = nil
			told = append(told, outcome{incident, fmt.Sprintf("the canary of %s kept its usual traffic: %d acts go to all hosts", incident, count)})
			n.nudge()
		}
	}
	n.mu.Unlock()
	for _, x := range told {
		n.tell("info", x.text)
		if n.o.Note != nil {
			n.o.Note(ctx, "canary "+x.incident, x.text)
		}
	}
}

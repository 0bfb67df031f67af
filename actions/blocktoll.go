package actions

import (
	"slices"
	"time"

	"levee/detect"
)

// watchBlocks looks at what the blocks of the last rollBackWithin cost the
// usual clients in them, each within its service, and notes those that must be
// taken back. Nearly all have none, and are looked at once.
func (a *Autopilot) watchBlocks(now time.Time, seen *detect.Snapshot, clients Clientele) {
	for _, service := range sortedKeys(a.covered) {
		c := a.covered[service]
		a.lookInto(c, clients)
		c.dear = slices.DeleteFunc(c.dear, func(st *stood) bool { return now.Sub(st.began) > rollBackWithin || !a.inForce(st) })
		if len(c.dear) == 0 {
			continue
		}
		list := make([]*detect.Clients, len(c.dear))
		for i, st := range c.dear {
			list[i] = st.covers
		}
		for i, h := range clients.Heard(list) {
			st := c.dear[i]
			in := openIncident(seen.Incidents, st.incident)
			if in != nil && a.cleared[st.target.Key()] != in.ID && a.tooDear(st.covers, service, seen.Services) {
				a.watchBlock(now, st, in, h)
			}
		}
	}
}

func (a *Autopilot) watchBlock(now time.Time, st *stood, in *detect.Incident, h detect.Heard) {
	t := st.toll
	if t == nil || t.stale(in.Usual, h) {
		st.toll = &toll{incident: in.ID, from: now, mark: in.Usual, clients: st.covers, heard: h}
		return
	}
	if r, ok := t.read(now, in.Usual, h); t.fell(now, r, ok) {
		why := t.words(now, r)
		a.takeBack = append(a.takeBack, taking{st, why})
		a.restFor(now, st, why, toll{incident: in.ID, from: now, mark: in.Usual, clients: st.covers, heard: h})
		st.toll = nil
	}
}

// lookInto finds the usual clients in blocks that just began. Whoever came to a
// prefix later is not counted: by then nobody can say who of those that attacked
// from it only paused.
func (a *Autopilot) lookInto(c *cover, clients Clientele) {
	if len(c.fresh) == 0 {
		return
	}
	blocks := make([]detect.Cover, len(c.fresh))
	for i, st := range c.fresh {
		blocks[i] = detect.Cover{Prefix: st.target.Prefix, Incident: st.incident}
	}
	for i, found := range clients.Covered(blocks) {
		if st := c.fresh[i]; found != nil {
			st.covers = found
			c.dear = append(c.dear, st)
		}
	}
	c.fresh = nil
}

// attackIn reports whether requests/s from a prefix are far more than its usual
// clients make.
func attackIn(c *detect.Clients, rate float64) bool { return rate > 3*c.Usual+1 }

// tooDear reports whether a block is worth taking back for the sake of the
// usual clients in it: when nothing but they was in it, or when they carry more
// of their service's usual traffic than auto mode may touch. Else a bystander
// would open the gates to a botnet that lives around them.
func (a *Autopilot) tooDear(c *detect.Clients, service string, services []detect.Service) bool {
	if !attackIn(c, c.Rate) {
		return true
	}
	for i := range services {
		if s := &services[i]; s.Name == service {
			return s.Baseline > 0 && c.Usual > a.o.Budget.UsualShare*s.Baseline
		}
	}
	return false
}

package actions

import (
	"container/heap"
	"fmt"
	"net/netip"
	"time"

	"levee/detect"
)

const (
	// fresh is how long a wish is good for: a source that goes on is reported
	// again within 60 s.
	fresh = 90 * time.Second
	// answered is how long an answer to a request may take before the source
	// may be asked for again.
	answered = time.Minute
)

// Tick returns what auto mode asks for at now, within its budgets and best
// first. Each request has targets of one incident and their Seen.
func (a *Autopilot) Tick(now time.Time) []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.After(a.now) {
		a.now = now
	}
	a.giveUpWaiting(a.now)
	if a.held != "" {
		a.renewals = nil
		return nil
	}
	var out gathered
	a.rollBack(&out)
	a.takeBackEach(&out)
	a.renew(&out)
	a.block(&out)
	a.steps(&out)
	a.scaleDown(&out)
	return out.requests
}

// gathered puts targets that belong together into one request.
type gathered struct {
	requests []Request
	at       map[gatherKey]int
}

type gatherKey struct {
	verb              Verb
	service, incident string
	attack            detect.Attack
	renewal           bool
	id                string // of the decision that is taken back, where each has its own reason
}

func (g *gathered) add(k gatherKey, t Target, s *detect.Suspect, reason string, evidence []detect.Evidence) *Request {
	if g.at == nil {
		g.at = map[gatherKey]int{}
	}
	i, ok := g.at[k]
	if !ok || len(g.requests[i].Targets) >= mostInBatch {
		i = len(g.requests)
		g.at[k] = i
		g.requests = append(g.requests, Request{Verb: k.verb, Actor: Auto, Reason: reason, Attack: k.attack,
			Incident: k.incident, Score: s.Score, Evidence: words(evidence)})
	}
	r := &g.requests[i]
	r.Targets = append(r.Targets, t)
	r.Seen = append(r.Seen, *s)
	return r
}

func (a *Autopilot) renew(out *gathered) {
	for _, st := range a.renewals {
		out.add(gatherKey{verb: Block, service: st.service, incident: st.incident, attack: st.attack, renewal: true}, st.target, st.seen, "it goes on", st.seen.Evidence)
	}
	a.renewals = nil
}

// block takes the heaviest wishes while the budgets last.
func (a *Autopilot) block(out *gathered) {
	now, b := a.now, a.o.Budget
	var put []*wish
	for a.ready.Len() > 0 {
		w := a.ready.list[0]
		if now.Sub(w.last) > fresh {
			a.forget(w.s.Key.Masked())
			continue
		}
		if now.Before(w.notBefore) || a.resting(w.s.Service) || a.spared(w.s) {
			put = append(put, heap.Pop(&a.ready).(*wish))
			continue
		}
		minute, active := a.minute.spent(now), a.nStanding+len(a.asked)
		if minute >= b.BlocksPerMinute || active >= b.ActiveBlocks || !a.worth(w, minute, active) {
			break
		}
		key := w.s.Key.Masked()
		a.forget(key)
		if a.usual+w.s.UsualShare > b.UsualShare {
			a.refused.note(now, "budget", fmt.Sprintf("usual_share: %s carries %.2f%% of usual traffic, %.2f%% of %.2f%% is spent",
				w.s.Key, 100*w.s.UsualShare, 100*a.usual, 100*b.UsualShare))
			continue
		}
		a.ask(w, now)
		out.add(gatherKey{verb: Block, service: w.s.Service, incident: w.s.Incident, attack: w.s.Attack}, Target{Prefix: key}, w.s,
			string(w.s.Attack)+" on "+w.s.Service, w.s.Evidence)
	}
	for _, w := range put {
		heap.Push(&a.ready, w)
	}
}

// worth keeps part of the budgets for what may still come. The second half of
// the minute's is given out over half a minute, and the last tenth of what may
// stand only for a reason; a source at least twice as heavy as those the
// budget went to so far takes it at once. So a crowd of light decoys can't
// spend what the heavy ones need, and equal members of a botnet still get all
// of it.
func (a *Autopilot) worth(w *wish, minute, active int) bool {
	if minute == 0 {
		return true
	}
	mean := float64(a.weights.spent(a.now)) / 1000 / float64(minute)
	if w.weight() >= 2*mean {
		return true
	}
	if active >= a.o.Budget.ActiveBlocks*9/10 && w.weight() < mean/2 {
		return false
	}
	half := a.o.Budget.BlocksPerMinute / 2
	return minute < half || a.minute.thisSlot(a.now) < max(1, half/30)
}

func (a *Autopilot) ask(w *wish, now time.Time) {
	a.asked[w.s.Key.Masked()] = w
	w.first = now
	a.askedAt = append(a.askedAt, w)
	a.minute.spend(now, 1)
	w.cost = int(1000 * w.weight())
	a.weights.spend(now, w.cost)
}

// unask forgets that a block was asked for, since nothing came of it: what is
// refused must not spend what others need.
func (a *Autopilot) unask(p netip.Prefix) {
	if w := a.asked[p]; w != nil {
		delete(a.asked, p)
		a.minute.giveBack(w.first, 1)
		a.weights.giveBack(w.first, w.cost)
	}
}

// giveUpWaiting forgets requests that were never answered.
func (a *Autopilot) giveUpWaiting(now time.Time) {
	n := 0
	for n < len(a.askedAt) && now.Sub(a.askedAt[n].first) > answered {
		w := a.askedAt[n]
		if key := w.s.Key.Masked(); a.asked[key] == w {
			delete(a.asked, key)
		}
		n++
	}
	if a.askedAt = a.askedAt[n:]; len(a.askedAt) == 0 {
		a.askedAt = nil
	}
}

func words(es []detect.Evidence) []string {
	out := make([]string, 0, len(es))
	for _, e := range es {
		out = append(out, e.Text)
	}
	return out
}

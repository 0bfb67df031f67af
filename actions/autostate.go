package actions

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// refusals are the rules that said no lately, each with its newest value.
type refusals struct{ last map[string]refusalNote }

type refusalNote struct {
	at    time.Time
	value string
	count int
}

func (r *refusals) note(at time.Time, rule, value string) {
	if r.last == nil {
		r.last = map[string]refusalNote{}
	}
	n := r.last[rule]
	if at.Sub(n.at) > time.Minute {
		n.count = 0
	}
	r.last[rule] = refusalNote{at, value, n.count + 1}
}

// State says what auto mode may do, has done and would do next.
func (a *Autopilot) State() AutoState {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := AutoState{On: a.held == "", Armed: true, Level: a.o.Level, Services: maps.Clone(a.o.Services), Budget: a.o.Budget,
		Used: Used{BlocksLastMinute: a.minute.spent(a.now), ActiveBlocks: a.nStanding, UsualShare: max(0, a.usual),
			ScaleUpsLastHour: a.hour.spent(a.now)}}
	s.Next = a.next()
	s.Why = a.why()
	return s
}

// next says what it would do, heaviest first.
func (a *Autopilot) next() []string {
	var out []string
	for _, q := range []*wishes{&a.ready, &a.suggested} {
		// The first few of the heap's list are heavy, and its head the heaviest.
		top := slices.Clone(q.list[:min(len(q.list), 3)])
		slices.SortFunc(top, func(x, y *wish) int { return cmp.Compare(y.weight(), x.weight()) })
		for _, w := range top {
			if a.now.Sub(w.last) > fresh {
				continue
			}
			line := fmt.Sprintf("block %s for %s: %.0f requests/s, score %.0f", Target{Prefix: w.s.Key}, w.s.Attack, w.s.Rate, w.s.Score)
			if q == &a.suggested {
				line = fmt.Sprintf("would %s; the level of %s is %s", line, orAll(w.s.Service), a.level(w.s.Service))
			}
			out = append(out, line)
		}
		if n := len(q.list) - 3; n > 0 {
			out = append(out, fmt.Sprintf("and %d more", n))
		}
	}
	for _, id := range sortedKeys(a.incidents) {
		r := a.incidents[id]
		for i, st := range a.o.Playbooks.steps(r.in.Attack) {
			if wait := st.After - a.now.Sub(r.since); wait > 0 && r.done[i].IsZero() {
				line := fmt.Sprintf("%s %s in %s", st.Do, r.in.Service, wait.Round(time.Second))
				if st.When.ExcessShare > 0 {
					line += fmt.Sprintf(" if %.0f%% of the excess is still there", 100*st.When.ExcessShare)
				}
				out = append(out, line)
			}
		}
	}
	return out
}

func orAll(service string) string {
	if service == "" {
		return "all services"
	}
	return service
}

// why says why it does not act.
func (a *Autopilot) why() []string {
	var out []string
	if a.held != "" {
		out = append(out, a.held)
	}
	minute, active := a.minute.spent(a.now), a.nStanding+len(a.asked)
	if minute >= a.o.Budget.BlocksPerMinute {
		out = append(out, fmt.Sprintf("budget: blocks_per_minute is spent: %d of %d; it goes on within a minute", minute, a.o.Budget.BlocksPerMinute))
	}
	if active >= a.o.Budget.ActiveBlocks {
		out = append(out, fmt.Sprintf("budget: active_blocks is spent: %d of %d; undo some or raise auto.budget.active_blocks", active, a.o.Budget.ActiveBlocks))
	}
	out = append(out, a.restLines()...)
	for _, service := range sortedKeys(a.covered) {
		if c := a.covered[service]; a.now.Before(c.restsTo) {
			out = append(out, fmt.Sprintf("roll_back: blocks on %s were taken back: %s; it rests until %s UTC", service, c.why, c.restsTo.UTC().Format("15:04:05")))
		}
	}
	for _, rule := range sortedKeys(a.refused.last) {
		if rule == "duplicate" {
			continue // what stands already holds nothing back
		}
		if n := a.refused.last[rule]; a.now.Sub(n.at) < time.Minute {
			line := rule + ": " + n.value
			if n.count > 1 {
				line += fmt.Sprintf(" (%d times in the last minute)", n.count)
			}
			out = append(out, line)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package command

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// Feed is what Headless reads: the part of a station that a console shows.
type Feed interface {
	Snapshot() *detect.Snapshot
	Board() *actions.Board
	Notices(since uint64) []actions.Notice
	Status() status.Status
}

// headlessTraffic is how often the traffic is told although nothing happened.
const headlessTraffic = 5 * time.Second

// headlessSuspects is how many suspects, and how many decisions, are told one
// by one between two traffic lines; the rest is counted.
const headlessSuspects = 3

// Headless prints as text what a person at the console would have seen, until
// ctx ends: traffic, incidents, suspects, decisions, jobs and messages.
func Headless(ctx context.Context, w io.Writer, f Feed) error {
	h := &teller{w: w, feed: f, incidents: map[string]detect.Attack{}, suspects: map[string]detect.Measure{},
		decisions: map[string]actions.State{}, jobs: map[string]string{}, inputs: map[string]string{}, untoldActs: map[string]int{}}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			h.tell()
			h.sum()
			return h.err
		case <-tick.C:
			h.tell()
			if h.err != nil {
				return fmt.Errorf("write: %w", h.err)
			}
		}
	}
}

// teller remembers what it told of what it still sees, so that each thing is
// told once and the memory stays as small as a snapshot.
type teller struct {
	w         io.Writer
	err       error
	feed      Feed
	now       time.Time // wall clock of what is being told
	traffic   time.Time // event time of the last traffic line
	incidents map[string]detect.Attack
	suspects  map[string]detect.Measure
	decisions map[string]actions.State
	jobs      map[string]string
	inputs    map[string]string
	notice    uint64
	told      int // suspects since the last traffic line
	untold    int
	acts      int // likewise of decisions
	blocked   int

	untoldActs map[string]int
}

func (h *teller) line(what, format string, a ...any) {
	if h.err == nil {
		_, h.err = fmt.Fprintf(h.w, "%s  %-9s %s\n", h.now.UTC().Format("15:04:05Z"), what, fmt.Sprintf(format, a...))
	}
}

func (h *teller) tell() {
	st := h.feed.Status()
	h.now = st.Now
	h.tellInputs(st)
	s, b := h.feed.Snapshot(), h.feed.Board()
	if nothingYet(s) {
		return
	}
	h.tellIncidents(s)
	h.tellSuspects(s)
	h.tellDecisions(b)
	h.tellJobs(b)
	for _, n := range h.feed.Notices(h.notice) {
		h.notice = max(h.notice, n.Seq)
		if n.Level != "ok" { // that an act went well is told as the act
			h.line(n.Level, "%s", n.Text)
		}
	}
	if s.Now.Sub(h.traffic) >= headlessTraffic {
		h.tellTraffic(s, b)
	}
}

// nothingYet reports whether no request was judged so far.
func nothingYet(s *detect.Snapshot) bool { return s.Now.Unix() <= 0 }

// tellInputs says what each input is doing whenever that changes.
func (h *teller) tellInputs(st status.Status) {
	for _, in := range st.Inputs {
		what := in.State
		if in.Format != "" {
			what += ", format " + in.Format
		}
		if in.Note != "" {
			what += ": " + in.Note
		}
		if h.inputs[in.Name] != what {
			h.inputs[in.Name] = what
			h.line("input", "%s %s", in.Name, what)
		}
	}
}

// tellRest counts what was not told one by one since the last time.
func (h *teller) tellRest() {
	if h.untold > 0 {
		h.line("suspect", "and %d more", h.untold)
	}
	for _, word := range slices.Sorted(maps.Keys(h.untoldActs)) {
		h.line(word, "and %d more", h.untoldActs[word])
	}
	h.told, h.untold, h.acts = 0, 0, 0
	clear(h.untoldActs)
}

func (h *teller) tellTraffic(s *detect.Snapshot, b *actions.Board) {
	h.traffic = s.Now
	h.tellRest()
	usual := "not learnt yet"
	if s.Total.Baseline > 0 {
		usual = fmt.Sprintf("usual %.0f", s.Total.Baseline)
	}
	h.line("traffic", "%.0f requests/s (%s), errors %.0f%%, %s, %d blocked",
		s.Total.Rate, usual, 100*s.Total.ErrorShare, plural(s.NSuspects, "suspect"), b.Auto.Used.ActiveBlocks)
}

func (h *teller) tellIncidents(s *detect.Snapshot) {
	before := h.incidents
	h.incidents = make(map[string]detect.Attack, len(s.Incidents))
	for i := range s.Incidents {
		in := &s.Incidents[i]
		was, known := before[in.ID]
		h.incidents[in.ID] = in.Attack
		const closed = detect.Attack("closed")
		switch {
		case !in.Closed.IsZero():
			h.incidents[in.ID] = closed
			if known && was != closed {
				h.line("over", "%s on %s after %s", in.Attack, in.Service, in.Closed.Sub(in.Opened).Round(time.Second))
			}
		case !known:
			h.line(h.word(in.Attack), "%s on %s: %s", in.Attack, in.Service, evidence(in.Evidence))
		case was != in.Attack:
			h.line(h.word(in.Attack), "%s on %s, first called %s: %s", in.Attack, in.Service, was, evidence(in.Evidence))
		}
	}
}

func (h *teller) word(a detect.Attack) string {
	switch {
	case a.Hostile():
		return "ATTACK"
	case a == detect.Unclear:
		return "SURGE"
	}
	return "CROWD"
}

func (h *teller) tellSuspects(s *detect.Snapshot) {
	before := h.suspects
	h.suspects = make(map[string]detect.Measure, len(s.Suspects))
	for i := range s.Suspects {
		p := &s.Suspects[i]
		key := p.Key.String()
		h.suspects[key] = p.Measure
		if was, known := before[key]; known && was == p.Measure || p.Measure == detect.Observe {
			continue
		}
		if h.told++; h.told > headlessSuspects {
			h.untold++
			continue
		}
		h.line("suspect", "%s score %.0f %s: %s", target(p.Key), p.Score, p.Attack, evidence(p.Evidence))
	}
}

func (h *teller) tellDecisions(b *actions.Board) {
	before := h.decisions
	h.decisions = make(map[string]actions.State, len(b.Active)+len(b.Recent))
	for _, list := range [][]actions.Decision{b.Active, b.Recent} {
		for i := range list {
			d := &list[i]
			h.decisions[d.ID] = d.State
			if before[d.ID] == d.State {
				continue
			}
			word := stateWord(d)
			if d.State == actions.Applied && d.Verb == actions.Block {
				h.blocked++
			}
			if word == "" {
				continue
			}
			if h.acts++; h.acts > headlessSuspects {
				h.untoldActs[word]++
				continue
			}
			h.line(word, "%s", describe(d))
		}
	}
}

func (h *teller) tellJobs(b *actions.Board) {
	before := h.jobs
	h.jobs = make(map[string]string, len(b.Jobs))
	for i := range b.Jobs {
		j := &b.Jobs[i]
		h.jobs[j.Request] = j.State
		if before[j.Request] == j.State {
			continue
		}
		number := ""
		if j.Number > 0 {
			number = fmt.Sprintf(" #%d", j.Number)
		}
		h.line("job", "%s%s %s: %s", j.Name, number, j.Verb, j.State)
	}
}

// sum is the run in one line, its last.
func (h *teller) sum() {
	s := h.feed.Snapshot()
	if nothingYet(s) {
		h.line("summary", "no request arrived")
		return
	}
	h.tellRest()
	names := map[detect.Attack]int{}
	for i := range s.Incidents {
		names[s.Incidents[i].Attack]++
	}
	var parts []string
	for _, a := range detect.Attacks {
		if names[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", names[a], a))
		}
	}
	if parts == nil {
		parts = []string{"no incidents"}
	}
	h.line("summary", "%d requests judged, %s, %s", s.Total.Requests, strings.Join(parts, ", "), plural(h.blocked, "block"))
}

package tui

import (
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"levee/actions"
	"levee/detect"
)

// standKind is what has been done about a source.
type standKind uint8

const (
	standNone    standKind = iota // nobody did anything
	standUndone                   // was blocked, and a person lifted it
	standFailed                   // an act failed: it is not blocked
	standBlocked                  // a block is in force
	standDryRun                   // a block that only pretends
	standLimited                  // throttled
	standJob                      // written down and on its way
	standAllow                    // on the allow list
	standUnknown                  // an act whose outcome could not be confirmed
	standUseless                  // a block is in force, and the source is served all the same
)

// standing is what the board says about one source.
type standing struct {
	kind     standKind
	decision *actions.Decision // nil for standNone
	job      *actions.Job      // the Jenkins build that carries it, if any
}

// standings finds the decision that covers a source. It is built once per board.
type standings struct {
	active map[netip.Prefix]*actions.Decision
	ended  map[netip.Prefix]*actions.Decision
	jobs   map[string]*actions.Job // by Job.Request
	v4, v6 []int                   // prefix lengths that occur, longest first
	blocks int                     // blocks in force; what the board counts and does not list is taken for blocks

	board *actions.Board
	mu    sync.Mutex                // of found
	found map[netip.Prefix]standing // looked up beyond what the board lists; nil where it lists all
}

func newStandings(b *actions.Board) *standings {
	s := &standings{
		active: make(map[netip.Prefix]*actions.Decision, len(b.Active)),
		ended:  make(map[netip.Prefix]*actions.Decision),
		jobs:   make(map[string]*actions.Job, len(b.Jobs)),
	}
	if b.NActive > len(b.Active) {
		s.board, s.found, s.blocks = b, map[netip.Prefix]standing{}, b.NActive-len(b.Active)
	}
	for i := range b.Jobs {
		if j := &b.Jobs[i]; s.jobs[j.Request] == nil {
			s.jobs[j.Request] = j
		}
	}
	var seen [2][129]bool
	for i := range b.Active {
		d := &b.Active[i]
		if d.Verb == actions.Block {
			s.blocks++
		}
		p := d.Target.Prefix
		if !p.IsValid() {
			continue
		}
		if old := s.active[p]; old == nil || s.kind(d) > s.kind(old) {
			s.active[p] = d
		}
		fam := 0
		if p.Addr().Is6() {
			fam = 1
		}
		seen[fam][p.Bits()] = true
	}
	for i := range b.Recent {
		d := &b.Recent[i] // latest first
		if p := d.Target.Prefix; p.IsValid() && s.ended[p] == nil {
			s.ended[p] = d
		}
	}
	for n := 128; n >= 0; n-- {
		if seen[0][n] {
			s.v4 = append(s.v4, n)
		}
		if seen[1][n] {
			s.v6 = append(s.v6, n)
		}
	}
	return s
}

// kind is what d means for its target; where two decisions meet, the greater counts.
func (s *standings) kind(d *actions.Decision) standKind {
	switch {
	case d.State == actions.Unknown:
		return standUnknown
	case d.Verb == actions.Allow && d.State.Active():
		return standAllow
	case d.State == actions.Intent:
		return standJob
	case d.DryRun && d.State.Active():
		return standDryRun
	case d.Verb == actions.Throttle && d.State.Active():
		return standLimited
	case d.Verb == actions.Block && d.State.Active():
		return standBlocked
	case d.State == actions.Failed:
		return standFailed
	case d.State == actions.Undone:
		return standUndone
	}
	return standNone
}

// of returns how p stands: the longest prefix that a decision covers it with.
func (s *standings) of(p netip.Prefix, now time.Time) standing {
	if !p.IsValid() {
		return standing{}
	}
	lens := s.v4
	if p.Addr().Is6() {
		lens = s.v6
	}
	best := standing{}
	for _, n := range lens {
		if n > p.Bits() {
			continue
		}
		if d := s.active[netip.PrefixFrom(p.Addr(), n).Masked()]; d != nil {
			if k := s.kind(d); k > best.kind {
				best = standing{k, d, s.jobOf(d)}
			}
		}
	}
	if best.kind == standNone && s.found != nil {
		best = s.beyond(p)
	}
	if best.kind != standNone {
		return best
	}
	if d := s.ended[p]; d != nil {
		k := s.kind(d)
		if k == standFailed && now.Sub(d.Changed) < 10*time.Minute || k == standUndone && now.Sub(d.Changed) < time.Hour {
			return standing{k, d, s.jobOf(d)}
		}
	}
	return standing{}
}

// beyond looks up what the board does not list: it lists the latest thousand.
func (s *standings) beyond(p netip.Prefix) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.found[p]
	if !ok {
		if d, in := s.board.Find(p); in {
			st = standing{s.kind(&d), &d, s.jobOf(&d)}
		}
		s.found[p] = st
	}
	return st
}

func (s *standings) jobOf(d *actions.Decision) *actions.Job {
	if j := s.jobs[d.Request]; j != nil {
		return j
	}
	for i := range d.Receipts {
		if j := d.Receipts[i].Job; j != nil {
			return j
		}
	}
	return nil
}

// handled reports whether somebody has dealt with the source and it worked, or
// is about to.
func (s standing) handled() bool {
	switch s.kind {
	case standBlocked, standDryRun, standLimited, standJob, standAllow:
		return true
	}
	return false
}

// Enforcers say that they took a block, and the log alone says whether it bites:
// a deny list may be included nowhere, a packet filter stand behind a proxy.
const (
	leaksAfter   = 90 * time.Second // a block's figures look back for no longer
	uselessAfter = 3 * time.Minute  // where its effect was measured and is gone
)

// refused reports whether what s asks for is turned away.
func refused(s *detect.Suspect) bool {
	switch s.TopStatus {
	case 403, 429, 444:
		return s.ErrorShare >= 0.5
	}
	return false
}

// leaks reports whether s is blocked for longer than its figures look back, and
// is still served.
func (s standing) leaks(of *detect.Suspect, now time.Time) bool {
	return s.kind == standBlocked && now.Sub(s.decision.Created) > leaksAfter && of.Rate >= 0.5 && !refused(of)
}

// useless reports whether s is blocked and it changed nothing: its effect was
// looked at and is less than half of what was predicted, or has gone since. logged
// is the time of the log, now the one that decisions are written down with. A slow
// bot's rate of ten seconds is often 0, so its last request tells.
func (s standing) useless(of *detect.Suspect, logged, now time.Time) bool {
	if s.kind != standBlocked || refused(of) || logged.Sub(of.Last) > time.Minute {
		return false
	}
	e := s.decision.Effect
	if e != nil && s.decision.State == actions.Applied && e.Measured < e.Predicted/2 {
		return true
	}
	return now.Sub(s.decision.Created) > uselessAfter && (e == nil || e.Predicted < 1 || of.Rate >= e.Predicted/10)
}

// word is the standing as the STATE column shows it.
func (s standing) word() string {
	switch s.kind {
	case standUndone:
		return "undone"
	case standFailed:
		return "FAILED"
	case standBlocked:
		return "BLOCKED"
	case standDryRun:
		return "DRY RUN"
	case standLimited:
		return "LIMITED"
	case standAllow:
		return "ALLOW"
	case standUnknown:
		return "UNKNOWN"
	case standUseless:
		return "NO EFFECT"
	case standJob:
		if s.job == nil {
			return "SENDING"
		}
		if s.job.Number > 0 {
			return "JOB #" + strconv.FormatInt(s.job.Number, 10)
		}
		return "JOB " + s.job.State
	}
	return "suspect"
}

// by is who decided it.
func (s standing) by() string {
	if s.decision == nil {
		return ""
	}
	if s.kind == standUndone && s.decision.EndedBy != "" {
		return s.decision.EndedBy
	}
	return s.decision.Actor.Name
}

// flag is the mark in front of a row.
func (s standing) flag() string {
	switch s.kind {
	case standBlocked, standDryRun, standLimited:
		return "!"
	case standJob:
		return "~"
	case standAllow:
		return "="
	case standUnknown, standFailed, standUseless:
		return "?"
	}
	return " "
}

// pen is how a row with this standing is written.
func (s standing) pen(th *theme, score float64) pen {
	switch s.kind {
	case standBlocked, standDryRun, standLimited:
		return th.blocked
	case standJob:
		return th.job
	case standAllow:
		return th.allow
	case standUnknown:
		return th.unknown
	case standFailed, standUseless:
		return th.failed
	}
	switch band(score) {
	case 'C':
		return th.crit
	case 'H':
		return th.high
	case 'M':
		return th.med
	}
	return th.low
}

// latestOf returns the latest decision in force that actor name took, for undo;
// a message that was sent can't be.
func latestOf(b *actions.Board, name string) *actions.Decision {
	i := slices.IndexFunc(b.Active, func(d actions.Decision) bool {
		return d.Actor.Name == name && d.Verb != actions.Notify && d.Actor.Via != "restart"
	})
	if i < 0 {
		return nil
	}
	return &b.Active[i]
}

package actions

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"levee/actions/internal/safe"
)

// Board returns the newest Board at once.
func (d *Dispatcher) Board() *Board { return d.board.Load() }

// Notices returns the messages after seq, oldest first, at most 200.
func (d *Dispatcher) Notices(seq uint64) []Notice { return d.notices.since(seq) }

// FindActive returns the decision in force that covers p most narrowly.
func (d *Dispatcher) FindActive(p netip.Prefix) (Decision, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.covering.narrowest(normal(p), Block, Throttle, Harden, Allow)
	if !ok {
		return Decision{}, false
	}
	return r.decision(), true
}

// publish makes a new Board. Its cost does not grow with what is in force.
func (d *Dispatcher) publish() {
	b := &Board{find: d}
	for _, l := range d.lanes {
		if jobs, ok := l.enforcer.(JobLister); ok {
			listed := jobs.Jobs()
			d.hearLate(l, listed)
			b.Jobs = append(b.Jobs, listed...)
		}
	}
	if d.o.Auto != nil {
		b.Auto = d.o.Auto.State()
	}
	now := d.now()
	d.mu.Lock()
	b.DryRun = d.o.DryRun
	b.NActive = len(d.records)
	b.Queue, b.Decided = d.inFlight, d.decided
	b.Active = d.latestActive()
	b.Recent = make([]Decision, 0, recentMost)
	for i := len(d.recent) - 1; i >= 0 && len(b.Recent) < recentMost; i-- {
		b.Recent = append(b.Recent, d.recent[i])
	}
	b.Auto.Armed, b.Auto.On, b.Auto.Since = d.switches.Armed, d.switches.AutoOn, d.switches.Since
	if !d.switches.Armed {
		b.Auto.DisarmedBy = d.switches.By
	}
	b.Auto.Budget = d.budget
	b.Auto.Used = Used{BlocksLastMinute: d.minute.spent(now), ActiveBlocks: d.blocks, UsualShare: max(0, d.usual), ScaleUpsLastHour: d.hour.spent(now)}
	for _, l := range d.lanes {
		h := l.health
		h.Failed = l.failed
		b.Enforcers = append(b.Enforcers, h)
	}
	if d.broken != "" {
		b.Enforcers = append(b.Enforcers, EnforcerHealth{Name: "ledger", Note: d.broken, At: now})
	}
	d.mu.Unlock()
	d.forgetHeard(b.Jobs)
	jobsFromReceipts(b)
	slices.SortStableFunc(b.Jobs, func(x, y Job) int { return cmp.Compare(y.Triggered.UnixNano(), x.Triggered.UnixNano()) })
	if len(b.Jobs) > 100 {
		b.Jobs = b.Jobs[:100]
	}
	d.board.Store(b)
}

const activeMost = 1000

// latestActive returns the decisions in force, latest first. The caller holds
// mu.
func (d *Dispatcher) latestActive() []Decision {
	out := make([]Decision, 0, min(len(d.records), activeMost))
	for i := len(d.latest) - 1; i >= 0 && len(out) < activeMost; i-- {
		if r := d.latest[i]; d.records[r.id] == r && r.durable {
			out = append(out, r.decision())
		}
	}
	if len(d.latest) > 2*len(d.records)+activeMost {
		d.latest = slices.DeleteFunc(d.latest, func(r *record) bool { return d.records[r.id] != r })
	}
	return out
}

// jobsFromReceipts adds the jobs that only receipts tell of.
func jobsFromReceipts(b *Board) {
	known := map[string]bool{}
	for _, j := range b.Jobs {
		known[j.Request] = true
	}
	for _, ds := range [][]Decision{b.Active, b.Recent} {
		for i := range ds {
			for _, c := range ds[i].Receipts {
				if c.Job != nil && !known[c.Job.Request] {
					known[c.Job.Request] = true
					b.Jobs = append(b.Jobs, *c.Job)
				}
			}
		}
	}
}

// notices are the last messages for people.
type notices struct {
	mu   sync.Mutex
	seq  uint64
	last []Notice
}

const noticesMost = 200

func (n *notices) add(now time.Time, level, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq++
	n.last = append(n.last, Notice{Seq: n.seq, Time: now, Level: level, Text: safe.Text(text, lineMost)})
	if len(n.last) > 2*noticesMost {
		n.last = slices.Clone(n.last[len(n.last)-noticesMost:])
	}
}

func (n *notices) since(seq uint64) []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := len(n.last)
	for i > 0 && n.last[i-1].Seq > seq && len(n.last)-i < noticesMost {
		i--
	}
	return slices.Clone(n.last[i:])
}

// lineMost bounds a message to a line that a person reads, in bytes.
const lineMost = 300

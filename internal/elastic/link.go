package elastic

import (
	"fmt"

	"levee/internal/status"
)

// Counts is what a Publisher did since it began.
type Counts struct {
	Sent     uint64 // documents the cluster has
	Shed     uint64 // documents given up because the spool was full
	Rejected uint64 // documents the cluster will never take; see rejected.ndjson
	Waiting  int64  // bytes in the spool
}

// Counts returns what was done so far.
func (p *Publisher) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	c.Waiting = p.spool.size()
	return c
}

// Link is the publisher's state as a console shows it.
func (p *Publisher) Link() status.Link {
	c := p.Counts()
	p.mu.Lock()
	l := status.Link{Configured: true, OK: p.problem == "" && p.answered, Note: p.problem}
	rejects := p.rejects
	p.mu.Unlock()
	switch {
	case l.Note == "" && !l.OK:
		l.Note = "connecting"
	case l.Note != "" && c.Waiting > 0:
		l.Note += fmt.Sprintf("; %s wait on disk", size(c.Waiting))
	case c.Waiting > 4<<20:
		l.Note = fmt.Sprintf("sends what waited: %s", size(c.Waiting))
	}
	if c.Shed > 0 {
		l.Note += fmt.Sprintf("; %d documents shed, the spool is full", c.Shed)
	}
	if c.Rejected > 0 {
		l.Note += fmt.Sprintf("; %d rejected, see %s/rejected.ndjson", c.Rejected, p.o.Dir)
		if rejects != "" {
			l.Note += ": " + rejects
		}
	}
	if len(l.Note) > 1 && l.Note[0] == ';' {
		l.Note = l.Note[2:]
	}
	return l
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

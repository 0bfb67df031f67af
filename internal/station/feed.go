package station

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// Snapshot returns the detector's latest snapshot.
func (s *Station) Snapshot() *detect.Snapshot { return s.judge.shown.Load() }

// Board returns what stands, what ended lately, and what auto mode is about.
func (s *Station) Board() *actions.Board { return s.dispatcher.Board() }

// Source returns what is known of an address or prefix.
func (s *Station) Source(p netip.Prefix) detect.SourceView { return s.judge.source(p) }

// Status describes the station itself.
func (s *Station) Status() status.Status {
	st := status.Status{
		Name: s.o.Name, Now: s.o.Now(), DataAge: s.judge.age(), QueueLen: len(s.judge.queue),
		Elastic: s.lookout.link(s.chronicle.link()),
		Jenkins: s.jenkins(),
		Peers:   s.peers.status(),
		People:  s.present(),
		Host:    s.host.host(), Verdicts: s.counts.all(), Ledger: s.ledger.Trouble(),
	}
	read := s.Snapshot().Inputs
	for _, f := range s.feeds.list() {
		x := f.input.Status()
		st.Shed += x.Shed
		st.Inputs = append(st.Inputs, status.Input{Name: x.Name, Format: x.Format, Lines: x.Lines, Malformed: x.Malformed,
			Newest: newest(read, uint16(f.origin)), Behind: x.Behind, State: string(x.State), Note: x.Problem, MayAct: s.feeds.mayAct(uint16(f.origin))})
	}
	return st
}

// newest is the event time of the newest line of an input.
func newest(read []detect.Input, origin uint16) time.Time {
	for i := range read {
		if read[i].Origin == origin {
			return read[i].Last
		}
	}
	return time.Time{}
}

// jenkins reads the controller's state off the enforcers' last check.
func (s *Station) jenkins() status.Link {
	l := status.Link{Configured: s.o.Config.Actions.Jenkins.URL != ""}
	for _, h := range s.Board().Enforcers {
		if h.Name == "jenkins" {
			l.OK, l.Note = h.OK, h.Note
		}
	}
	return l
}

// traffic answers the dispatcher's questions from the judge.
type traffic struct{ j *judge }

func (t traffic) Snapshot() *detect.Snapshot                  { return t.j.shown.Load() }
func (t traffic) Suspects(ps []netip.Prefix) []detect.Suspect { return t.j.suspects(ps) }
func (t traffic) DataAge() time.Duration                      { return t.j.age() }

// verdictCounts counts verdicts by their kind.
type verdictCounts struct {
	mu sync.Mutex
	by map[detect.EventKind]uint64
}

func (c *verdictCounts) add(events []detect.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[detect.EventKind]uint64{}
	}
	for i := range events {
		c.by[events[i].Kind]++
	}
}

func (c *verdictCounts) all() map[detect.EventKind]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

package demo

import (
	"bytes"
	"io"
	"net/netip"
	"sync"
	"time"
)

// warmUp is simulated before the first line and thrown away, so that the first
// minute has as many visitors in the middle of a session as any other.
const warmUp = 3 * time.Minute

// Simulator makes up traffic. See the package comment for its concurrency.
type Simulator struct {
	o    Options
	deny *DenyList

	mu       sync.Mutex // guards everything below
	agenda   agenda
	now      int64 // event time up to which lines were made, nanoseconds
	people   *population
	servers  servers
	outage   int64 // pages and API calls fail until then
	seen     map[netip.Addr]*record
	episodes []Episode
	stamp    stamp
	line     []byte
	out      *bytes.Buffer // nil while warming up
	lines    uint64
	refused  uint64
}

// record is a source's truth, plus what becomes of its requests.
type record struct {
	Truth
	text string // the address as nginx writes it
}

// New prepares a run. Nothing is written before Prepare, Advance or Run.
func New(o Options) (*Simulator, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		o:       o,
		now:     o.Start.Add(-warmUp).UnixNano(),
		servers: servers{n: o.Servers, each: o.PerServer, rng: stream(o.Seed, "servers")},
		seen:    make(map[netip.Addr]*record),
	}
	if o.DenyFile != "" {
		s.deny = OpenDenyList(o.DenyFile)
	}
	s.people = newPopulation(o.Seed, o.Rate)
	s.people.move(s)
	s.schedule()
	s.advance(o.Start.UnixNano())
	clear(s.seen) // what was thrown away was never seen
	s.lines, s.refused = 0, 0
	return s, nil
}

// Live returns the moment at which the history ends and the drills' clock starts.
func (s *Simulator) Live() time.Time { return s.o.Start.Add(s.o.History) }

// Advance writes the lines of all requests before to that were not written
// yet, in the order of their time, and returns how many there were. A to in
// the past of the run writes nothing.
func (s *Simulator) Advance(w io.Writer, to time.Time) (int, error) {
	s.mu.Lock()
	before := s.lines
	s.out = new(bytes.Buffer)
	s.advance(to.UnixNano())
	out, n := s.out, int(s.lines-before)
	s.out = nil
	s.mu.Unlock()
	_, err := w.Write(out.Bytes())
	return n, err
}

// Lines returns the lines from from up to, but without, to. What lies between
// the end of the lines made so far and from is simulated and dropped.
func (s *Simulator) Lines(from, to time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(from.UnixNano())
	s.out = new(bytes.Buffer)
	s.advance(to.UnixNano())
	out := s.out.Bytes()
	s.out = nil
	return out
}

// advance lets everyone act whose moment comes before end.
func (s *Simulator) advance(end int64) {
	for {
		m, ok := s.agenda.due(end)
		if !ok {
			break
		}
		s.now = m.at
		m.who.act(s, m.at)
	}
	s.now = max(s.now, end)
}

// record returns addr's record, made for the given drill when it is new or was
// ordinary so far.
func (s *Simulator) record(addr netip.Addr, part role) *record {
	r := s.seen[addr]
	if r == nil {
		r = &record{text: addr.String()}
		r.Truth = Truth{Addr: addr, Drill: Ordinary}
		s.seen[addr] = r
	}
	if r.Drill == Ordinary && part.drill != "" {
		r.Drill, r.Wave, r.Hostile = part.drill, part.wave, part.hostile
	}
	return r
}

// forget drops the truth of sources not heard of for a quarter of an hour once
// there are more than most, so that a demo left on for a night stays small.
func (s *Simulator) forget(now int64) {
	const most = 200_000
	if len(s.seen) <= most {
		return
	}
	old := time.Unix(0, now).Add(-15 * time.Minute)
	for addr, r := range s.seen {
		if r.Last.Before(old) {
			delete(s.seen, addr)
		}
	}
}

// role is a source's part in the play; the zero role is ordinary.
type role struct {
	drill, wave string
	hostile     bool
}

// answer is what a client learns about its request.
type answer struct {
	status int // 0: nothing came back
	slow   float64
}

// ask lets addr make a request, decides its fate and logs it.
func (s *Simulator) ask(now int64, addr netip.Addr, part role, h *hit) answer {
	r := s.record(addr, part)
	at := time.Unix(0, now).UTC()
	if r.Requests == 0 {
		r.First = at
	}
	r.Last = at
	r.Requests++
	if s.denied(addr) {
		return s.refuse(now, r, h)
	}
	if h.cost > 0 && now < s.outage {
		h.status, h.bytes = 502, 157
	} else if !s.servers.offer(now, h.cost) {
		h.status, h.bytes = 503, unavailableBytes
	}
	s.log(now, r.text, h)
	return answer{h.status, s.servers.slowdown()}
}

// refuse logs what nginx still sees of a denied source.
func (s *Simulator) refuse(now int64, r *record, h *hit) answer {
	if r.Refused == 0 {
		r.Stopped = r.Last
	}
	r.Refused++
	s.refused++
	if s.o.Refusal == Forbid || r.Refused <= 2 || r.Refused%100 == 0 {
		h.status, h.bytes = 403, forbiddenBytes
		s.log(now, r.text, h)
		return answer{403, 1}
	}
	return answer{0, 1}
}

func (s *Simulator) denied(addr netip.Addr) bool {
	return s.deny != nil && s.deny.Denied(addr) || s.o.Denied != nil && s.o.Denied(addr)
}

func (s *Simulator) log(now int64, addr string, h *hit) {
	s.lines++
	if s.out == nil {
		return
	}
	s.line = s.stamp.appendLine(s.line[:0], addr, now, h)
	s.out.Write(s.line)
}

// Scale adds servers, or takes some away when delta is negative, and returns
// how many there are then: 1 to 1,000.
func (s *Simulator) Scale(delta int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers.n = min(max(s.servers.n+delta, 1), maxServers)
	return s.servers.n
}

// Status is the simulated site's own view of itself.
type Status struct {
	Now      time.Time // event time reached
	Servers  int
	Load     float64 // page equivalents/s offered
	Capacity float64 // page equivalents/s carried at most
	Lines    uint64  // written
	Refused  uint64  // requests the deny list stopped
}

// Status returns the site's state at the event time reached.
func (s *Simulator) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers.decay(s.now)
	return Status{
		Now: time.Unix(0, s.now).UTC(), Servers: s.servers.n, Load: s.servers.load,
		Capacity: s.servers.capacity(), Lines: s.lines, Refused: s.refused,
	}
}

package demo

import (
	"fmt"
	"slices"
	"time"
)

// Drill is one rehearsal: who does what, and what a good detector calls it.
type Drill struct {
	Name   string
	About  string        // one sentence
	Attack string        // the attack name of the contract that fits; for a benign drill flash_crowd, retry_storm or ""
	Also   []string      // names that fit as well
	Length time.Duration // until the last wave ends
	Outage Span          // pages and API calls answer 502 then
	Waves  []Wave
}

// Hostile reports whether anyone in the drill should be stopped.
func (d Drill) Hostile() bool {
	return slices.ContainsFunc(d.Waves, func(w Wave) bool { return w.Hostile })
}

// Span is a stretch of a drill, from its start.
type Span struct{ From, For time.Duration }

// Wave is one group of sources that behave alike. Either they ask like
// programs (Asks) or visit like people (Visits).
type Wave struct {
	Name    string
	Hostile bool
	Always  bool // there from the start of the history on, long before the drill and ever after
	Span         // of the drill; For 0: to its end

	Sources  int
	Pool     Pool
	Subnets  int           // /24s of Hosting; default 1
	Shared   int           // so many addresses serve all Sources (a NAT, a CDN); 0: one each
	Join     time.Duration // sources begin spread over this span
	Every    time.Duration // mean time between two requests of one source
	Regular  bool          // by the clock; else as a Poisson process
	Requests int           // of one source; 0: until the wave ends
	Fresh    bool          // each request comes from an address of its own
	Pulse    Pulse

	Asks      []Ask
	Agents    []string // a source keeps one; nil: browsers by their popularity
	AgentEach bool     // a new one for each request

	Visits *Visits
}

// Pulse switches a wave on and off, all its sources together. Zero: always on.
type Pulse struct{ On, Off time.Duration }

// Ask is one kind of request of a program.
type Ask struct {
	Weight  int    // default 1
	Method  string // default GET
	Target  string // template, see fill
	Referer string // template
	Proto   string // default HTTP/1.1
	Status  int    // default 200
	Bytes   int    // median
	Cost    float64
	Rare    int // in a hundred, answered RareAs instead
	RareAs  int
}

// Visits describes sources that behave as people: pages, their files, reading.
type Visits struct {
	Landing  string // first page's template; "" as ordinary visitors
	Referers []string
	Pages    int // mean
	Again    bool
}

// Find returns the drill of that name.
func Find(name string) (Drill, bool) {
	i := slices.IndexFunc(Drills(), func(d Drill) bool { return d.Name == name })
	if i < 0 {
		return Drill{}, false
	}
	return Drills()[i], true
}

// Names lists every drill, the five main ones first.
func Names() []string {
	var names []string
	for _, d := range Drills() {
		names = append(names, d.Name)
	}
	return names
}

// Drills lists every drill, the five main ones first. The caller must not
// change what it points to.
func Drills() []Drill { return allDrills }

var allDrills = slices.Concat(mainDrills, hostileDrills, benignDrills)

// act of a scenario: a drill and when it begins.
type scene struct {
	name string
	at   time.Duration // after the round's start
}

// scenario is what runs when no drill is asked for: the five main ones, close
// enough that something is going on, far enough apart to be told from each other.
var scenario = []scene{
	{"single_source_flood", 10 * time.Second},
	{"distributed_flood", 32 * time.Second},
	{"login_abuse", 95 * time.Second},
	{"scan", 140 * time.Second},
	{"flash_crowd", 200 * time.Second},
}

const (
	firstAfter = 8 * time.Second  // of a single drill, after going live
	pause      = 45 * time.Second // between two drills asked for, and between rounds
)

// schedule plans the rounds of drills.
func (s *Simulator) schedule() {
	var scenes []scene
	var length time.Duration
	if s.o.Drills == nil {
		scenes = scenario
		last := scenes[len(scenes)-1]
		d, _ := Find(last.name)
		length = last.at + d.Length
	} else {
		at := firstAfter
		for _, name := range s.o.Drills {
			d, _ := Find(name) // complete checked the names
			scenes = append(scenes, scene{name, at})
			at += d.Length + pause
			length = at - pause
		}
	}
	if len(scenes) == 0 {
		return
	}
	for _, sc := range scenes {
		d, _ := Find(sc.name)
		for i := range d.Waves {
			if d.Waves[i].Always {
				start := &cast{drill: d, wave: &d.Waves[i], rng: stream(s.o.Seed, d.Name+d.Waves[i].Name)}
				start.until = 1<<63 - 1
				s.agenda.plan(s.now, start)
			}
		}
	}
	s.agenda.plan(s.Live().UnixNano(), &round{scenes: scenes, length: int64(length + pause)})
}

// round starts the drills of one round and plans the next.
type round struct {
	n      int
	scenes []scene
	length int64 // nanoseconds from one round to the next
}

func (r *round) act(s *Simulator, now int64) {
	for _, sc := range r.scenes {
		d, _ := Find(sc.name)
		start := time.Unix(0, now).Add(sc.at).UTC()
		s.agenda.plan(start.UnixNano(), &curtain{drill: d, n: r.n})
	}
	r.n++
	s.forget(now)
	if !s.o.Once {
		s.agenda.plan(now+r.length, r)
	}
}

// curtain rises over one drill.
type curtain struct {
	drill Drill
	n     int // which round
}

func (c *curtain) act(s *Simulator, now int64) {
	d := c.drill
	s.episodes = append(s.episodes, Episode{Drill: d, Start: time.Unix(0, now).UTC(), End: time.Unix(0, now).Add(d.Length).UTC()})
	if d.Outage.For > 0 {
		s.agenda.plan(now+int64(d.Outage.From), outage(d.Outage.For))
	}
	for i := range d.Waves {
		w := &d.Waves[i]
		if w.Always {
			continue
		}
		length := w.For
		if length == 0 {
			length = d.Length - w.From
		}
		from := now + int64(w.From)
		s.agenda.plan(from, &cast{drill: d, wave: w, until: from + int64(length),
			rng: stream(s.o.Seed, fmt.Sprint(d.Name, " ", w.Name, " ", c.n))})
	}
}

// outage makes the backend fail for its length.
type outage time.Duration

func (o outage) act(s *Simulator, now int64) { s.outage = now + int64(o) }

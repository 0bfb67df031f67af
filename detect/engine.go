package detect

import (
	"net/netip"
	"time"

	"levee/detect/sketch"
)

// Options tunes an Engine. The zero value is the documented default.
type Options struct {
	MaxMemory  int64    // bytes for tables and sketches; default 128 MiB
	SourceRate float64  // requests/s a single source may make before rate is evidence; default 50
	Seed       uint64   // of the hashes of texts. With the same one the same requests give the same verdicts; one that nobody can know keeps others from working out texts that hash alike
	Services   []string // hosts that count as services; empty: those seen to answer

	// Usual names sources that are never suspects (allow list, proxies, own
	// ranges). It is called rarely, when a verdict is about to fall. Optional.
	Usual func(netip.Addr) bool
	// MayAct says whether an input's word is enough for auto mode. Nil: all may.
	MayAct func(origin uint16) bool
	// Facts gives what is known beside the traffic. It is called for every new
	// source and when a verdict is about to fall. Optional; must not block.
	Facts func(netip.Addr) Facts
	// Claims hears of each source that claims to be a crawler, so that Facts may
	// know better by the time a verdict falls. Optional; must not block.
	Claims func(netip.Addr)
	// Pages is shown the memory of the large tables once, before it is used, so
	// that the caller may ask the operating system for large pages: requests go
	// to another place of it each. It must not change or keep the bytes. Optional.
	Pages func(tables []byte)
}

// Facts is knowledge about an address from outside the traffic.
type Facts struct {
	ASN     uint32
	ASName  string
	Country string
	Crawler Crawler
}

// Crawler says whether an address is a search engine's.
type Crawler uint8

// Crawler verification states.
const (
	CrawlerUnknown  Crawler = iota // not looked up, or no answer yet
	CrawlerVerified                // published range, or reverse and forward DNS agree
	CrawlerFalse                   // claims to be one and is not
)

// Engine is the detector. See the package comment for its concurrency.
type Engine struct {
	opt   Options
	clock clock
	sec   int64 // the open second of event time
	start int64 // the first second
	began bool

	sources    sourceTable
	nets       netTable
	details    []detail
	freeDetail []uint16

	services    []service
	hosts       []hostTrial
	lastHost    uint64
	lastService uint8
	plain       uint8
	busiest     uint8 // the service with most requests lately

	routeWords *lexicon
	routes     []route
	memo       []routeMemo
	children   []uint8
	tmpl       []byte

	agents     *lexicon
	agentMemo  []agentMemo
	emptyAgent uint16
	refers     *lexicon
	shapes     *lexicon
	queries    *sketch.Seen
	known      *sketch.Seen // sources seen before
	accounts   []account

	slots    [recentSeconds]slot
	chosen   []chosen // for the slot of the open second, by place
	toCopy   []uint16 // places in chosen that are in use
	base     []baseSample
	regulars []regular
	warm     bool // a saved baseline was loaded
	rng      uint64

	incidents []*incident
	closed    []Incident
	resting   []*incident // attacks that closed lately, in case they return
	counter   int
	events    []Event
	netList   []sourceKey // prefixes recommended for a block
	suspects  []int32     // indices of sources with a score worth showing

	spoken map[sourceKey]spoken

	history  [historySeconds]Point
	total    service
	inputs   []input
	ahead    [aheadRoom]client
	seq      uint64
	requests uint64
	nobody   uint64      // requests without a client address
	work     attribution // room for attribution, kept from one to the next
	mayAct   [256]int8   // answers of Options.MayAct by origin: 0 not asked
	feature  feature
}

// New returns an Engine that has seen nothing.
func New(o Options) *Engine {
	if o.MaxMemory <= 0 {
		o.MaxMemory = 128 << 20
	}
	if o.SourceRate <= 0 {
		o.SourceRate = 50
	}
	e := &Engine{opt: o, rng: 0x6c65766565 ^ o.Seed}
	e.allocate(o.MaxMemory)
	e.services = append(make([]service, 0, maxServices), service{name: otherName})
	for _, s := range o.Services {
		e.addService(s)
	}
	return e
}

// SetSourceRate changes Options.SourceRate for what is judged from now on; 0 is
// its default.
func (e *Engine) SetSourceRate(perSecond float64) {
	if perSecond <= 0 {
		perSecond = 50
	}
	e.opt.SourceRate = perSecond
}

// Add judges requests in the order given. Requests need not be sorted by time;
// those older than the window are counted as late.
func (e *Engine) Add(batch []Request) {
	for i := range batch {
		e.lookAhead(batch, i)
		switch r := &batch[i]; {
		case r.Kind > NoRequest:
		case r.Source.IsValid():
			e.judge(r, &e.ahead[i%aheadRoom])
		default:
			e.countAnonymous(r, &e.ahead[i%aheadRoom])
		}
	}
	e.copyChosen()
}

// judge is one request's way through the engine.
func (e *Engine) judge(r *Request, c *client) {
	sec, late := e.tick(r)
	e.requests++
	svc := e.serviceOf(r, c.of(r).host)
	f := &e.feature
	if r.Kind == NoRequest {
		*f = feature{service: svc, status: r.Status, none: true}
	} else {
		e.look(r, c, svc, f)
	}
	h := c.hash
	s, fresh := e.sourceOf(c, sec)
	f.asn, f.country = s.asn, s.country
	e.countService(r, f, s, h, sec, fresh, late)
	e.countSource(r, s, f, sec, late)
	n := e.countNet(c, s, sec)
	e.keep(r, f, c.key, sec)
	if n.until > sec {
		e.renewNet(n, s)
	}
	if len(e.incidents)+len(e.resting) > 0 {
		e.matchIncidents(s, n, f)
		e.countUsual(s, f)
	}
	if s.detail != 0 {
		e.note(r, s, f)
	}
	if s.cur.hits >= s.due || e.tripped(s, f) {
		e.judgeSource(s)
	}
}

// Advance says that event time has reached now although no request came.
func (e *Engine) Advance(now time.Time) {
	if n := now.UnixNano(); e.began && n > e.clock.now {
		e.clock.now = n
		e.advanceTo(n / int64(time.Second))
	}
}

// Events appends the events that fell since the last call to dst.
func (e *Engine) Events(dst []Event) []Event {
	dst = append(dst, e.events...)
	clear(e.events)
	e.events = e.events[:0]
	return dst
}

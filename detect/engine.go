package detect

import (
	"net/netip"
	"time"
)

// Options tunes an Engine. The zero value is the documented default.
type Options struct {
	MaxMemory  int64    // bytes for tables and sketches; default 128 MiB
	SourceRate float64  // requests/s a single source may make before rate is evidence; default 50
	Services   []string // hosts that count as services; empty: those seen to answer

	// Usual names sources that are never suspects (allow list, proxies, own
	// ranges). It is called rarely, when a verdict is about to fall. Optional.
	Usual func(netip.Addr) bool
	// MayAct says whether an input's word is enough for auto mode. Nil: all may.
	MayAct func(origin uint16) bool
	// Facts gives what is known beside the traffic. Optional; must not block.
	Facts func(netip.Addr) Facts
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
type Engine struct{}

// New returns an Engine that has seen nothing.
func New(o Options) *Engine { return &Engine{} }

// Add judges requests in the order given. Requests need not be sorted by time;
// those older than the window are counted as late.
func (e *Engine) Add(batch []Request) {}

// Advance says that event time has reached now although no request came.
func (e *Engine) Advance(now time.Time) {}

// Events appends the events that fell since the last call to dst.
func (e *Engine) Events(dst []Event) []Event { return dst }

// Snapshot returns the state now.
func (e *Engine) Snapshot() *Snapshot { return &Snapshot{} }

// Source returns what is known of p.
func (e *Engine) Source(p netip.Prefix) SourceView { return SourceView{} }

// Expect tells the baseline of a planned event: between from and to, service
// ("" for all) is expected to see factor times its usual traffic.
func (e *Engine) Expect(service string, from, to time.Time, factor float64) {}

// Save appends the learnt baseline and long-term memory to dst.
func (e *Engine) Save(dst []byte) []byte { return dst }

// Load restores what Save returned. An error leaves the engine as it was.
func (e *Engine) Load(src []byte) error { return nil }

package demo

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
)

// Options describes a run. The zero value writes nowhere, with every default.
type Options struct {
	Seed uint64 // same seed, same lines; 0 is a seed like any other

	// Drills names what is rehearsed, each in turn. Nil: the scenario of the
	// five main drills. Empty but not nil: ordinary traffic only.
	Drills []string
	Once   bool // stop after one round of drills; else they return with fresh sources

	Rate    float64       // ordinary requests/s, 1 to 5,000; default 150
	History time.Duration // ordinary traffic written before the first live line, 0 to 24 h; default 10 min, negative: none
	Start   time.Time     // time of the first line; zero: Now() - History

	Out  io.Writer // where lines go; or
	Path string    // a file to append to, created when missing
	// RotateAt is the size in bytes past which Path is renamed to .1 and
	// created again, as logrotate does; default 256 MiB.
	RotateAt int64

	Now func() time.Time // the clock of Run; default time.Now

	// Denied says whether a source is refused, besides what DenyFile says.
	// It is called for every request and must be quick.
	Denied   func(netip.Addr) bool
	DenyFile string // an nginx include of "deny ADDRESS;" lines, read again whenever it changes
	Refusal  Refusal

	Servers   int     // at the start, 1 to 1,000; default 4
	PerServer float64 // pages or API calls/s one server answers; default 0.55 × Rate: four servers carry some five times what ordinary traffic costs
}

// Refusal says what becomes of a denied source's requests.
type Refusal uint8

const (
	// Vanish behaves like a packet filter behind a deny list: the first two
	// requests still reach nginx and are answered 403, later ones never
	// arrive, but for one in a hundred that tries again over a new connection.
	Vanish Refusal = iota
	// Forbid behaves like nginx alone: every request is answered and logged 403.
	Forbid
)

func (o Options) complete() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.History == 0:
		o.History = 10 * time.Minute
	case o.History < 0:
		o.History = 0
	case o.History > 24*time.Hour:
		return o, fmt.Errorf("demo history %s is too long; give at most 24h", o.History)
	}
	if o.Rate == 0 {
		o.Rate = 150
	}
	if !(o.Rate >= 1 && o.Rate <= 5000) { // NaN fails too
		return o, fmt.Errorf("demo rate %g/s is out of range; give 1 to 5000 requests/s", o.Rate)
	}
	if o.RotateAt <= 0 {
		o.RotateAt = 256 << 20
	}
	if o.Servers == 0 {
		o.Servers = 4
	}
	if o.Servers < 1 || o.Servers > maxServers {
		return o, fmt.Errorf("%d servers are out of range; give 1 to %d", o.Servers, maxServers)
	}
	if o.PerServer == 0 {
		o.PerServer = 0.55 * o.Rate
	}
	if o.PerServer < 0 {
		return o, fmt.Errorf("%g requests/s a server is negative; give a positive figure", o.PerServer)
	}
	if o.Start.IsZero() {
		o.Start = o.Now().Add(-o.History)
	}
	o.Start = o.Start.UTC()
	for _, name := range o.Drills {
		if _, ok := Find(name); !ok {
			return o, fmt.Errorf("no drill is named %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	return o, nil
}

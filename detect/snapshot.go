package detect

import (
	"net/netip"
	"time"
)

// Snapshot is what the engine knows at one moment. It is immutable.
type Snapshot struct {
	Seq       uint64     // grows with each snapshot
	Now       time.Time  // event time
	Total     Traffic    // all services together
	Services  []Service  // busiest first; unknown hosts together as "_other"
	History   []Point    // one a second, oldest first, at most 900
	Paths     []Share    // path templates by requests over the last 60 s, at most 20
	Agents    []Share    // user agents, likewise
	Networks  []Share    // ASNs where a GeoIP database is given, else /24 and /48 prefixes
	Suspects  []Suspect  // highest score first, at most 1000
	NSuspects int        // how many there are in all
	Incidents []Incident // open ones, latest first, then those that closed in the last hour
	Sources   int        // sources held with full state
	Anonymous uint64     // requests without a client address (a host name in its place): counted in the rates, judged by nobody
	Inputs    []Input    // one for each Request.Origin seen
	Memory    Memory
	Learning  bool // the baseline is still cold: floors apply
	UsualOf   int  // how many samples of usual traffic Suspect.UsualShare is counted from, 0 while they are too few
}

// Traffic is one second's view over the last 10 s.
type Traffic struct {
	Rate       float64       // requests/s
	Baseline   float64       // usual requests/s, 0 while unknown
	Status     [6]float64    // share of 1xx … 5xx at index 1 … 5, unknown at 0
	ErrorShare float64       // 0 to 1, status >= 400
	P50, P95   time.Duration // time to serve, -1 when the log does not say
	NewSources float64       // never-seen sources a second
	Sources    int           // distinct sources over the last 60 s (an estimate)
	Requests   uint64        // since the engine began
}

// Service is the traffic of one service.
type Service struct {
	Name string
	Traffic
}

// Point is one second of the past.
type Point struct {
	Time     int64 // Unix seconds
	Requests uint32
	Errors   uint32  // status >= 400
	Refused  uint32  // status 403, 429 or 444: what a block or limit turned away
	Baseline float32 // requests/s usual at that moment, 0 unknown
	P95      float32 // seconds, -1 unknown
	Incident bool    // whether a hostile incident was open
}

// Share is one row of a top list.
type Share struct {
	Name  string
	Count uint64  // requests
	Share float64 // 0 to 1
}

// Input is what the engine measured of one input.
type Input struct {
	Origin   uint16
	Requests uint64
	Late     uint64        // arrived too late for their second's bucket and were counted in the oldest one
	Lateness time.Duration // how far behind the newest event time the input runs (largest in the last 60 s)
	Last     time.Time     // newest event time
}

// Memory is what the engine holds and what it shed to stay within its limit.
type Memory struct {
	Bytes int64 // held by tables and sketches, estimated from their sizes
	Limit int64
	Shed  uint64 // sources whose full state was dropped for room; they stay in the sketches
}

// SourceView is everything the engine knows of one address or prefix.
type SourceView struct {
	Suspect             // score 0 and no evidence when nothing speaks against it
	Known      bool     // whether full state is held
	Recent     []Sample // newest first, at most 50
	Statuses   []Share  // by status code
	PathShares []Share
	Neighbours []netip.Addr // other active addresses in the same /24 or /48, at most 20
	History    []uint16     // requests a second over the last 60 s, oldest first
}

package detect

import (
	"net/netip"
	"time"
)

// Evidence is one reason for a verdict, in words with numbers.
type Evidence struct {
	Signal string  `json:"signal"` // a stable short name: rate, one_path, tool_agent, login_failures …
	Text   string  `json:"text"`   // "188 requests/s, its peers make 4/s at most"
	Points float64 `json:"points"` // what it adds to the score; negative when it speaks for the source
}

// Suspect is a source (an address, an IPv6 /64, or a prefix) with a verdict.
type Suspect struct {
	Key      netip.Prefix // /32 for an IPv4 client, /64 for an IPv6 client, wider for a judged prefix
	Addr     netip.Addr   // the address last seen in Key
	Service  string       // the service it asks most
	Score    float64      // 0 to 100, the sum of the evidence, clipped
	Attack   Attack
	Traits   []Attack
	Evidence []Evidence // strongest first
	Incident string     // ID of the incident it was enrolled in, or ""
	Measure  Measure    // what the detector recommends: Observe until the evidence is enough to act

	First, Last time.Time // first and last request seen, event time
	Rate        float64   // requests/s over the last 10 s
	Delta       float64   // Rate minus what it was a minute before, requests/s
	Hits        uint64    // requests since First
	ErrorShare  float64   // 0 to 1, answers with status >= 400 over the last 60 s
	Paths       int       // distinct path templates lately (an estimate past 16)
	Agents      int       // distinct user agents lately (an estimate past 8)
	TopPath     string    // sanitised, at most 128 bytes
	TopMethod   string
	TopAgent    string // sanitised, at most 128 bytes
	TopStatus   uint16
	UsualShare  float64 // 0 to 1, share of the usual traffic this source carries
	// UsualClients is, of a prefix wider than one client, how many in it are usual
	// ones: a person's conduct, and here for four minutes.
	UsualClients int
	LongKnown    bool // carried ordinary traffic for days, not minutes
	MayAct       bool // whether auto mode may act on what was seen of it (Options.MayAct)
	Proxied      bool // seen only through a trusted proxy: a packet filter can't reach it
	ASN          uint32
	ASName       string
	Country      string
}

// Signature is what an excess has in common. Only terms that constrain are
// set; an empty Signature matches everything.
type Signature struct {
	Path        string `json:"path,omitempty"` // template, * for a varying part
	Method      string `json:"method,omitempty"`
	Query       string `json:"query,omitempty"` // random, absent, or a template
	UserAgent   string `json:"user_agent,omitempty"`
	Referer     string `json:"referer,omitempty"` // absent, or a value
	HTTPVersion string `json:"http_version,omitempty"`
	Headers     string `json:"headers,omitempty"` // hash
	Status      string `json:"status,omitempty"`
	Prefix      string `json:"prefix,omitempty"`
	ASN         string `json:"asn,omitempty"`
	Country     string `json:"country,omitempty"`
}

// Incident is one excess over a service's baseline, or one pattern of abuse,
// from its opening to its end.
type Incident struct {
	ID         string // stable over its life: service, start and a counter
	Service    string
	Attack     Attack
	Traits     []Attack
	Signature  Signature
	Opened     time.Time
	Changed    time.Time
	Closed     time.Time // zero while open
	Rate       float64   // requests/s now
	Refused    float64   // of them, turned away: 403, 429 or 444, requests/s
	Baseline   float64   // requests/s usual at this hour
	Peak       float64   // highest Rate so far
	Excess     float64   // 0 to 1, share of the excess the signature covers
	Collateral float64   // 0 to 1, share of the usual traffic the signature touches
	Untried    bool      // most of it asks what nobody asked a quarter of an hour before: Collateral says nothing of whom a throttle would hit
	UsualOf    int       // how many samples of usual traffic Collateral was counted from, 0 none
	ErrorShare float64   // 0 to 1, of the matching requests
	Sources    int       // distinct sources matching (an estimate past 1024)
	Enrolled   int       // sources recommended for a block because of it
	Evidence   []Evidence
	Measures   []Measure // recommended, in order
	Samples    []Sample  // a few matching requests
	Usual      Usual     // what the signature takes of usual clients, to measure an act on it by
}

// Sample is one request kept for people to read. All text is sanitised.
type Sample struct {
	Time     time.Time
	Source   netip.Addr
	Method   string
	Target   string
	Agent    string
	Referer  string
	Host     string
	Status   uint16
	Bytes    int64
	Duration time.Duration // -1 unknown
}

// EventKind says what an Event reports.
type EventKind string

// Event kinds, named as event.action names them.
const (
	SuspectSeen    EventKind = "suspect"
	IncidentOpen   EventKind = "incident-open"
	IncidentChange EventKind = "incident-change"
	IncidentClose  EventKind = "incident-close"
)

// Event is a verdict at the moment it fell, in event time. Exactly one of
// Suspect and Incident is set; both are never written again.
//
// A SuspectSeen event falls when a source first deserves a measure, when the
// recommendation changes, and again at least every 60 s of event time while
// its traffic goes on, so that whoever blocked it knows to renew.
type Event struct {
	Time     time.Time
	Kind     EventKind
	Suspect  *Suspect
	Incident *Incident
}

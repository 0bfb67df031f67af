// Package status holds what a console shows of the station itself: its links,
// its people and its inputs. It stands apart so that the console can name
// these types without knowing the station, and the station without knowing
// the console.
package status

import (
	"net/netip"
	"time"

	"levee/actions"
	"levee/detect"
)

// Status is what the status bar and the health screen show of the station.
type Status struct {
	Name     string        // of this levee: the host's, or "demo"
	Now      time.Time     // wall clock
	DataAge  time.Duration // since the newest log line was judged; negative: no data yet
	Elastic  Link
	Peers    Peers
	Jenkins  Link
	People   []Person
	Inputs   []Input
	QueueLen int    // requests read and not judged yet
	Shed     uint64 // lines dropped because the queue was full
	Host     Host
	Ledger   string                      // why the ledger could not be written when last tried; "" when it could
	Verdicts map[detect.EventKind]uint64 // that fell since this levee started
}

// Host is what the kernel drops on this host before any server, and so any
// log, sees it.
type Host struct {
	Signs  []string // what is dropped now, in words with its rate, worst first
	Silent bool     // the log is silent, or far below the usual, meanwhile: that is not calm
}

// Link is the state of a connection: not configured, ok, or down with a reason.
type Link struct {
	Configured, OK bool
	Note           string
}

// Peers is how this host sees the fleet it decides with. The zero value is a
// host on its own.
type Peers struct {
	Configured bool
	Host       string // this host's name in the fleet
	Leader     string // whose auto mode acts; "" nobody's
	Leads      bool   // this host's
	Term       uint64
	Hosts      []string // that are there, this one included
	Alone      bool     // the others can't be reached: this host goes on with its share
	Since      time.Time
	Share      int // alone, it has 1/Share of the budgets
	Note       string
	Notes      []string // what else is wrong, one line each with its mend
}

// Person is a session on this levee.
type Person struct {
	Name string
	Role actions.Role
	You  bool

	Via   string     // console, cli, ssh
	Addr  netip.Addr // where they sit, the zero Addr for this machine
	Since time.Time  // when they came
	Looks string     // the screen they look at, "" unknown
	Last  string     // what they did last, in a few words; "" nothing yet
	At    time.Time  // when they did it
}

// Input is one source of log lines.
type Input struct {
	Name      string
	Format    string // as recognised; "" so far unknown
	Lines     uint64
	Malformed uint64
	Newest    time.Time // event time of the newest line; zero: none was read yet
	Behind    int64     // bytes written and not read yet
	State     string    // following, waiting, ended, error
	Note      string    // the last problem, in one line with its mend
	MayAct    bool
}

// Case is what people keep about an incident: whose it is, and what they wrote
// down. The zero value is an incident that nobody has taken.
type Case struct {
	Owner string
	Since time.Time // when they took it
	Notes []Note    // oldest first, at most 100

	Muted   time.Time // until then nobody is told of it; zero: they are
	MutedBy string
}

// Note is a line that somebody wrote about an incident.
type Note struct {
	At       time.Time
	By, Text string
}

// Waiting is a plan that waits for a second person.
type Waiting struct {
	Code    string // what approves it
	By      string // who asks
	Verb    actions.Verb
	Targets int
	Usual   float64 // 0 to 1, of usual traffic it touches
	Reason  string
	Expires time.Time
}

// Fleet is the traffic of all hosts together, as Elasticsearch counted it last.
// It is immutable.
type Fleet struct {
	Configured bool
	Problem    string        // why there is nothing newer, in one line with its mend; "" all is well
	At         time.Time     // when the cluster was asked; zero: it has not answered yet
	Window     time.Duration // what the figures cover: the time before At
	Rate       float64       // requests/s
	Before     float64       // requests/s in the same window an hour earlier; 0 unknown
	Status     [6]float64    // share of 1xx … 5xx at index 1 … 5, without or another at 0
	Distinct   int           // distinct sources (an estimate)
	Sampled    float64       // share of the requests that Status and the lists below were estimated from; 1: all of them
	Hosts      []detect.Share
	Sources    []detect.Share // busiest first, at most 20; Name is an address
	Paths      []detect.Share
	Agents     []detect.Share
	Partial    bool          // some of the cluster did not answer: the figures are too low
	Took       time.Duration // what the answer cost the cluster
	Moved      int64         // bytes that came over the network
}

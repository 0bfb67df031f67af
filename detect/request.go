package detect

import "net/netip"

// Kind says what a log line turned out to be.
type Kind uint8

// The kinds of line, named as the parser's output names them.
const (
	Access    Kind = iota // a request and its response
	NoRequest             // an answered connection whose request line is garbage: address, time and status count
	ErrorLine             // a server's error log line
	Other                 // a comment, a header, a line of another program
	Malformed             // not a log line of any known format
)

var kindNames = [...]string{"access", "no_request", "error", "other", "malformed"}

// String returns the name scripts see: access, no_request, error, other, malformed.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "malformed"
}

// Request is one sanitised request. Its byte slices hold no control characters
// and point into the batch it came in: they are valid until Engine.Add returns,
// and whoever keeps one longer copies it. A nil slice means that the log did
// not say ("-" or no such field).
type Request struct {
	Time     int64      // event time, nanoseconds since the Unix epoch, UTC
	Source   netip.Addr // the client; behind trusted proxies, the address they vouch for. Never 4-in-6 mapped, never zoned
	Peer     netip.Addr // who opened the connection, when it is not Source; else the zero Addr
	Client   []byte     // the client as the log names it when that is no address ("localhost", "unix:"); Source is then the zero Addr
	Method   []byte
	Target   []byte // path with its query, as sent
	Proto    []byte // HTTP/1.1, HTTP/2.0, …
	Agent    []byte // user agent
	Referer  []byte
	Host     []byte // the service asked for
	User     []byte // account named by the log
	Headers  uint64 // hash over the judged headers the log carries, 0 when it carries none
	Bytes    int64  // body bytes sent, -1 unknown
	Duration int64  // time to serve, nanoseconds, -1 unknown
	Status   uint16 // 0 unknown, or no answer was sent: see Silent
	Kind     Kind   // Access or NoRequest; anything else is counted and not judged
	Silent   bool   // the log states a status of 0: no answer was sent
	Origin   uint16 // which input it came from: an index the caller assigns, see Options.MayAct

	gist gist // see Prepare
}

package logline

// field is the meaning of one value in a log line.
type field uint8

const (
	ignored   field = iota
	client          // the client, or who opened the connection
	peer            // who opened the connection, where client is what it vouched for
	forwarded       // X-Forwarded-For, Forwarded, or one address from a similar header
	clock1          // the time, or its date where clock2 is the time of day
	clock2          // time of day
	request         // the whole request line
	method          // GET
	target          // path with its query
	path            // path without its query
	query           // query, with or without its question mark
	whole           // scheme, host, path and query, where nothing else says them
	proto           // HTTP/1.1, or 1.1
	code            // HTTP status
	length          // body bytes sent
	lengthAll       // bytes sent with headers, where nothing better is logged
	referer         // where the client says it came from
	agent           // user agent
	host            // the service asked for
	user            // account
	seconds         // time to serve, in the unit of its name
	millis          // likewise
	micros          // likewise
	nanos           // likewise
	duration        // time to serve, in the unit that is usual for the format
	header          // one of the judged headers: goes into the header hash
	message         // a whole log line of another format inside
	number          // any number: only checked, to tell layouts apart
	logger          // which part of Caddy wrote the line
	fieldCount
)

// FieldNames are the meanings that Options.Fields may give to a JSON key.
var FieldNames = []string{
	"ip", "peer", "forwarded", "time", "request", "method", "target", "path", "query", "url", "proto", "status", "bytes",
	"referer", "ua", "host", "user", "seconds", "milliseconds", "microseconds", "nanoseconds", "header", "message",
}

var fieldsByName = map[string]field{
	"ip": client, "peer": peer, "forwarded": forwarded, "time": clock1, "request": request, "method": method, "target": target,
	"path": path, "query": query, "url": whole, "proto": proto, "status": code, "bytes": length, "referer": referer, "ua": agent, "host": host,
	"user": user, "seconds": seconds, "milliseconds": millis, "microseconds": micros, "nanoseconds": nanos, "header": header, "message": message,
}

// escaping says how a format writes what it can't write as it is.
type escaping uint8

const (
	backslashes escaping = iota // \" \xNN, as nginx and Apache do
	verbatim                    // a backslash means itself
	jsonEscapes                 // \" \n \u00NN
	plusSigns                   // + for a blank, as IIS does
	percents                    // %20, as CloudFront does
)

// values collects a line's fields before they become a Request: formats write
// them in any order and leave out what others state.
type values struct {
	at   [fieldCount][]byte
	hash uint64 // over the judged headers, 0 when there were none
}

func (v *values) set(f field, b []byte) {
	if f != ignored {
		v.at[f] = b
	}
}

// addHeader mixes one judged header into the hash (FNV-1a over a number for
// its name and its value); an absent header counts as such.
func (v *values) addHeader(id uint8, b []byte) {
	if v.hash == 0 {
		v.hash = 14695981039346656037
	}
	h := (v.hash ^ uint64(id)) * 1099511628211
	if string(b) != "-" {
		for _, c := range b {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	v.hash = h
}

// absent reports whether a field says nothing.
func absent(b []byte) bool { return len(b) == 0 || len(b) == 1 && b[0] == '-' }

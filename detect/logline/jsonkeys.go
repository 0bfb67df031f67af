package logline

import (
	"strings"
	"sync"
)

// dialect is a family of JSON logs, told by its keys.
type dialect uint8

const (
	anyJSON dialect = iota
	caddyJSON
	traefikJSON
	envoyJSON
	cloudflareJSON
	ecsJSON
	logstashJSON
	googleJSON
	azureJSON
	dialectCount
)

var dialectNames = [dialectCount]string{"json", "caddy", "traefik_json", "envoy_json", "cloudflare", "ecs", "logstash", "google", "azure"}

// keyNode is a place in the tree of known keys: a value with a meaning, an
// object with known keys, or both.
type keyNode struct {
	field   field
	rank    uint8 // of several values with one meaning the highest rank counts
	dialect dialect
	header  uint8 // number of a judged header, for field header
	slots   []keySlot
	count   int
}

type keySlot struct {
	key  string
	node *keyNode
}

// keyHash spreads keys by their length and three of their bytes.
func keyHash[T string | []byte](k T) int {
	n := len(k)
	if n == 0 {
		return 0
	}
	return n*7 + int(k[0]) + int(k[n-1])*31 + int(k[n/2])*131
}

// find returns the node of key k, nil when it is not known.
func (n *keyNode) find(k []byte) *keyNode {
	if n.slots == nil {
		return nil
	}
	mask := len(n.slots) - 1
	for i := keyHash(k) & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.node == nil {
			return nil
		}
		if s.key == string(k) {
			return s.node
		}
	}
}

// child returns the node of key k and makes it when needed.
func (n *keyNode) child(k string) *keyNode {
	if c := n.find([]byte(k)); c != nil {
		return c
	}
	if 4*(n.count+1) > len(n.slots) {
		old := n.slots
		n.slots = make([]keySlot, max(8, 2*len(old)))
		for _, s := range old {
			if s.node != nil {
				n.put(s)
			}
		}
	}
	c := &keyNode{}
	n.put(keySlot{k, c})
	n.count++
	return c
}

func (n *keyNode) put(s keySlot) {
	mask := len(n.slots) - 1
	i := keyHash(s.key) & mask
	for n.slots[i].node != nil {
		i = (i + 1) & mask
	}
	n.slots[i] = s
}

// learn gives the key at a dotted path a meaning, written nested, as one dotted
// key, or mixed.
func (n *keyNode) learn(path string, f field, rank uint8, d dialect, header uint8) {
	set := func(c *keyNode) {
		c.field, c.rank, c.dialect, c.header = f, rank, d, header
	}
	for i := strings.IndexByte(path, '.'); i > 0; i = strings.IndexByte(path, '.') {
		set(n.child(path))
		n, path = n.child(path[:i]), path[i+1:]
	}
	set(n.child(path))
}

// ownRank is more than there are names on a line of keyTables.
const ownRank = 32

// holds makes the object at key k hold the same keys as n itself: the document
// within what an Elasticsearch export writes.
func (n *keyNode) holds(k string) {
	n.child(k)
	for i := range n.slots {
		if n.slots[i].key == k {
			n.slots[i].node = n
		}
	}
}

// usualKeys is the tree of all keys that are known without being told.
var usualKeys = sync.OnceValue(func() *keyNode { return newKeys(nil) })

// newKeys builds the tree, with the meanings that the user gave on top.
func newKeys(extra map[string]field) *keyNode {
	root := &keyNode{}
	for _, t := range keyTables {
		for _, line := range strings.Split(strings.TrimSpace(t.keys), "\n") {
			words := strings.Fields(line)
			f := jsonFields[words[0]]
			for i, k := range words[1:] {
				// Earlier names on a line outrank later ones, and a program's own
				// those that anybody uses.
				rank := uint8(len(words) - i)
				if t.dialect != anyJSON {
					rank += ownRank
				}
				root.learn(k, f, rank, t.dialect, 0)
			}
		}
	}
	for i, h := range judgedHeaders {
		for _, k := range []string{
			"http_" + strings.ReplaceAll(h, "-", "_"), "sent_" + h, "request_" + canonical(h),
			"request.headers." + canonical(h), "http.request.headers." + h,
		} {
			root.learn(k, header, 1, anyJSON, uint8(i+1))
		}
	}
	root.holds("_source")
	for k, f := range extra {
		root.learn(k, f, 255, anyJSON, uint8(len(judgedHeaders)+1))
	}
	return root
}

// canonical writes a header name as HTTP/1 does: Accept-Language.
func canonical(h string) string {
	parts := strings.Split(h, "-")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "-")
}

// judgedHeaders are request headers that tell clients apart; the order gives
// each its number in the header hash and must not change.
var judgedHeaders = []string{
	"accept", "accept-language", "accept-encoding", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
	"sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "upgrade-insecure-requests", "connection", "x-requested-with",
}

// jsonFields names the meanings in keyTables.
var jsonFields = func() map[string]field {
	m := map[string]field{"duration": duration, "length+headers": lengthAll, "logger": logger}
	for k, f := range fieldsByName {
		m[k] = f
	}
	return m
}()

// keyTables lists known keys by meaning, best first. A key that several
// programs use with one meaning stands under anyJSON.
var keyTables = []struct {
	dialect dialect
	keys    string
}{
	{anyJSON, `
ip remote_addr client_ip clientip client_addr remote_ip remote_host ip ip_address src_ip source_ip real_ip client
peer realip_remote_addr
forwarded http_x_forwarded_for x_forwarded_for proxy_add_x_forwarded_for xff forwarded_for http_forwarded http_x_real_ip http_cf_connecting_ip http_true_client_ip proxy_protocol_addr
time msec time_iso8601 time_local @timestamp timestamp time date datetime started_at
request request request_line
method method request_method http_method request.method
target request_uri uri url request_url path request_path request.uri request.url request.path
path document_uri
query query_string query args
proto server_protocol protocol proto http_version request.protocol
status status status_code response_status http_status response_code response.status response.status_code
bytes body_bytes_sent bytes size response_size response_bytes resp_body_size response.body_bytes_sent response.bytes response.size
length+headers bytes_sent
referer http_referer referer referrer http_referrer
ua http_user_agent user_agent useragent agent ua request.headers.user_agent request.headers.user-agent
host http_host host server_name vhost domain hostname request.headers.host
user remote_user user username
seconds request_time
milliseconds duration_ms elapsed_ms response_time_ms latencies.request
duration duration
message message MESSAGE log event.original`},
	// Google Cloud's load balancers and what logs through its HttpRequest
	// (https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest).
	{googleJSON, `
ip httpRequest.remoteIp
method httpRequest.requestMethod
url httpRequest.requestUrl
proto httpRequest.protocol
status httpRequest.status
bytes httpRequest.responseSize
duration httpRequest.latency
referer httpRequest.referer
ua httpRequest.userAgent`},
	// Azure Front Door and Application Gateway, which calls the path an URI
	// (https://learn.microsoft.com/azure/frontdoor/standard-premium/how-to-logs).
	{azureJSON, `
time timeStamp
ip properties.clientIp properties.clientIP
peer properties.socketIp
method properties.httpMethod
url properties.requestUri
target properties.originalRequestUriWithArgs
proto properties.httpVersion
status properties.httpStatusCode properties.httpStatus
length+headers properties.responseBytes properties.sentBytes
seconds properties.timeTaken
host properties.hostName properties.originalHost properties.host
referer properties.referer
ua properties.userAgent`},
	{caddyJSON, `
logger logger
time ts
ip request.client_ip request.remote_ip request.remote_addr
peer request.remote_ip
forwarded request.headers.X-Forwarded-For request.headers.Forwarded
proto request.proto
method request.method
host request.host
target request.uri
ua request.headers.User-Agent
referer request.headers.Referer
user user_id`},
	{traefikJSON, `
ip ClientHost ClientAddr
user ClientUsername
bytes DownstreamContentSize
status DownstreamStatus
nanoseconds Duration
host RequestHost RequestAddr
method RequestMethod
target RequestPath
proto RequestProtocol
time StartUTC StartLocal
ua request_User-Agent
referer request_Referer
forwarded request_X-Forwarded-For request_Forwarded`},
	{cloudflareJSON, `
ip ClientIP
host ClientRequestHost
method ClientRequestMethod
target ClientRequestURI
path ClientRequestPath
proto ClientRequestProtocol
referer ClientRequestReferer
ua ClientRequestUserAgent
time EdgeStartTimestamp EdgeEndTimestamp
bytes EdgeResponseBytes
status EdgeResponseStatus
milliseconds EdgeTimeToFirstByteMs OriginResponseDurationMs
header JA4 JA3Hash`},
	{envoyJSON, `
time start_time
ip downstream_remote_address
peer downstream_direct_remote_address
forwarded x-forwarded-for forwarded
host :authority authority
target x-envoy-original-path x-envoy-origin-path :path
method :method
ua user-agent
status response_code`},
	{ecsJSON, `
time @timestamp
ip client.ip source.ip client.address source.address
forwarded network.forwarded_ip
method http.request.method
referer http.request.referrer
status http.response.status_code
bytes http.response.body.bytes
length+headers http.response.bytes
proto http.version
target url.original
path url.path
query url.query
host url.domain destination.domain
ua user_agent.original
user user.name client.user.name source.user.name
nanoseconds event.duration`},
	{logstashJSON, `
ip clientip
method verb
user auth
status response
proto httpversion`},
}

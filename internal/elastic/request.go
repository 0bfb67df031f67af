package elastic

import (
	"bytes"
	"strconv"
	"time"

	"levee/detect"
	"levee/internal/jsonl"
)

// sample decides which requests are published and how they are named.
type sample struct {
	rate  float64 // 0 to 1
	head  string  // begins every ID: the levee and this run of it
	tail  []byte  // fields every document has
	count uint64
}

// newSample makes IDs that no other run of any levee makes.
func newSample(o Origin, rate float64, began time.Time) *sample {
	d, err := o.doc(RequestsStream, began, fields{}, "run", began.UTC().Format(time.RFC3339Nano))
	head := strconv.FormatInt(began.UnixNano(), 36)
	if err == nil {
		head = d.ID
	}
	s := &sample{rate: rate, head: head}
	s.tail = append(s.tail, `,"ecs.version":"`+ecsVersion+`","event.kind":"event","event.category":"web","event.module":"levee","event.dataset":"levee.requests","observer.type":"levee","observer.name":`...)
	s.tail = jsonl.AppendString(s.tail, []byte(o.Host))
	s.tail = append(s.tail, `,"levee.sample_rate":`...)
	s.tail = strconv.AppendFloat(s.tail, rate, 'g', -1, 64)
	s.tail = append(s.tail, '}')
	return s
}

// take reports whether the next request is part of the sample: which one is
// depends on nothing that is in it.
func (s *sample) take() bool {
	s.count++
	x := s.count * 0x9e3779b97f4a7c15 // splitmix64 (Steele, Lea, Flood 2014)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11)/(1<<53) < s.rate
}

// append writes r as a record of the spool to b.
func (s *sample) append(b []byte, r *detect.Request) []byte {
	b = append(b, RequestsStream+"\t"...)
	b = append(b, s.head...)
	b = append(b, '-')
	b = strconv.AppendUint(b, s.count, 36)
	b = append(b, "\t0\t{\"@timestamp\":\""...)
	b = time.Unix(0, r.Time).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, '"')
	text := func(name string, v []byte) {
		if v != nil {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = jsonl.AppendString(b, v)
		}
	}
	number := func(name string, v int64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = strconv.AppendInt(b, v, 10)
	}
	if r.Source.IsValid() {
		b = append(b, `,"source.ip":"`...)
		b = r.Source.AppendTo(b)
		b = append(b, '"')
	} else {
		text("source.address", r.Client)
	}
	path, query, asked := bytes.Cut(r.Target, []byte("?"))
	text("http.request.method", r.Method)
	text("url.path", path)
	hid := false
	if asked {
		query, hid = Redact(query)
		text("url.query", query)
	}
	text("url.domain", r.Host)
	text("user_agent.original", r.Agent)
	referer, cut := redactURL(r.Referer)
	text("http.request.referrer", referer)
	text("user.name", r.User)
	text("http.version", bytes.TrimPrefix(r.Proto, []byte("HTTP/")))
	if r.Status != 0 {
		number("http.response.status_code", int64(r.Status))
	}
	if r.Bytes >= 0 {
		number("http.response.body.bytes", r.Bytes)
	}
	if r.Duration >= 0 {
		number("event.duration", r.Duration)
	}
	if hid || cut {
		b = append(b, `,"levee.redacted":true`...)
	}
	b = append(b, s.tail...)
	return append(b, '\n')
}

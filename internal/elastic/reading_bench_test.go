package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"levee/testing/elasticsearch"
)

// accessLog maps an index as Filebeat's template does, but for the path, whose
// type wildcard the small distribution lacks.
var accessLog = object{"settings": object{"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "1s"},
	"mappings": object{"dynamic": false, "properties": object{
		"@timestamp": object{"type": "date"}, "source": object{"properties": object{"ip": object{"type": "ip"}}},
		"url":        object{"properties": object{"path": object{"type": "keyword"}, "domain": object{"type": "keyword"}}},
		"user_agent": object{"properties": object{"original": object{"type": "keyword"}}}, "user": object{"properties": object{"name": object{"type": "keyword"}}},
		"http": object{"properties": object{"request": object{"properties": object{"method": object{"type": "keyword"}}},
			"response": object{"properties": object{"status_code": object{"type": "long"}}}}}}}}

// logged is request n as a document, by one of 200,000 sources.
func logged(n int, at time.Time) string {
	x := uint32(n) * 2654435761 // Knuth's multiplicative hash: spread, and the same each run
	source := x % 200_000
	return fmt.Sprintf(`{"@timestamp":%q,"source":{"ip":"10.%d.%d.%d"},"url":{"path":"/items/%d","domain":"shop%d.example.com"},"user_agent":{"original":"Mozilla/5.0 (%d)"},"http":{"request":{"method":"GET"},"response":{"status_code":%d}}}`,
		at.UTC().Format("2006-01-02T15:04:05.000Z"), source>>16, source>>8&255, source&255, x>>8%2000, x%5, x>>4%300, []int{200, 200, 200, 304, 404, 503}[x>>12%6])
}

// BenchmarkFleet is what the fleet view costs over LEVEE_BENCH_DOCS documents
// (default 100,000) of 65 minutes: in a window of five minutes against the
// same an hour before, and in one of an hour that holds nearly all of them.
// LEVEE_BENCH_NODE names a node that runs already; documents that an earlier
// run stored there are used again.
func BenchmarkFleet(b *testing.B) {
	total := 100_000
	if s := os.Getenv("LEVEE_BENCH_DOCS"); s != "" {
		var err error
		total, err = strconv.Atoi(s)
		must(b, err)
	}
	admin, now := crowded(b, total)
	for _, window := range []time.Duration{5 * time.Minute, time.Hour} {
		b.Run(window.String(), func(b *testing.B) {
			r := NewReader(admin, FleetQuery{Index: "filebeat-bench", Window: window})
			var took []time.Duration
			var f *Fleet
			for b.Loop() {
				var err error
				t := time.Now()
				f, err = r.Fleet(b.Context(), now)
				must(b, err)
				took = append(took, time.Since(t))
			}
			if f.Partial {
				b.Error("the cluster gave up: ", f.Why)
			}
			slices.Sort(took)
			b.ReportMetric(float64(f.Requests), "requests")
			b.ReportMetric(float64(f.Moved)/1000, "kB/refresh")
			b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
			b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "max-ms")
		})
	}
}

// crowded returns a client of a node that holds total documents, and the time
// of the newest.
func crowded(b *testing.B, total int) (*Client, time.Time) {
	b.Helper()
	const index = "filebeat-bench"
	var admin *Client
	if url := os.Getenv("LEVEE_BENCH_NODE"); url != "" {
		admin = client(b, Options{URLs: []string{url}, User: elasticsearch.User, Password: elasticsearch.Password, Timeout: 30 * time.Second})
		var a struct {
			Aggs struct {
				Count struct{ Value int }
				Last  struct{ Value float64 }
			} `json:"aggregations"`
		}
		err := admin.call(b.Context(), http.MethodPost, "/"+index+"/_search", object{"size": 0, "aggs": object{
			"count": object{"value_count": object{"field": "@timestamp"}}, "last": object{"max": object{"field": "@timestamp"}}}}, &a)
		if err == nil && a.Aggs.Count.Value == total {
			return admin, time.UnixMilli(int64(a.Aggs.Last.Value) + 1)
		}
		if err == nil {
			must(b, admin.call(b.Context(), http.MethodDelete, "/"+index, nil, nil))
		}
	} else {
		admin = superuser(b)
	}
	must(b, admin.call(b.Context(), http.MethodPut, "/"+index, accessLog, nil))
	now := time.Now()
	var next atomic.Int64
	var loading sync.WaitGroup
	began := time.Now()
	for range 2 {
		loading.Go(func() {
			for {
				from := int(next.Add(5000)) - 5000
				if from >= total {
					return
				}
				var buf bytes.Buffer
				for n := from; n < min(from+5000, total); n++ {
					at := now.Add(-65*time.Minute + time.Duration(float64(n)/float64(total)*float64(65*time.Minute)))
					buf.WriteString("{\"create\":{}}\n" + logged(n, at) + "\n")
				}
				err := admin.call(b.Context(), http.MethodPost, "/"+index+"/_bulk?filter_path=errors", buf.Bytes(), nil)
				for IsKind(err, Busy) { // its heap is small
					wait(b.Context(), time.Second)
					err = admin.call(b.Context(), http.MethodPost, "/"+index+"/_bulk?filter_path=errors", buf.Bytes(), nil)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	loading.Wait()
	must(b, admin.call(b.Context(), http.MethodPost, "/"+index+"/_refresh", nil, nil))
	b.Logf("%d documents stored in %s", total, time.Since(began).Round(time.Second))
	return admin, now
}

// BenchmarkTailLag is how long after the cluster took a document the tail
// hands it over, at 3,000 documents a second for ten seconds. The cluster
// itself shows documents once a second.
func BenchmarkTailLag(b *testing.B) {
	const rate, seconds = 3000, 10
	admin := superuser(b)
	for b.Loop() {
		index := fmt.Sprintf("filebeat-lag-%d", time.Now().UnixNano())
		must(b, admin.call(b.Context(), http.MethodPut, "/"+index, accessLog, nil))
		tail, err := NewTail(TailOptions{Client: admin, Index: index, File: filepath.Join(b.TempDir(), "tail.json")})
		must(b, err)
		must(b, tail.begun(b.Context()))
		w := &writer{c: admin, acked: make([]time.Time, rate*seconds), latest: func(time.Time) string { return index },
			docs: func(n int, now time.Time) string { return fmt.Sprintf(`{"n":%d,%s`, n, logged(n, now)[1:]) }}
		var known sync.Mutex
		var writing sync.WaitGroup
		began := time.Now()
		writing.Go(func() {
			for tick := range seconds * 10 {
				wait(b.Context(), time.Until(began.Add(time.Duration(tick)*100*time.Millisecond)))
				known.Lock()
				n := w.next
				known.Unlock()
				one := &writer{c: admin, acked: make([]time.Time, rate*seconds), next: n, docs: w.docs, latest: w.latest}
				one.bulk(b, rate/10)
				known.Lock()
				copy(w.acked[n:], one.acked[n:one.next])
				w.next = one.next
				known.Unlock()
			}
		})
		seen := make([]time.Time, rate*seconds)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		for got := 0; got < len(seen); {
			docs, err := tail.Next(ctx)
			must(b, err)
			at := time.Now()
			for _, d := range docs {
				seen[number(b, d)] = at
			}
			got += len(docs)
			must(b, tail.Judged(len(docs)))
		}
		cancel()
		writing.Wait()
		wrote := time.Since(began)
		must(b, tail.Close())
		lags := make([]time.Duration, len(seen))
		for i := range seen {
			lags[i] = seen[i].Sub(w.acked[i])
		}
		slices.Sort(lags)
		b.ReportMetric(float64(lags[len(lags)/2].Milliseconds()), "p50-ms")
		b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "p99-ms")
		b.ReportMetric(float64(lags[len(lags)-1].Milliseconds()), "max-ms")
		b.ReportMetric(rate*seconds/wrote.Seconds(), "docs/s")
	}
}

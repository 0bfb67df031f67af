package station

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"levee/internal/config"
)

// counter answers as Elasticsearch does when it counts, or as something else.
type counter struct {
	cluster
	searches atomic.Int64
	broken   atomic.Bool
	gate     sync.Mutex // answers wait while a test holds it
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.broken.Load() {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html><title>Sign in</title></html>"))
		return
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	switch {
	case strings.HasSuffix(r.URL.Path, "/_field_caps"):
		_, _ = w.Write([]byte(`{"indices":["filebeat-1"],"fields":{"@timestamp":{"date":{}},"source.ip":{"ip":{}},"user.name":{"keyword":{}},
			"http.response.status_code":{"long":{}},"url.path":{"wildcard":{}},"user_agent.original":{"keyword":{}},"url.domain":{"keyword":{}},"http.request.method":{"keyword":{}}}}`))
	case strings.HasSuffix(r.URL.Path, "/_search"):
		c.searches.Add(1)
		c.gate.Lock()
		defer c.gate.Unlock()
		_, _ = w.Write([]byte(`{"took":7,"_shards":{"failed":0},"aggregations":{"windows":{"buckets":{"before":{"doc_count":300},"recent":{"doc_count":3000}}},"distinct":{"value":2},
			"mix":{"doc_count":3000,"statuses":{"buckets":[{"key":200,"doc_count":1500},{"key":503,"doc_count":1500}]},"sources":{"buckets":[{"key":"203.0.113.9","doc_count":2000}]}},
			"count":{"value":42},"named":{"doc_count":7},"users":{"buckets":[{"key":"ana","doc_count":7}]},
			"days":{"buckets":[{"key":1790000000000,"doc_count":42}]},"first":{"value":1790000000000},"last":{"value":1790000900000}}}`))
	default:
		c.cluster.ServeHTTP(w, r)
	}
}

// TestFleetIsAskedWhileSomebodyLooks looks at the fleet and at a source, cuts
// the cluster off behind a sign-in page, and brings it back.
func TestFleetIsAskedWhileSomebodyLooks(t *testing.T) {
	es := &counter{cluster: cluster{docs: map[string]map[string]any{}}}
	srv := httptest.NewServer(es)
	defer srv.Close()
	p := place{t.TempDir()}
	o := p.options()
	o.Config.Elasticsearch = config.Elasticsearch{URLs: []config.URL{config.URL(srv.URL)}, Fleet: config.Fleet{Every: 5 * time.Millisecond, Window: time.Minute}}
	s, stop := start(t, o)
	defer stop()
	if n := es.searches.Load(); n != 0 {
		t.Errorf("%d searches before anybody looked", n)
	}
	es.gate.Lock()
	if f := s.Fleet(); !f.Configured || !f.At.IsZero() {
		t.Errorf("before the first answer: %+v", f)
	}
	es.gate.Unlock()
	eventually(t, "the figures come", func() bool { return s.Fleet().Rate == 50 })
	f := s.Fleet()
	if f.Before != 5 || f.Status[5] != .5 || f.Sources[0].Name != "203.0.113.9" || f.Sources[0].Count != 2000 || f.Took != 21*time.Millisecond || f.Sampled != 1 || f.Moved == 0 {
		t.Errorf("%+v", f)
	}
	who := netip.MustParsePrefix("203.0.113.9/32")
	es.gate.Lock()
	if past := s.Past(who); !past.Configured || !past.At.IsZero() {
		t.Errorf("before the first answer: %+v", past)
	}
	es.gate.Unlock()
	eventually(t, "the history comes", func() bool { return s.Past(who).Requests == 42 })
	if past := s.Past(who); past.Named != 7 || past.Accounts[0].Name != "ana" || len(past.Days) != 1 || past.First.IsZero() || past.Over != 7*24*time.Hour {
		t.Errorf("%+v", past)
	}

	es.broken.Store(true)
	eventually(t, "the sign-in page is told", func() bool { return strings.Contains(s.Fleet().Problem, `a web page "Sign in"`) })
	if f := s.Fleet(); f.Rate != 50 || f.At.IsZero() {
		t.Errorf("what was known is gone: %+v", f)
	}
	if past := s.AskPast(t.Context(), who); past.Requests != 42 || !strings.Contains(past.Problem, "Sign in") {
		t.Errorf("history: %+v", past)
	}
	es.broken.Store(false)
	eventually(t, "recovery", func() bool { return s.Fleet().Problem == "" && s.AskPast(t.Context(), who).Problem == "" })
}

// TestNoFleetWithoutElasticsearch asks a station that has no cluster.
func TestNoFleetWithoutElasticsearch(t *testing.T) {
	s, stop := start(t, place{t.TempDir()}.options())
	defer stop()
	who := netip.MustParsePrefix("203.0.113.9/32")
	if s.Fleet().Configured || s.Past(who).Configured || s.AskPast(t.Context(), who).Configured {
		t.Error("a fleet without a cluster")
	}
}

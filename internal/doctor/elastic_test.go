package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"levee/internal/config"
)

// TestElasticsearchFindings looks at a source and the fleet through clusters
// in every state.
func TestElasticsearchFindings(t *testing.T) {
	now := time.Date(2026, 3, 12, 9, 15, 10, 0, time.UTC)
	settings := `{"f-1":{"settings":{"index.uuid":"u","index.number_of_shards":"1"}}}`
	hit := func(at time.Time, message string) string {
		return fmt.Sprintf(`{"hits":{"hits":[{"_index":"f-1","_source":{"message":%q},"sort":[%d]}]},
			"aggregations":{"ahead":{"buckets":[{"from":%d}]},"windows":{"buckets":{"recent":{"doc_count":40}}}}}`, message, at.UnixMilli(), now.Add(time.Minute).UnixMilli())
	}
	line := `192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /shop HTTP/1.1" 200 9 "-" "x"`
	for _, c := range []struct {
		name, settings, search string
		status                 int
		source, fleet          State
		says                   []string
	}{
		{"well", settings, hit(now.Add(-8*time.Second), line), 200, OK, OK, []string{"newest document 8s old, 1 of 1 readable", "192.0.2.7 GET /shop 200", "40 requests in the last 5m0s in f-*"}},
		{"missing", `{}`, `{}`, 200, Warn, Warn, []string{"no index matches f-* yet", "no request in the last 5m0s"}},
		{"empty", settings, `{}`, 200, Warn, Warn, []string{"holds no document yet"}},
		{"strange", settings, hit(now, "hello"), 200, Bad, OK, []string{"none of its 1 newest documents"}},
		{"old", settings, hit(now.Add(-time.Hour), line), 200, Warn, OK, []string{"1h0m0s old"}},
		{"ahead", settings, hit(now.Add(time.Hour), line), 200, Warn, OK, []string{"ahead of this host's clock"}},
		{"forbidden", settings, `{"error":{"type":"security_exception","reason":"no"}}`, 403, Bad, Bad, []string{"forbids"}},
		{"partial", settings, strings.Replace(hit(now, line), "{", `{"_shards":{"failed":1,"failures":[{"index":"g","reason":{"type":"x","reason":"Fielddata is disabled on [url.path]"}}]},`, 1), 200, OK, Warn, []string{"some of the cluster did not answer: Elasticsearch can't count a field of g"}},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			switch {
			case strings.Contains(r.URL.Path, "/_index_template/"):
				_, _ = w.Write([]byte(templates))
			case strings.Contains(r.URL.Path, "/_settings/index.blocks"), strings.HasPrefix(r.URL.Path, "/levee-"):
				_, _ = w.Write([]byte(`{}`))
			case strings.Contains(r.URL.Path, "/_settings/"):
				_, _ = w.Write([]byte(c.settings))
			case strings.HasSuffix(r.URL.Path, "/_search"):
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.search))
			case strings.HasSuffix(r.URL.Path, "/_field_caps"):
				_, _ = w.Write([]byte(`{"indices":[]}`))
			default:
				_, _ = w.Write([]byte(`{"cluster_name":"c","version":{"number":"8.19.0"}}`))
			}
		}))
		conf := config.Default()
		conf.Sources = []config.Source{{Elasticsearch: "f-*"}}
		conf.Elasticsearch.URLs = []config.URL{config.URL(srv.URL)}
		o := Options{Config: conf, Now: now}
		found := append(sourceFindings(t.Context(), conf.Sources[0], o), cluster(t.Context(), o)...)
		srv.Close()
		all := fmt.Sprint(found)
		if len(found) != 4 || found[0].State != c.source || found[2].State != OK || found[3].State != c.fleet {
			t.Errorf("%s: %+v", c.name, found)
		}
		for _, s := range c.says {
			if !strings.Contains(all, s) {
				t.Errorf("%s: %q is not in %s", c.name, s, all)
			}
		}
	}
}

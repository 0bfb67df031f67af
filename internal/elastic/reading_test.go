package elastic

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// broken is how a cluster, or what stands before it, fails whoever reads.
var broken = []struct {
	name   string
	answer http.HandlerFunc
	kind   Kind
	say    string
}{
	{"401", answer(401, "X-Elastic-Product: Elasticsearch", `{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}`), Unauthorized, "does not accept the credentials"},
	{"403", answer(403, "X-Elastic-Product: Elasticsearch", `{"error":{"type":"security_exception","reason":"action is unauthorized"},"status":403}`), Forbidden, "levee elastic role"},
	{"404", answer(404, "X-Elastic-Product: Elasticsearch", `{"error":{"type":"index_not_found_exception","reason":"no such index [f]"},"status":404}`), Missing, "knows nothing at"},
	{"429", answer(429, "X-Elastic-Product: Elasticsearch", `{"error":{"type":"circuit_breaking_exception","reason":"Data too large"},"status":429}`), Busy, "too busy"},
	{"503", answer(503, "X-Elastic-Product: Elasticsearch", `{"error":{"type":"cluster_block_exception","reason":"state not recovered"},"status":503}`), Busy, "not ready"},
	{"HTML from a proxy", answer(200, "Content-Type: text/html", "<html><head><title>Sign in\x1b[2J</title></head></html>"), Foreign, `a web page "Sign in[2J"`},
	{"wrong URL", answer(404, "Content-Type: text/html", "<html><title>Not Found</title></html>"), Foreign, "name the node itself"},
	{"OpenSearch", answer(200, "Content-Type: application/json", `{"version":{"distribution":"opensearch","number":"2.19.0"}}`), Foreign, "is OpenSearch"},
	{"no Elasticsearch", answer(200, "Content-Type: application/json", `{}`), Foreign, "X-Elastic-Product"},
	{"no JSON", answer(200, "X-Elastic-Product: Elasticsearch", `{"took":`), Foreign, "is not what Elasticsearch answers"},
	{"slow", hang, Slow, "did not answer in time"},
	{"half-closed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"id`))
	}, Cut, "ended the connection within an answer"},
}

// TestReadingProblems asks for the fleet and a history of a cluster that is
// not well, and again when it is.
func TestReadingProblems(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var healed atomic.Bool
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !healed.Load() {
					c.answer(w, r)
					return
				}
				answer(200, "X-Elastic-Product: Elasticsearch", `{"indices":[],"aggregations":{"windows":{"buckets":{"recent":{"doc_count":5}}},"count":{"value":9}}}`)(w, r)
			}))
			defer srv.Close()
			r := NewReader(client(t, Options{URLs: []string{srv.URL}, Timeout: patience(c.kind)}), FleetQuery{Index: "f-*"})
			who := netip.MustParsePrefix("192.0.2.1/32")
			_, ferr := r.Fleet(t.Context(), noon)
			_, herr := r.History(t.Context(), who, time.Hour, noon)
			for _, err := range []error{ferr, herr} {
				if !IsKind(err, c.kind) || !strings.Contains(err.Error(), c.say) || strings.ContainsAny(err.Error(), "\n\x1b") {
					t.Errorf("%v, want %s with %q", err, c.kind, c.say)
				}
			}
			healed.Store(true)
			f, err := r.Fleet(t.Context(), noon)
			must(t, err)
			h, err := r.History(t.Context(), who, time.Hour, noon)
			must(t, err)
			if f.Requests != 5 || h.Requests != 9 {
				t.Errorf("after it was mended: %+v %+v", f, h)
			}
		})
	}
}

// TestMappings asks real indices that map their fields otherwise than ECS.
func TestMappings(t *testing.T) {
	admin := blank(t)
	put := func(index string, properties object) {
		must(t, admin.call(t.Context(), http.MethodPut, "/"+index, object{"mappings": object{"properties": properties}}, nil))
	}
	word, number := object{"type": "keyword"}, object{"type": "long"}
	text := object{"type": "text", "fields": object{"keyword": word}}
	put("plain-dynamic", object{"@timestamp": object{"type": "date"}, "source.ip": text, "url.path": text, "user_agent.original": text, "http.response.status_code": text})
	put("plain-ip", object{"@timestamp": object{"type": "date"}, "source.ip": object{"type": "ip"}, "http.response.status_code": number})
	put("plain-bare", object{"@timestamp": object{"type": "date"}, "source.ip": object{"type": "text"}})
	put("plain-words", object{"@timestamp": word, "source.ip": word})
	for i := range 4 {
		must(t, admin.call(t.Context(), http.MethodPost, "/plain-dynamic/_doc?refresh=true", object{"@timestamp": noon.Add(time.Duration(i) * time.Second),
			"source.ip": "198.51.100.7", "url.path": "/login", "user_agent.original": "curl/8", "http.response.status_code": []string{"200", "404", "503", "x"}[i]}, nil))
	}
	now := noon.Add(time.Minute)
	f, err := admin.Fleet(t.Context(), FleetQuery{Index: "plain-dynamic"}, now)
	must(t, err)
	if f.Requests != 4 || f.Status[2] != .25 || f.Status[5] != .25 || f.Status[0] != .25 || f.Distinct != 1 || f.Sources[0].Name != "198.51.100.7" || f.Paths[0].Name != "/login" {
		t.Errorf("an index without a template: %+v", f)
	}
	for prefix, want := range map[string]uint64{"198.51.100.7/32": 4, "198.51.100.0/24": 4, "198.51.101.0/24": 0} {
		p, err := admin.History(t.Context(), FleetQuery{Index: "plain-dynamic"}, netip.MustParsePrefix(prefix), now)
		must(t, err)
		if p.Requests != want {
			t.Errorf("%s made %d requests, want %d", prefix, p.Requests, want)
		}
	}
	for _, c := range []struct {
		index  string
		source string
		say    string
	}{
		{"plain-dynamic,plain-ip", "", "mapping conflict: "},
		{"plain-bare", "", "no index of plain-bare has a field source.ip that can be counted; name the right one in elasticsearch.fields.source"},
		{"plain-ip", "client.address", "has a field client.address"},
		{"plain-words", "", "as keyword, not as date"},
	} {
		_, err := admin.Fleet(t.Context(), FleetQuery{Index: c.index, Fields: FleetFields{Source: c.source}}, now)
		if !IsKind(err, Mapping) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %q", c.index, err, c.say)
		}
	}
	if _, err := admin.History(t.Context(), FleetQuery{Index: "plain-dynamic"}, netip.MustParsePrefix("2001:db8::/64"), now); !IsKind(err, Mapping) {
		t.Errorf("a prefix of addresses that are words: %v", err)
	}
	if f, err = admin.Fleet(t.Context(), FleetQuery{Index: "plain-ip"}, time.Now()); err != nil || !strings.Contains(f.Note, "has no field url.path (path), user_agent.original (agent), url.domain (host)") {
		t.Errorf("fields that are not there: %+v %v", f, err)
	}
}

// TestClocks holds this host's clock against the cluster's.
func TestClocks(t *testing.T) {
	admin := blank(t)
	must(t, admin.call(t.Context(), http.MethodPut, "/plain-clock", object{"mappings": object{"properties": object{"@timestamp": object{"type": "date"}, "source.ip": object{"type": "ip"},
		"url.path": object{"type": "keyword"}, "http.response.status_code": object{"type": "long"}, "url.domain": object{"type": "keyword"},
		"user_agent.original": object{"type": "keyword"}, "http.request.method": object{"type": "keyword"}}}}, nil))
	note := func(off time.Duration) string {
		f, err := admin.Fleet(t.Context(), FleetQuery{Index: "plain-clock"}, time.Now().Add(off))
		must(t, err)
		return f.Note
	}
	if n := note(0); n != "" {
		t.Errorf("with the right time: %q", n)
	}
	if n := note(10 * time.Minute); !strings.Contains(n, " ahead of Elasticsearch's") {
		t.Errorf("%q", n)
	}
	if n := note(-time.Hour); !strings.Contains(n, " behind Elasticsearch's") {
		t.Errorf("%q", n)
	}
	must(t, admin.call(t.Context(), http.MethodPost, "/plain-clock/_doc?refresh=true", object{"@timestamp": time.Now().Add(time.Hour), "source.ip": "192.0.2.1"}, nil))
	if n := note(0); !strings.Contains(n, "documents of plain-clock come from the future (1 of them)") {
		t.Errorf("%q", n)
	}
}

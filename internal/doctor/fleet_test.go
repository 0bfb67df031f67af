package doctor

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"levee/internal/config"
)

// TestFleetFindings asks a cluster whose clock is a minute ahead, and looks at
// a key that is none.
func TestFleetFindings(t *testing.T) {
	es := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "_nodes") {
			_, _ = w.Write([]byte(`{"nodes":{"n":{"timestamp":` + strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10) + `}}}`))
			return
		}
		_, _ = w.Write([]byte(`{"timed_out":false,"_shards":{"total":2,"failed":0},"hits":{"hits":[]}}`))
	}))
	defer es.Close()
	o := Options{Config: config.Default(), Now: time.Now()}
	if got := fleetFindings(t.Context(), o); got != nil {
		t.Errorf("without a fleet: %v", got)
	}
	o.Config.Elasticsearch.URLs = []config.URL{config.URL(es.URL)}
	o.Config.Fleet.Key = config.NewSecret("0123456789abcdef0123456789abcdef")
	got := fleetFindings(t.Context(), o)
	if len(got) != 2 || got[0].State != Bad || !strings.Contains(got[0].Says, "has 2 shards and a fleet needs one") ||
		got[1].State != Bad || !strings.Contains(got[1].Says, "the cluster's clock is 1m0s ahead") {
		t.Errorf("%+v", got)
	}
	o.Config.Fleet.Key = config.NewSecret("short")
	if got := fleetFindings(t.Context(), o); len(got) != 1 || got[0].State != Bad || !strings.Contains(got[0].Says, "openssl rand -hex 32") {
		t.Errorf("%+v", got)
	}
}

package station

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/internal/config"
)

// cluster is as much of Elasticsearch as a publisher needs: it keeps documents
// by index and ID, and can be away.
type cluster struct {
	mu   sync.Mutex
	away bool
	docs map[string]map[string]any // by index and ID
	twos int                       // documents that came again
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	if r.URL.Path != "/_bulk" {
		_, _ = w.Write([]byte("{}"))
		return
	}
	var items []string
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var op map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if json.Unmarshal(lines.Bytes(), &op) != nil || !lines.Scan() {
			continue
		}
		for verb, at := range op {
			key := at.Index + "/" + at.ID
			status := `201`
			if c.docs[key] != nil && verb == "create" {
				c.twos++
				status = `409,"error":{"type":"version_conflict_engine_exception"}`
			}
			var d map[string]any
			if json.Unmarshal(bytes.Clone(lines.Bytes()), &d) == nil && status == `201` {
				c.docs[key] = d
			}
			items = append(items, `{"`+verb+`":{"status":`+status+`}}`)
		}
	}
	_, _ = w.Write([]byte(`{"items":[` + strings.Join(items, ",") + `]}`))
}

// with counts the documents of an index that have that value.
func (c *cluster) with(index, field string, value any) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, d := range c.docs {
		if strings.HasPrefix(key, index+"/") && d[field] == value {
			n++
		}
	}
	return n
}

// TestStationPublishes blocks an attacker while the cluster is away: what
// happened is there once it is back, decisions and requests included.
func TestStationPublishes(t *testing.T) {
	es := &cluster{away: true, docs: map[string]map[string]any{}}
	srv := httptest.NewServer(es)
	defer srv.Close()
	p := place{t.TempDir()}
	o := p.options()
	o.Config.Elasticsearch = config.Elasticsearch{URLs: []config.URL{config.URL(srv.URL)}, Requests: 1}
	p.write(t, nil)
	s, stop := start(t, o)
	follows(t, s)
	p.write(t, visitors(time.Now(), 5, 12, 60, "198.51.100.7"))
	eventually(t, "the attacker is denied", func() bool { return strings.Contains(strings.Join(p.denied(), " "), "198.51.100.7") })
	eventually(t, "the outage is shown", func() bool { l := s.Status().Elastic; return l.Configured && !l.OK && strings.Contains(l.Note, "503") })
	es.mu.Lock()
	es.away = false
	es.mu.Unlock()
	eventually(t, "the block is published", func() bool {
		return es.with("levee-events", "event.action", "block") > 0 && es.with("levee-decisions", "source.ip", "198.51.100.7") == 1
	})
	eventually(t, "the link is well", func() bool { return s.Status().Elastic.OK })
	stop()
	lines := 0
	for _, in := range s.Status().Inputs {
		lines += int(in.Lines)
	}
	if got := es.with("levee-requests", "event.module", "levee"); got != lines || lines == 0 {
		t.Errorf("%d requests published of %d read", got, lines)
	}
	for _, x := range []struct{ index, field, value string }{
		{"levee-stats", "service.name", "_all"}, {"levee-events", "event.action", "suspect"}, {"levee-decisions", "user.name", "auto"}} {
		if es.with(x.index, x.field, x.value) == 0 {
			t.Errorf("nothing in %s with %s %s", x.index, x.field, x.value)
		}
	}
}

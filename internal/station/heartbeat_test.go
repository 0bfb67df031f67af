package station

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"levee/internal/config"
)

// TestHeartbeat counts beats while levee is well, while its judge hangs, and
// while whoever listens refuses them.
func TestHeartbeat(t *testing.T) {
	var beats, answer atomic.Int32
	answer.Store(http.StatusOK)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/hunter2" {
			beats.Add(1)
		}
		w.WriteHeader(int(answer.Load()))
	}))
	defer srv.Close()
	p := place{t.TempDir()}
	p.write(t, nil)
	o := p.options()
	// Twice as long as the judge takes for a snapshot: what is well must not
	// look as if it hung.
	o.Config.Heartbeat = config.Heartbeat{URL: config.NewSecret(srv.URL + "/hunter2"), Every: 2 * publishEvery}
	s, _ := start(t, o)
	says := func(text string) bool {
		for _, n := range s.Notices(0) {
			if strings.Contains(n.Text, "hunter2") {
				t.Fatalf("the secret is told: %s", n.Text)
			}
			if strings.Contains(n.Text, text) {
				return true
			}
		}
		return false
	}
	eventually(t, "there are two beats", func() bool { return beats.Load() >= 2 })

	s.judge.mu.Lock() // it hangs
	eventually(t, "that is told", func() bool { return says("the detector has not come round") })
	silent := beats.Load()
	s.judge.mu.Unlock()
	eventually(t, "it beats again", func() bool { return beats.Load() > silent && says("the heartbeat is back") })

	answer.Store(http.StatusNotFound)
	eventually(t, "the refusal is told", func() bool { return says("answers 404; check heartbeat.url") })
	srv.Close()
	eventually(t, "the silence is told", func() bool { return says("is not reached") })
}

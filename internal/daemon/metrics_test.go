package daemon

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"levee/internal/config"
)

// TestMetrics asks the daemon's own listener what Prometheus and a health
// check would, with a person at a console and an enforcer that fails.
func TestMetrics(t *testing.T) {
	var place string
	l := start(t, func(o *Options) {
		o.Station.Config.Metrics.Listen = "127.0.0.1:0"
		dir := t.TempDir()
		place = filepath.Join(dir, "d", "deny.conf")
		check(t, os.Mkdir(filepath.Dir(place), 0o700))
		o.Station.Config.Actions.Denylist = append(o.Station.Config.Actions.Denylist,
			config.Denylist{Path: place, Style: "plain", Test: []string{filepath.Join(dir, "not-there")}})
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) (int, string) {
		t.Helper()
		r, err := client.Get("http://" + l.metrics + path)
		check(t, err)
		defer func() { _ = r.Body.Close() }()
		b, err := io.ReadAll(r.Body)
		check(t, err)
		return r.StatusCode, string(b)
	}
	_, seen, _ := console(t, l.as("bo", l.bo))
	eventually(t, "the console drew", func() bool { return seen.has("bo") })
	run(t, l.as("ana", l.ana), "", "block 203.0.113.7")
	eventually(t, "the board counts", func() bool {
		_, b := get("/metrics")
		return strings.Contains(b, "levee_decisions_total 1") && !strings.Contains(b, `levee_enforcer_failures_total{enforcer="denylist 2"} 0`)
	})
	_, body := get("/metrics")
	for _, want := range []string{"levee_data_age_seconds -1", "levee_shed_lines_total 0", `levee_verdicts_total{kind="incident-open"} 0`, "levee_decisions_active 1",
		`levee_enforcer_up{enforcer="denylist"} 1`, `levee_enforcer_failures_total{enforcer="denylist"} 0`, `levee_enforcer_up{enforcer="denylist 2"} 0`,
		`levee_sessions{via="ssh"} `, "levee_frame_seconds_count ", "levee_ssh_connections 2", "levee_host_not_calm ", "levee_ledger_up 1", "go_goroutines"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "levee_frame_seconds_count 0") {
		t.Errorf("frames are not counted:\n%s", body)
	}
	if code, text := get("/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "denylist 2") {
		t.Errorf("with an enforcer down: %d %s", code, text)
	}
	if code, _ := get("/debug/pprof/"); code != http.StatusNotFound {
		t.Errorf("profiles that nobody asked for: %d", code)
	}
}

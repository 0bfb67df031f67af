package elastic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/station"
	"levee/testing/elasticsearch"
)

// shipped is minutes of visitors and then a flood by attacker, as documents
// that end now and keep the line that was logged.
func shipped(end time.Time, attacker string) []byte {
	const minutes, flood = 5, 12
	var b bytes.Buffer
	doc := func(at time.Time, ip, path, agent string) {
		line := fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" 200 5120 \"https://play.example.com/\" %q", ip, at.UTC().Format("02/Jan/2006:15:04:05 -0700"), path, agent)
		d, err := json.Marshal(map[string]any{"@timestamp": at.UTC().Format(time.RFC3339Nano), "event": map[string]any{"original": line},
			"source": map[string]any{"ip": ip}, "url": map[string]any{"path": path}, "http": map[string]any{"response": map[string]any{"status_code": 200}}})
		if err == nil {
			fmt.Fprintf(&b, "{\"create\":{}}\n%s\n", d)
		}
	}
	total := minutes*60 + flood
	for s := range total {
		at := end.Add(time.Duration(s-total) * time.Second)
		for v := range 8 {
			ip := fmt.Sprintf("192.0.2.%d", 1+(s/15*8+v)%240)
			doc(at, ip, fmt.Sprintf("/news/%d", (s*7+v*13)%90), "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
			doc(at, ip, fmt.Sprintf("/assets/%d.css", v), "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
		}
		for range 60 * max(0, min(1, s-minutes*60+1)) {
			doc(at, attacker, "/search", "curl/8.5.0")
		}
	}
	return b.Bytes()
}

// running is a station that runs until the test ends.
func running(t *testing.T, mayAct *bool) (s *station.Station, deny string) {
	t.Helper()
	dir := t.TempDir()
	deny = filepath.Join(dir, "deny.conf")
	c := config.Default()
	c.Sources = []config.Source{{Elasticsearch: "filebeat-chain*", Service: "play.example.com", MayAct: mayAct}}
	c.Auto.Level = "block"
	c.Actions.Denylist = []config.Denylist{{Path: deny, Style: "nginx"}}
	c.Elasticsearch.URLs = []config.URL{config.URL(elastic.RealNodeURL(t))}
	c.Elasticsearch.User, c.Elasticsearch.Password = elasticsearch.User, config.NewSecret(elasticsearch.Password)
	s, err := station.Open(t.Context(), station.Options{Config: c, StateDir: filepath.Join(dir, "state"), Name: "chain", AutoOn: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("station: %v", err)
		}
	})
	return s, deny
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// TestDocumentsReachTheDenyList ships an attack to a real node. The levee that
// may act on the index blocks the attacker, the other one only says so; both
// know the fleet and what the attacker did before.
func TestDocumentsReachTheDenyList(t *testing.T) {
	elastic.Blank(t)
	yes := true
	acts, deny := running(t, &yes)
	looks, none := running(t, nil)
	for _, s := range []*station.Station{acts, looks} {
		eventually(t, "the missing index is told", func() bool {
			in := s.Status().Inputs[0]
			return in.State == "waiting" && strings.Contains(in.Note, "no index matches filebeat-chain*")
		})
	}
	const attacker = "203.0.113.7"
	who := netip.MustParsePrefix(attacker + "/32")
	url := elastic.RealNodeURL(t) + "/filebeat-chain-1"
	send(t, http.MethodPut, url, `{"mappings":{"properties":{"@timestamp":{"type":"date"},"source.ip":{"type":"ip"},"url.path":{"type":"keyword"},"http.response.status_code":{"type":"long"}}}}`)
	send(t, http.MethodPost, url+"/_bulk", string(shipped(time.Now(), attacker)))
	eventually(t, "the attacker is denied", func() bool {
		b, err := os.ReadFile(deny)
		return err == nil && strings.Contains(string(b), "deny "+attacker+";")
	})
	eventually(t, "the other levee names the attacker", func() bool {
		for _, x := range looks.Snapshot().Suspects {
			if x.Key == who {
				return true
			}
		}
		return false
	})
	for _, in := range looks.Status().Inputs {
		if in.MayAct || in.State != "following" || in.Lines < 5000 || in.Malformed != 0 {
			t.Errorf("%+v", in)
		}
	}
	eventually(t, "the fleet's figures", func() bool {
		f := looks.Fleet()
		return f.Rate > 10 && len(f.Sources) > 0 && f.Sources[0].Name == attacker && f.Problem != "" == (len(f.Agents) == 0)
	})
	past := looks.AskPast(t.Context(), who)
	if past.Problem != "" || past.Requests != 720 || len(past.Days) == 0 {
		t.Errorf("what the attacker did before: %+v", past)
	}
	if b, err := os.ReadFile(none); err == nil && strings.Contains(string(b), attacker) {
		t.Error("a levee acted on an index that it may not act on")
	}
}

func send(t *testing.T, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(elasticsearch.User, elasticsearch.Password)
	req.Header.Set("Content-Type", "application/x-ndjson")
	if method == http.MethodPut {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, url, res.Status)
	}
}

package story

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"levee/actions"
	"levee/demo"
	"levee/demo/standin"
	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/station"
	"levee/testing/elasticsearch"
)

const (
	calm     = 4 * time.Minute       // of ordinary traffic that levee watches before the first drill
	attack   = 270 * time.Second     // the demo's first four drills, and the crowd of the fifth
	pace     = 25 * time.Millisecond // at least, for a second of the clock
	jobName  = "ops/scale"
	jobUser  = "levee"
	jobToken = "story-token"
)

// stage is where the story takes place: a simulated site that writes an nginx
// log, a levee that watches and defends it, a stand-in Jenkins that scales it,
// and a real Elasticsearch. Its clock is stepped by the second and never runs
// by itself.
type stage struct {
	t    *testing.T
	dir  string
	node *elasticsearch.Node
	conf config.Config // levee's, of a key that may publish and no more

	clock   atomic.Int64 // Unix nanoseconds
	log     *os.File
	lines   int
	sim     *demo.Simulator
	deny    *demo.DenyList
	st      *station.Station
	stop    func()
	mu      sync.Mutex
	scaled  []map[string]string // parameters of the scale job's builds
	jenkins string
}

func (s *stage) now() time.Time   { return time.Unix(0, s.clock.Load()).UTC() }
func (s *stage) logPath() string  { return filepath.Join(s.dir, "access.log") }
func (s *stage) denyPath() string { return filepath.Join(s.dir, "deny.conf") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what other goroutines or programs bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// newStage starts the node and Jenkins and sets Elasticsearch up.
func newStage(t *testing.T) *stage {
	t.Helper()
	node, err := elasticsearch.Start(elasticsearch.Options{Secure: true})
	if errors.Is(err, elasticsearch.ErrMissing) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := &stage{t: t, dir: t.TempDir(), node: node}
	admin := config.Default()
	admin.Elasticsearch = config.Elasticsearch{URLs: []config.URL{config.URL(node.URL)}, User: elasticsearch.User, Password: config.NewSecret(elasticsearch.Password)}
	must(t, command.ElasticSetup(t.Context(), command.Streams{Out: io.Discard, Err: io.Discard}, command.ElasticOptions{Config: admin}))
	s.startJenkins()
	return s
}

// startJenkins serves the stand-in on loopback. Its scale job gives the
// simulated site more servers.
func (s *stage) startJenkins() {
	var handler atomic.Pointer[standin.Jenkins]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.Load().ServeHTTP(w, r) }))
	s.jenkins = server.URL + "/"
	j, err := standin.New(standin.Options{
		URL: s.jenkins, Users: []standin.User{{Name: jobUser, Password: jobToken, Token: jobToken}},
		Jobs: []standin.Job{{Name: jobName, Parameters: []standin.Parameter{{Name: "SERVICE"}, {Name: "DELTA", Default: "1"}, {Name: "REQUEST_ID"}},
			Run: func(_ context.Context, p map[string]string, console io.Writer) standin.Result {
				s.mu.Lock()
				s.scaled = append(s.scaled, p)
				s.mu.Unlock()
				delta := 0
				if _, err := fmt.Sscan(p["DELTA"], &delta); err != nil {
					return standin.Failure
				}
				fmt.Fprintf(console, "%d servers in service\n", s.sim.Scale(delta))
				return standin.Success
			}}}})
	must(s.t, err)
	handler.Store(j)
	s.t.Cleanup(func() { server.Close(); must(s.t, j.Close()) })
}

// open prepares the site, with a clock that begins in the past, and starts a
// levee from a levee.yaml like anybody's.
func (s *stage) open() {
	t := s.t
	live := time.Now().UTC().Truncate(time.Second).Add(-attack)
	var err error
	s.deny = demo.OpenDenyList(s.denyPath())
	s.sim, err = demo.New(demo.Options{Seed: 7, Start: live.Add(-10 * time.Minute), Now: s.now, Denied: s.deny.Denied})
	must(t, err)
	s.log, err = os.Create(s.logPath())
	must(t, err)
	t.Cleanup(func() { _ = s.log.Close() })
	s.clock.Store(live.Add(-calm).UnixNano())
	s.advance(s.now())

	path := filepath.Join(s.dir, "levee.yaml")
	text := demo.Configuration(s.logPath(), s.denyPath(), demo.Controller{URL: s.jenkins, User: jobUser, Token: jobToken, Job: jobName})
	text += fmt.Sprintf("elasticsearch: {urls: [%q], api_key: %q, requests: 2%%}\n", s.node.URL, s.key("publish"))
	must(t, os.WriteFile(path, []byte(text), 0o600))
	s.conf, err = config.Load(path)
	must(t, err)
	conf := s.conf
	conf.Sources[0].FromStart = true
	s.st, err = station.Open(t.Context(), station.Options{Config: conf, StateDir: filepath.Join(s.dir, "state"), Name: "story", Now: s.now, AutoOn: true})
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.st.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("levee ended with %v", err)
		}
	})
	t.Cleanup(s.stop)
	s.caughtUp()
}

// advance lets the site write what is due before a moment.
func (s *stage) advance(to time.Time) {
	n, err := s.sim.Advance(s.log, to)
	must(s.t, err)
	s.lines += n
}

// caughtUp waits until levee has read every line.
func (s *stage) caughtUp() {
	eventually(s.t, "levee has read every line", func() bool { return s.st.Status().Inputs[0].Lines >= uint64(s.lines) })
}

// play steps the clock until it reads end. A second takes at least pace, so
// that levee's own clocks (a figure each second, a look at Jenkins) fall often
// enough between.
func (s *stage) play(end func() time.Time) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for s.now().Before(end()) {
		<-tick.C
		s.clock.Add(int64(time.Second))
		s.deny.Reload()
		s.advance(s.now())
		s.caughtUp()
	}
}

// key makes an API key with one of levee's roles.
func (s *stage) key(role string) string {
	s.t.Helper()
	b, err := elastic.Role(role)
	must(s.t, err)
	var a struct {
		Encoded string `json:"encoded"`
	}
	s.ask(http.MethodPost, "/_security/api_key", map[string]any{"name": role, "role_descriptors": map[string]json.RawMessage{role: b}}, &a)
	return a.Encoded
}

// ask makes a request of the node as its superuser.
func (s *stage) ask(method, path string, body, out any) {
	s.t.Helper()
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		raw, err = json.Marshal(body)
		must(s.t, err)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(s.t.Context()), method, s.node.URL+path, bytes.NewReader(raw))
	must(s.t, err)
	req.SetBasicAuth(elasticsearch.User, elasticsearch.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	must(s.t, err)
	if res.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s", method, path, res.Status, answer)
	}
	if out != nil {
		must(s.t, json.Unmarshal(answer, out))
	}
}

// count returns how many documents of index fit the query.
func (s *stage) count(index string, query map[string]any) int {
	s.t.Helper()
	var a struct {
		Count int `json:"count"`
	}
	s.ask(http.MethodPost, "/"+index+"/_count", map[string]any{"query": query}, &a)
	return a.Count
}

func term(field string, value any) map[string]any {
	return map[string]any{"term": map[string]any{field: value}}
}

// denied returns the addresses in the deny list.
func (s *stage) denied() int {
	b, err := os.ReadFile(s.denyPath())
	must(s.t, err)
	return strings.Count(string(b), "deny ")
}

// operator returns somebody who may do everything.
func (s *stage) operator() *station.Operator {
	o, leave := s.st.Join(actions.Actor{Name: "ana", Role: actions.Admin, Via: "story"})
	s.t.Cleanup(leave)
	return o
}

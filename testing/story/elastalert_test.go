package story

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const shipped = "../../deploy/elastalert2"

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func listens(port int) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// parseMail takes a message apart as a reader of mail would.
func parseMail(b []byte) (mail, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		return mail{}, err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return mail{}, err
	}
	if m.Header.Get("Content-Transfer-Encoding") == "base64" {
		if body, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body)), "")); err != nil {
			return mail{}, err
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	return mail{m.Header.Get("To"), subject, string(body)}, err
}

// slack takes what the Slack alerter posts to a web hook.
type slack struct {
	*httptest.Server
	mu     sync.Mutex
	titles map[string][]string // by path
}

func startSlack(t *testing.T) *slack {
	s := &slack{titles: map[string][]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Attachments []struct{ Title, Text string }
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || len(m.Attachments) != 1 {
			t.Errorf("Slack was sent %v, %+v", err, m)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, a := range m.Attachments {
			s.titles[r.URL.Path] = append(s.titles[r.URL.Path], a.Title)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// alerting is an ElastAlert 2 with the rules as they are shipped; only whom to
// tell and where the cluster is are another's.
type alerting struct {
	s    *stage
	bin  string
	mail *mailbox
	chat *slack
	key  string
}

// run lets ElastAlert 2 look at a stretch of time, whose end may lie ahead,
// until every rule had its turn and each wanted subject came by mail (they may
// be beginnings). It returns all mail by subject.
//
// A message that gathers several may come again: the test node can't delete by
// query, which is how ElastAlert forgets that it was still to be sent.
func (a *alerting) run(t *testing.T, name string, from, to time.Time, wanted []string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(shipped)))
	port := strings.TrimPrefix(a.s.node.URL, "http://127.0.0.1:")
	rewrite(t, filepath.Join(dir, "config.yaml"), "es_host: es.example.com", "es_host: 127.0.0.1", "es_port: 9200", "es_port: "+port,
		"use_ssl: true", "use_ssl: false", "run_every: {seconds: 10}", "run_every: {seconds: 5}", "writeback_index: elastalert", "writeback_index: elastalert_"+name)
	rewrite(t, filepath.Join(dir, "people.yaml"), "soc@example.com", name+"@example.com", "smtp_host: smtp.example.com", "smtp_host: 127.0.0.1",
		"smtp_port: 25", fmt.Sprintf("smtp_port: %d", a.mail.port), "https://hooks.slack.example.com/services/REPLACE/ME", a.chat.URL+"/"+name)
	// Nothing is gained by waiting the minute for more of the same kind.
	for _, rule := range []string{"login-abuse.yaml", "new-scanner.yaml"} {
		rewrite(t, filepath.Join(dir, "rules", rule), "aggregation: {minutes: 1}", "aggregation: {seconds: 1}")
	}
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.yaml"))
	must(t, err)

	program := func(name string, args ...string) (*exec.Cmd, *said) {
		cmd := exec.Command(filepath.Join(a.bin, name), append([]string{"--config", "config.yaml"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ES_API_KEY="+a.key)
		out := &said{}
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, out
	}
	index, out := program("elastalert-create-index")
	if err := index.Run(); err != nil {
		t.Fatalf("elastalert-create-index: %v: %s", err, out)
	}
	cmd, out := program("elastalert", "--verbose", "--pin_rules", "--start", from.Format(time.RFC3339), "--end", to.Format(time.RFC3339))
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait(); close(ended) }()
	defer func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		for range ended {
		}
	}()
	for end := time.Now().Add(110 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		mails := a.mail.read(t, name+"@example.com")
		ran := 0
		for _, r := range rules {
			if out.ran(t, r) {
				ran++
			}
		}
		missing := slices.DeleteFunc(slices.Clone(wanted), func(w string) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(mails)), func(subject string) bool { return strings.HasPrefix(subject, w) })
		})
		if ran == len(rules) && len(missing) == 0 {
			return mails
		}
		select {
		case err := <-ended:
			t.Fatalf("elastalert ended with %v; mail %q\n%s", err, mails, out)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d rules ran, %q never came, only %q\n%s", ran, len(rules), missing, slices.Collect(maps.Keys(mails)), out)
		}
	}
}

// said is what a program writes.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// ran tells whether a rule had its turn.
func (s *said) ran(t *testing.T, rule string) bool {
	t.Helper()
	b, err := os.ReadFile(rule)
	must(t, err)
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "name: "); ok {
			return strings.Contains(s.String(), "Ran "+strings.TrimSpace(name)+" from")
		}
	}
	t.Fatalf("%s has no name", rule)
	return false
}

// rewrite replaces each text, which must be there, by the next.
func rewrite(t *testing.T, path string, pairs ...string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	for i := 0; i < len(pairs); i += 2 {
		if !bytes.Contains(b, []byte(pairs[i])) {
			t.Fatalf("%s does not hold %q", path, pairs[i])
		}
	}
	must(t, os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(b))), 0o600))
}

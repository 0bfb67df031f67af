package elastic

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// bulkAnswer answers a bulk request of one document with that item.
func bulkAnswer(status int, kind, reason string) string {
	return fmt.Sprintf(`{"errors":true,"items":[{"create":{"status":%d,"error":{"type":%q,"reason":%q}}}]}`, status, kind, reason)
}

// answer answers every request alike.
func answer(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		k, v, _ := strings.Cut(header, ": ")
		w.Header().Set(k, v)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// hang answers nothing.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then is the client's leaving seen
	<-r.Context().Done()
}

// patience is how long an answer of that kind is waited for: only the one that
// never comes should be given up before a busy machine has given it.
func patience(k Kind) time.Duration {
	if k == Slow {
		return 2 * time.Second
	}
	return time.Minute
}

// TestProblems breaks Elasticsearch in every way people meet, and asks for one
// clear sentence and for recovery without anybody's help.
func TestProblems(t *testing.T) {
	const es = "X-Elastic-Product: Elasticsearch"
	for _, c := range []struct {
		name   string
		broken http.HandlerFunc
		kind   Kind
		say    string
		loses  bool // the document can never be stored
	}{
		{"401", answer(401, "", `{"error":{"type":"security_exception","reason":"unable to authenticate"},"status":401}`), Unauthorized, "check elasticsearch.api_key", false},
		{"403", answer(403, es, `{"error":{"type":"security_exception","reason":"action [indices:data/write/bulk] is unauthorized for API key"}}`), Forbidden, "levee elastic role", false},
		{"403 for one index", answer(200, es, bulkAnswer(403, "security_exception", "action is unauthorized")), Forbidden, "forbids levee-stats", false},
		{"404", answer(200, es, bulkAnswer(404, "index_not_found_exception", "no such index [levee-stats]")), Missing, "run `levee elastic setup`", false},
		{"mapping conflict", answer(200, es, bulkAnswer(400, "document_parsing_exception", "failed to parse field [source.ip] of type [ip]")), Mapping, "1 rejected", true},
		{"429", answer(429, es, `{"error":{"type":"es_rejected_execution_exception","reason":"rejected execution"}}`), Busy, "waits and tries again", false},
		{"429 for one document", answer(200, es, bulkAnswer(429, "es_rejected_execution_exception", "rejected")), Busy, "waits and tries again", false},
		{"flood stage", answer(200, es, bulkAnswer(429, "cluster_block_exception", "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block]")), ReadOnly, "free disk there", false},
		{"HTML from a proxy", answer(200, "Content-Type: text/html", "<html><head><title>Sign in\x1b[2J</title></head></html>"), Foreign, `a web page "Sign in[2J"`, false},
		{"HTML with an error", answer(502, "Content-Type: text/html", "<html><title>502 Bad Gateway</title></html>"), Foreign, "(502)", false},
		{"OpenSearch", answer(200, "Content-Type: application/json", `{"version":{"distribution":"opensearch","number":"2.19.0"}}`), Foreign, "is OpenSearch", false},
		{"something else", answer(200, "Content-Type: application/json", `{"ok":true}`), Foreign, "X-Elastic-Product", false},
		{"an answer that is no JSON", answer(200, es, `{"items":[`), Foreign, "", false},
		{"slow", hang, Slow, "did not answer in time", false},
		{"half-closed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"items`))
		}, Cut, "ended the connection within an answer", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var healed atomic.Bool
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !healed.Load() {
					c.broken(w, r)
					return
				}
				answer(200, es, `{"items":[{"create":{"status":201}}]}`)(w, r)
			}))
			defer srv.Close()
			cl := client(t, Options{URLs: []string{srv.URL}, Timeout: 250 * time.Millisecond})
			p, stop := startPublisher(t, PublisherOptions{Client: cl, Dir: t.TempDir(), Origin: testOrigin, Retry: time.Millisecond})
			defer stop()
			p.Put(Doc{Index: StatsStream, ID: "1", Body: []byte("{}")})
			until(t, c.say, func() bool {
				n := p.Link().Note
				return n != "connecting" && n != "" && strings.Contains(n, c.say)
			})
			if n := p.Link().Note; strings.ContainsAny(n, "\n\x1b") {
				t.Errorf("more than one plain line: %q", n)
			}
			healed.Store(true)
			want := Counts{Sent: 1}
			if c.loses {
				want = Counts{Rejected: 1}
			}
			until(t, "recovery", func() bool { return p.Counts() == want && p.Link().OK })
		})
	}
}

func TestCertificates(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		_, _ = w.Write([]byte("{}"))
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are the point
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	must(t, err)
	for _, c := range []struct {
		name, url, ca string
		kind          Kind
		say           string
	}{
		{"trusted", srv.URL, ca, "", ""},
		{"unknown authority", srv.URL, "", Untrusted, `issued by ""`},
		{"another name", "https://localhost:" + port, ca, Untrusted, "for another name"},
		{"plain to TLS", "http" + strings.TrimPrefix(srv.URL, "https"), "", Refused, ""},
		{"nobody", "http://" + closed.Addr().String(), "", Unreachable, "refuses connections"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client(t, Options{URLs: []string{c.url}, CA: c.ca}).Check(t.Context())
			if c.kind == "" {
				must(t, err)
				return
			}
			if !IsKind(err, c.kind) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("%v, want %s with %q", err, c.kind, c.say)
			}
		})
	}
}

// TestNameThatCantBeFound is an address that no name server knows, or none
// answers for.
func TestNameThatCantBeFound(t *testing.T) {
	for _, why := range []*net.DNSError{{Err: "no such host", Name: "es.example.com", IsNotFound: true}, {Err: "i/o timeout", Name: "es.example.com", IsTimeout: true}} {
		p := unanswered("https://es.example.com:9200", fmt.Errorf("dial: %w", why))
		if p.Kind != Unreachable || !strings.Contains(p.Text, "can't be found (lookup es.example.com: "+why.Err) || !strings.Contains(p.Text, "mend the name in elasticsearch.urls") {
			t.Errorf("%s: %s", p.Kind, p.Text)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(notPEM, []byte("x"), 0o600))
	for _, c := range []struct {
		o   Options
		say string
	}{
		{Options{}, "elasticsearch.urls is empty"},
		{Options{URLs: []string{"es.example.com:9200"}}, "write it like https://"},
		{Options{URLs: []string{"https://es.example.com"}, CA: "/does/not/exist"}, "elasticsearch.ca: open"},
		{Options{URLs: []string{"https://es.example.com"}, CA: notPEM}, "must be a PEM file"},
	} {
		if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.say)
		}
	}
}

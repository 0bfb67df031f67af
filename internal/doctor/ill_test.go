package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"levee/internal/config"
	"levee/internal/station"
)

// ill is a way in which Elasticsearch, or what stands before it, is not well.
// The words are what doctor, the publisher, the fleet view and the document
// tail must say of it; "" where it is nothing to them.
type ill struct {
	name  string
	words string                                                // of all four, where nothing else is given
	doc   string                                                // of doctor alone
	pub   string                                                // of the publisher
	fleet string                                                // of the fleet view
	tail  string                                                // of the document tail
	wrong func(http.ResponseWriter, *http.Request, []byte) bool // false: that is answered as ever
	cert  string                                                // which certificate is shown; "": http
	skew  time.Duration                                         // of the cluster's clock
	gone  bool                                                  // nobody listens
	short bool                                                  // nothing is waited for long
}

// always answers alike.
func always(status int, header, body string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return only(func(*http.Request, []byte) bool { return true }, status, header, body)
}

func only(when func(*http.Request, []byte) bool, status int, header, body string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, sent []byte) bool {
		if !when(r, sent) {
			return false
		}
		k, v, _ := strings.Cut(header, ": ")
		w.Header().Set(k, v)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func below(suffix string) func(*http.Request, []byte) bool {
	return func(r *http.Request, _ []byte) bool { return strings.Contains(r.URL.Path, suffix) }
}

// node is as much of Elasticsearch as all four need.
type node struct {
	ill  atomic.Pointer[ill] // nil: it is well
	seq  atomic.Int64
	last atomic.Int64 // when the tail last asked, Unix ms
}

// templates is what a cluster says that was set up.
var templates = func() string {
	var all []string
	for _, name := range []string{"requests", "stats", "events", "decisions", "rehearsal"} {
		all = append(all, fmt.Sprintf(`{"name":"levee-%s","index_template":{"version":99}}`, name))
	}
	return `{"index_templates":[` + strings.Join(all, ",") + `]}`
}()

const es = "X-Elastic-Product: Elasticsearch"

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	skew := time.Duration(0)
	if x := n.ill.Load(); x != nil {
		if skew = x.skew; x.wrong != nil && x.wrong(w, r, sent) {
			return
		}
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(w, format, a...) }
	hit := func(sort int64) string {
		return fmt.Sprintf(`{"hits":{"hits":[{"_index":"f-1","_seq_no":%d,"sort":[%d],"_source":{"message":%q}}]}}`, n.seq.Add(1), sort,
			`192.0.2.7 - - [`+time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700")+`] "GET /shop HTTP/1.1" 200 9 "-" "x"`)
	}
	switch {
	case r.URL.Path == "/":
		say(`{"cluster_name":"c","version":{"number":"8.19.0"}}`)
	case r.URL.Path == "/_bulk":
		say(`{"items":[%s]}`, strings.TrimSuffix(strings.Repeat(`{"create":{"status":201}},`, bytes.Count(sent, []byte("\n"))/2), ","))
	case strings.Contains(r.URL.Path, "/_index_template/"):
		say("%s", templates)
	case strings.Contains(r.URL.Path, "/_settings/index.uuid"):
		say(`{"f-1":{"settings":{"index.uuid":"u","index.number_of_shards":"1"}}}`)
	case strings.Contains(r.URL.Path, "/f-*/_field_caps"):
		say(`{"indices":["f-1"],"fields":{"@timestamp":{"date":{}},"source.ip":{"ip":{}},"http.response.status_code":{"long":{}},"url.path":{"keyword":{}},
			"user_agent.original":{"keyword":{}},"url.domain":{"keyword":{}},"http.request.method":{"keyword":{}},"user.name":{"keyword":{}}}}`)
	case strings.HasSuffix(r.URL.Path, "/_search") && bytes.Contains(sent, []byte("seq_no_primary_term")):
		if now := time.Now().UnixMilli(); now-n.last.Swap(now) > 20 { // one at a time, not as fast as can be
			say("%s", hit(now))
		} else {
			say(`{}`)
		}
	case strings.HasSuffix(r.URL.Path, "/_search") && bytes.Contains(sent, []byte(`"desc"`)): // doctor's own look
		say("%s", hit(time.Now().UnixMilli()))
	case strings.HasSuffix(r.URL.Path, "/_search"):
		say(`{"aggregations":{"ahead":{"buckets":[{"from":%d}]},"windows":{"buckets":{"recent":{"doc_count":600}}},"mix":{"doc_count":600}}}`, time.Now().Add(time.Minute+skew).UnixMilli())
	default:
		say(`{}`)
	}
}

// TestElasticsearchIsNotWell has everything that can be wrong with a cluster
// be wrong from the start: doctor and a console's four places say so in one
// sentence each, and once it is mended all goes on without anybody's help.
func TestElasticsearchIsNotWell(t *testing.T) {
	trusted := newAuthority(t, "Our CA")
	proxy := newAuthority(t, "Inspecting Proxy CA")
	certs := map[string]tls.Certificate{
		"good":    trusted.certify(t, "es.example.com", net.IPv4(127, 0, 0, 1), time.Hour),
		"unknown": proxy.certify(t, "es.example.com", net.IPv4(127, 0, 0, 1), time.Hour),
		"name":    trusted.certify(t, "other.example.com", net.IPv4(192, 0, 2, 1), time.Hour),
		"expired": trusted.certify(t, "es.example.com", net.IPv4(127, 0, 0, 1), -time.Hour),
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, trusted.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	const html = "Content-Type: text/html"
	bulk := func(status int, kind, reason string) func(http.ResponseWriter, *http.Request, []byte) bool {
		return func(w http.ResponseWriter, r *http.Request, sent []byte) bool {
			item := fmt.Sprintf(`{"create":{"status":%d,"error":{"type":%q,"reason":%q}}},`, status, kind, reason)
			return only(below("/_bulk"), 200, es, `{"errors":true,"items":[`+strings.TrimSuffix(strings.Repeat(item, bytes.Count(sent, []byte("\n"))/2), ",")+`]}`)(w, r, sent)
		}
	}
	either := func(list ...func(http.ResponseWriter, *http.Request, []byte) bool) func(http.ResponseWriter, *http.Request, []byte) bool {
		return func(w http.ResponseWriter, r *http.Request, sent []byte) bool {
			for _, x := range list {
				if x(w, r, sent) {
					return true
				}
			}
			return false
		}
	}
	for _, c := range []ill{
		{name: "wrong URL, nobody listens", words: "refuses connections; check elasticsearch.urls", gone: true},
		{name: "wrong URL, a web server", words: "name the node itself in elasticsearch.urls", wrong: always(404, html, "<html><title>Not Found</title></html>")},
		{name: "TLS not trusted", words: `nobody here trusts: "es.example.com" issued by "Inspecting Proxy CA"`, cert: "unknown"},
		{name: "TLS for another name", words: `for another name: "other.example.com" issued by "Our CA"`, cert: "name"},
		{name: "TLS expired", words: `not valid now: "es.example.com" issued by "Our CA"`, cert: "expired"},
		{name: "401", words: "does not accept the credentials (401)", wrong: always(401, es, `{"error":{"type":"security_exception","reason":"unable to authenticate"}}`)},
		{name: "403", words: "give the key the rights that `levee elastic role` prints", wrong: always(403, es, `{"error":{"type":"security_exception","reason":"action is unauthorized"}}`)},
		{name: "404 index", doc: "no template levee-decisions yet; run `levee elastic setup`", pub: "run `levee elastic setup`", tail: "no index matches f-* yet",
			wrong: either(bulk(404, "index_not_found_exception", "no such index [levee-stats]"), only(below("/_index_template/"), 404, es, `{}`),
				only(below("/_settings/index.uuid"), 200, es, `{}`))},
		{name: "mapping conflict", doc: "mapping conflict: source.ip is ip in f-1, keyword in f-2", pub: "can't fit a document into levee-", fleet: "mapping conflict: source.ip is ip in f-1, keyword in f-2",
			wrong: either(bulk(400, "document_parsing_exception", "failed to parse field [source.ip] of type [ip]"),
				only(below("/f-*/_field_caps"), 200, es, `{"indices":["f-1","f-2"],"fields":{"@timestamp":{"date":{}},"source.ip":{"ip":{"indices":["f-1"]},"keyword":{"indices":["f-2"]}}}}`))},
		{name: "429", words: "is too busy or not ready (429", wrong: always(429, es, `{"error":{"type":"circuit_breaking_exception","reason":"Data too large"}}`)},
		{name: "flood stage", doc: "has made the index read-only", pub: "has made the index read-only",
			wrong: either(bulk(429, "cluster_block_exception", "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block]"),
				only(below("/_settings/index.blocks"), 200, es, `{".ds-levee-stats-1":{"settings":{"index.blocks.read_only_allow_delete":"true"}}}`))},
		{name: "a proxy that answers HTML", words: `a web page "Sign in[2J"`, wrong: always(200, html, "<html><title>Sign in\x1b[2J</title></html>")},
		{name: "a proxy without a way on", words: "(502)", wrong: always(502, html, "<html><title>502 Bad Gateway</title></html>")},
		{name: "OpenSearch", words: "is OpenSearch", wrong: always(200, "Content-Type: application/json", `{"version":{"distribution":"opensearch","number":"2.19.0"}}`)},
		{name: "slow", words: "did not answer in time", short: true, wrong: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			<-r.Context().Done()
			return true
		}},
		{name: "half-closed", words: "ended the connection within an answer", wrong: func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id`))
			return true
		}},
		{name: "this host's clock is behind", doc: "behind Elasticsearch's", fleet: "behind Elasticsearch's", skew: time.Hour},
		{name: "this host's clock is ahead", doc: "ahead of Elasticsearch's", fleet: "ahead of Elasticsearch's", skew: -time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := &node{}
			n.ill.Store(&c)
			shown := atomic.Pointer[tls.Certificate]{}
			show := func(name string) { x := certs[name]; shown.Store(&x) }
			show(c.cert)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			url := "http://" + l.Addr().String()
			srv := &http.Server{Handler: n, ErrorLog: log.New(io.Discard, "", 0)} // failed handshakes are the point
			var serving sync.WaitGroup
			serve := func() { serving.Go(func() { _ = srv.Serve(l) }) }
			switch {
			case c.gone:
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			case c.cert != "":
				url = "https" + strings.TrimPrefix(url, "http")
				l = tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.Load(), nil }})
				serve()
			default:
				serve()
			}
			defer func() { _ = srv.Close(); serving.Wait() }()

			conf := config.Default()
			conf.Sources = []config.Source{{Elasticsearch: "f-*", FromStart: true}}
			conf.Elasticsearch.URLs, conf.Elasticsearch.CA = []config.URL{config.URL(url)}, ca
			conf.Elasticsearch.Fleet.Every = 10 * time.Millisecond
			if c.short {
				conf.Elasticsearch.Timeout = time.Second
			}
			look := func() string {
				o := Options{Config: conf, Now: time.Now()}
				return fmt.Sprint(append(cluster(t.Context(), o), sourceFindings(t.Context(), conf.Sources[0], o)...))
			}
			if c.words != "" {
				c.doc, c.pub, c.fleet, c.tail = c.words, c.words, c.words, c.words
			}
			if says := look(); !strings.Contains(says, c.doc) || strings.ContainsAny(says, "\n\x1b") {
				t.Errorf("doctor says %s, want %q", says, c.doc)
			}
			s, err := station.Open(t.Context(), station.Options{Config: conf, StateDir: t.TempDir(), Name: "test"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}()
			said := func() (pub, fleet, tail string) {
				st := s.Status()
				if len(st.Inputs) > 0 {
					tail = st.Inputs[0].Note
				}
				return st.Elastic.Note, s.Fleet().Problem, tail
			}
			var pub, fleet, tail string
			eventually(t, func() bool {
				pub, fleet, tail = said()
				return strings.Contains(pub, c.pub) && strings.Contains(fleet, c.fleet) && strings.Contains(tail, c.tail)
			}, func() string {
				return fmt.Sprintf("%q for %q, %q for %q, %q for %q", pub, c.pub, fleet, c.fleet, tail, c.tail)
			})
			if strings.ContainsAny(pub+fleet+tail, "\n\x1b") {
				t.Errorf("more than one plain line: %q %q %q", pub, fleet, tail)
			}

			n.ill.Store(nil)
			show("good")
			if c.gone {
				if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
					t.Fatal(err)
				}
				serve()
			}
			lines := s.Status().Inputs[0].Lines
			eventually(t, func() bool {
				st := s.Status()
				f := s.Fleet()
				return st.Elastic.OK && f.Problem == "" && f.Rate > 0 && st.Inputs[0].Note == "" && st.Inputs[0].Lines > lines
			}, func() string { return fmt.Sprintf("%+v %+v %+v", s.Status().Elastic, s.Fleet(), s.Status().Inputs) })
			if says := look(); strings.Contains(says, "bad") || strings.Contains(says, "warn") {
				t.Errorf("mended, and doctor says %s", says)
			}
		})
	}
}

func eventually(t *testing.T, ok func() bool, otherwise func() string) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal(otherwise())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// certify makes a certificate for a server that is valid until so long from now.
func (a *authority) certify(t *testing.T, name string, ip net.IP, until time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(until), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

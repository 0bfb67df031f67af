package jenkins

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"levee/actions"
	"levee/demo/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "11f00dfeedfacefeedface"

// wire is a network of one host: the stand-in, reached without sockets, and
// whatever a test does to requests on their way.
type wire struct {
	to   http.Handler
	mu   sync.Mutex
	trip func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error)
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	next := func() (*http.Response, error) {
		if req.Body == nil {
			req.Body = http.NoBody
		}
		rec := httptest.NewRecorder()
		w.to.ServeHTTP(rec, req)
		res := rec.Result()
		res.Request = req
		return res, nil
	}
	w.mu.Lock()
	trip := w.trip
	w.mu.Unlock()
	if trip != nil {
		return trip(req, next)
	}
	return next()
}

func (w *wire) set(trip func(*http.Request, func() (*http.Response, error)) (*http.Response, error)) {
	w.mu.Lock()
	w.trip = trip
	w.mu.Unlock()
}

type world struct {
	*testing.T
	j    *standin.Jenkins
	wire *wire
	o    Options
	e    *Enforcer
}

// in runs test in a bubble of fake time, with a stand-in and an Enforcer on it.
func in(t *testing.T, change func(*Options, *standin.Options), test func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		so := standin.Options{
			URL:   "http://ci.test/jenkins/",
			Users: []standin.User{{Name: "levee", Password: "correct horse", Token: token}},
			Jobs: []standin.Job{
				{Name: "ops/block-ip", Parameters: []standin.Parameter{{Name: "ADD"}, {Name: "REMOVE"}, {Name: "TTL_SECONDS"}, {Name: "REQUEST_ID"}}, Run: work(time.Second, standin.Success)},
				{Name: "ops/scale", Parameters: []standin.Parameter{{Name: "SERVICE"}, {Name: "DELTA"}, {Name: "REQUEST_ID"}}, Run: work(30*time.Second, standin.Success)},
				{Name: "ops/harden", Parameters: []standin.Parameter{{Name: "SIGNATURE"}, {Name: "ATTACK"}, {Name: "SERVICE"}, {Name: "REQUEST_ID"}}, Run: work(time.Second, standin.Failure)},
			},
		}
		o := Options{
			URL: "http://ci.test/jenkins/", User: "levee", Token: token, Journal: filepath.Join(dir, "jenkins.journal"),
			Jobs: map[actions.Verb]Job{
				actions.Block:   {"ops/block-ip", map[string]string{"ADD": "{{added}}", "REMOVE": "{{removed}}", "TTL_SECONDS": "{{ttl_s}}", "REQUEST_ID": "{{id}}"}},
				actions.ScaleUp: {"ops/scale", map[string]string{"SERVICE": "{{service}}", "DELTA": "2", "REQUEST_ID": "{{id}}"}},
				actions.Harden:  {"ops/harden", map[string]string{"SERVICE": "{{service}}", "ATTACK": "{{attack}}", "SIGNATURE": "{{signature}}", "REQUEST_ID": "{{id}}"}},
			},
		}
		if change != nil {
			change(&o, &so)
		}
		j, err := standin.New(so)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, j: j, wire: &wire{to: j}, o: o}
		w.o.Transport = w.wire
		w.open()
		test(w)
		w.close()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

func work(d time.Duration, result standin.Result) func(context.Context, map[string]string, io.Writer) standin.Result {
	return func(ctx context.Context, p map[string]string, console io.Writer) standin.Result {
		_, _ = fmt.Fprintf(console, "begin %s\x1b[31m\x07 red\n", p["ADD"])
		if pause(ctx, d) != nil {
			return standin.Aborted
		}
		_, _ = fmt.Fprintln(console, "end")
		return result
	}
}

func (w *world) open() {
	w.Helper()
	e, err := New(w.o)
	if err != nil {
		w.Fatal(err)
	}
	w.e = e
}

func (w *world) close() {
	w.Helper()
	if err := w.e.Close(); err != nil {
		w.Error(err)
	}
}

func block(id, address string) actions.Decision {
	return actions.Decision{ID: id, Verb: actions.Block, Target: actions.Target{Prefix: netip.MustParsePrefix(address + "/32")}, TTL: 10 * time.Minute, Expires: time.Now().Add(10 * time.Minute)}
}

func scale(id string) actions.Decision {
	return actions.Decision{ID: id, Verb: actions.ScaleUp, Target: actions.Target{Service: "shop.example.com"}}
}

func (w *world) apply(ds ...actions.Decision) []actions.Receipt {
	w.Helper()
	rs, err := w.e.Apply(context.Background(), ds)
	if err != nil || len(rs) != len(ds) {
		w.Fatalf("%d receipts, %v", len(rs), err)
	}
	return rs
}

func (w *world) revoke(ds ...actions.Decision) []actions.Receipt {
	w.Helper()
	rs, err := w.e.Revoke(context.Background(), ds)
	if err != nil || len(rs) != len(ds) {
		w.Fatalf("%d receipts, %v", len(rs), err)
	}
	return rs
}

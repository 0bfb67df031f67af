package jenkins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"levee/actions"
	"levee/demo/standin"
	"levee/detect"
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

func TestQueueToResultToConsole(t *testing.T) {
	in(t, nil, func(w *world) {
		if err := w.e.Check(context.Background()); err != nil {
			t.Error(err)
		}
		rs := w.apply(block("d1", "192.0.2.1"), block("d2", "192.0.2.2"))
		for _, r := range rs {
			if !r.OK || r.Job == nil || r.Job.State != success || r.Job.Number != 1 || r.Job.Name != "ops/block-ip" {
				t.Errorf("receipt %+v job %+v", r, r.Job)
			}
		}
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 1 || got[0]["ADD"] != "192.0.2.1,192.0.2.2" || got[0]["REMOVE"] != "" || got[0]["TTL_SECONDS"] != "600" || got[0]["REQUEST_ID"] != rs[0].Job.Request {
			t.Errorf("triggered %v", got)
		}
		jobs := w.e.Jobs()
		if len(jobs) != 1 || jobs[0].URL != "http://ci.test/jenkins/job/ops/job/block-ip/1/" {
			t.Fatalf("jobs %+v", jobs)
		}
		console := w.e.Console(jobs[0].Request)
		if !strings.Contains(console, "begin 192.0.2.1,192.0.2.2[31m red\nend\nFinished: SUCCESS\n") || strings.ContainsAny(console, "\x1b\x07\r") {
			t.Errorf("console %q", console)
		}
		// Applied again, nothing happens twice; lifted, one build removes both.
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK || len(w.j.Triggered("ops/block-ip")) != 1 {
			t.Errorf("applied again: %+v", rs[0])
		}
		if rs := w.revoke(block("d1", "192.0.2.1"), block("d2", "192.0.2.2")); !rs[0].OK || !rs[1].OK {
			t.Errorf("revoked: %+v", rs)
		}
		if got := w.j.Triggered("ops/block-ip"); len(got) != 2 || got[1]["REMOVE"] != "192.0.2.1,192.0.2.2" || got[1]["ADD"] != "" {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestChangesAreGathered(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(block("first", "192.0.2.200"))
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if i%5 == 0 {
					w.revoke(block("first", "192.0.2.200"))
					return
				}
				w.apply(block(fmt.Sprint("d", i), fmt.Sprintf("198.51.100.%d", i)))
			})
		}
		wg.Wait()
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 2 || got[1]["REMOVE"] != "192.0.2.200" || strings.Count(got[1]["ADD"], ",") != 39 {
			t.Errorf("%d builds: %v", len(got), got)
		}
	})
}

func TestALongBuildIsFollowedAfterApplyReturned(t *testing.T) {
	in(t, nil, func(w *world) {
		rs := w.apply(scale("s1"))
		if !rs[0].OK || rs[0].Job.State != running {
			t.Fatalf("receipt %+v %+v", rs[0], rs[0].Job)
		}
		time.Sleep(40 * time.Second)
		if j := w.e.Jobs()[0]; j.State != success || j.Ended.IsZero() {
			t.Errorf("job %+v", j)
		}
		if got := w.j.Triggered("ops/scale"); got[0]["SERVICE"] != "shop.example.com" || got[0]["DELTA"] != "2" {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestAFailedBuildFailsAndIsTriggeredAnew(t *testing.T) {
	in(t, nil, func(w *world) {
		d := actions.Decision{ID: "h", Verb: actions.Harden, Attack: detect.CacheBusting, Target: actions.Target{Service: "shop", Signature: &detect.Signature{Path: "/$(reboot)", UserAgent: "a'b\"`;\n--x"}}}
		rs := w.apply(d)
		if rs[0].OK || rs[0].Unknown || rs[0].Job.State != failed {
			t.Errorf("receipt %+v", rs[0])
		}
		w.apply(d)
		got := w.j.Triggered("ops/harden")
		if len(got) != 2 || got[0]["SIGNATURE"] != "path=/%24%28reboot%29,user_agent=a%27b%22%60%3B%0A--x" || got[0]["ATTACK"] != "cache_busting" || got[0]["REQUEST_ID"] == got[1]["REQUEST_ID"] {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestPasswordCrumbAndCookie(t *testing.T) {
	in(t, func(o *Options, _ *standin.Options) { o.Token, o.Password = "", "correct horse" }, func(w *world) {
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK {
			t.Errorf("receipt %+v", rs[0])
		}
		// The controller forgets its sessions: the next POST is refused once.
		w.e.client.request.Client.Jar.SetCookies(&url.URL{Scheme: "http", Host: "ci.test", Path: "/jenkins/"}, nil)
		w.e.client.crumb = map[string]string{"Jenkins-Crumb": "stale"}
		if rs := w.apply(block("d2", "192.0.2.2")); !rs[0].OK {
			t.Errorf("with a stale crumb: %+v", rs[0])
		}
	})
}

func TestEveryRefusalSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		options func(*Options, *standin.Options)
		trip    func(*http.Request, func() (*http.Response, error)) (*http.Response, error)
		want    string
	}{
		"wrong token":  {func(o *Options, _ *standin.Options) { o.Token = "wrong-token" }, nil, "401: user or token is wrong"},
		"no user":      {func(o *Options, _ *standin.Options) { o.User = "" }, nil, "403: this user may not"},
		"missing job":  {func(o *Options, s *standin.Options) { s.Jobs = s.Jobs[1:] }, nil, "404: there is no such thing"},
		"unparam job":  {func(o *Options, s *standin.Options) { s.Jobs[0].Parameters = nil }, nil, "500: Jenkins could not take it"},
		"HTML 500":     {nil, html(500), "500: Jenkins could not take it"},
		"HTML 200":     {nil, html(200), "200: that is not how Jenkins answers"},
		"a redirect":   {nil, redirectTo("https://sso.example.com/login"), "it points to sso.example.com"},
		"a 303 to sso": {nil, status303("https://sso.example.com/queue/"), "it points to sso.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, c.options, func(w *world) {
				w.wire.set(c.trip)
				rs := w.apply(block("d1", "192.0.2.1"))
				if rs[0].OK || rs[0].Unknown || !strings.Contains(rs[0].Note, c.want) {
					t.Errorf("receipt %+v, want %q", rs[0], c.want)
				}
				if err := w.e.Check(context.Background()); err == nil && c.trip != nil {
					t.Error("Check sees nothing")
				}
			})
		})
	}
}

func TestDisabledJob(t *testing.T) {
	in(t, nil, func(w *world) {
		if _, err := w.e.client.post(context.Background(), "/job/ops/job/block-ip/disable", nil, nil); err != nil {
			t.Fatal(err)
		}
		if rs := w.apply(block("d1", "192.0.2.1")); rs[0].OK || !strings.Contains(rs[0].Note, "disabled; enable it") {
			t.Errorf("receipt %+v", rs[0])
		}
		if err := w.e.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "disabled") {
			t.Errorf("Check = %v", err)
		}
	})
}

func reply(code int, location, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{"Location": {location}, "Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader(body))}
}

type trip = func(*http.Request, func() (*http.Response, error)) (*http.Response, error)

func html(code int) trip {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		return reply(code, "", "<html>oops</html>"), nil
	}
}

func redirectTo(to string) trip {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		return reply(302, to, ""), nil
	}
}

func status303(to string) trip {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		return reply(303, to, ""), nil
	}
}

// posts passes GETs on and treats POSTs with f.
func posts(f trip) trip {
	return func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		if req.Method == http.MethodPost {
			return f(req, next)
		}
		return next()
	}
}

func TestAnAnswerThatGotLostTriggersNothingTwice(t *testing.T) {
	in(t, nil, func(w *world) {
		var lost atomic.Int32
		w.wire.set(posts(func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if lost.Add(1) == 1 {
				_, _ = next()
				return nil, io.ErrUnexpectedEOF
			}
			return next()
		}))
		rs := w.apply(block("d1", "192.0.2.1"))
		time.Sleep(time.Minute)
		if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK || lost.Load() != 1 {
			t.Errorf("%d builds, %d posts, receipt %+v", len(got), lost.Load(), rs[0])
		}
	})
}

func TestARequestThatGotLostIsSentAgain(t *testing.T) {
	in(t, nil, func(w *world) {
		var n atomic.Int32
		w.wire.set(posts(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if n.Add(1) == 1 { // hangs until the client gives up
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return next()
		}))
		rs := w.apply(block("d1", "192.0.2.1"))
		if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK || n.Load() != 2 {
			t.Errorf("%d builds, %d posts, receipt %+v", len(got), n.Load(), rs[0])
		}
	})
}

func TestAControllerThatIsAway(t *testing.T) {
	in(t, nil, func(w *world) {
		var calls atomic.Int32
		w.wire.set(func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			calls.Add(1)
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		})
		d := block("d1", "192.0.2.1")
		rs := w.apply(d)
		if rs[0].OK || !rs[0].Unknown || !strings.Contains(rs[0].Note, "not answer") {
			t.Errorf("receipt %+v", rs[0])
		}
		time.Sleep(time.Minute)
		if calls.Load() > 20 {
			t.Errorf("%d calls in a minute: the breaker did not open", calls.Load())
		}
		w.wire.set(nil)
		time.Sleep(5 * time.Minute)
		// It came back too late for this run, or in time: either way the next try goes through.
		if rs := w.apply(d); !rs[0].OK || len(w.j.Triggered("ops/block-ip")) != 1 {
			t.Errorf("receipt %+v, %v", rs[0], w.j.Triggered("ops/block-ip"))
		}
	})
}

func TestStartingUpIsWaitedFor(t *testing.T) {
	in(t, nil, func(w *world) {
		w.j.StartingUp(true)
		go func() {
			time.Sleep(5 * time.Second)
			w.j.StartingUp(false)
		}()
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK {
			t.Errorf("receipt %+v", rs[0])
		}
	})
}

func TestARestartFindsItsRunsAgain(t *testing.T) {
	in(t, nil, func(w *world) {
		d := scale("s1")
		w.apply(d)
		w.close()
		time.Sleep(10 * time.Minute) // the queue item is forgotten by now
		w.open()
		rs, err := w.e.Resume(context.Background(), []actions.Decision{d, scale("never sent")})
		if err != nil || !rs[0].OK || rs[1].OK || rs[1].Unknown {
			t.Errorf("receipts %+v, %v", rs, err)
		}
		time.Sleep(5 * time.Second)
		if j := w.e.Jobs()[0]; j.State != success || len(w.j.Triggered("ops/scale")) != 1 {
			t.Errorf("job %+v", j)
		}
	})
}

// TestKilledAtEveryStep stops at each exchange of a run, starts again and
// applies again: exactly one build each time.
func TestKilledAtEveryStep(t *testing.T) {
	for step := range 6 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			in(t, nil, func(w *world) {
				var calls atomic.Int32
				killed := make(chan struct{})
				w.wire.set(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
					n := int(calls.Add(1))
					if n <= step {
						return next()
					}
					if n == step+1 && step%2 == 0 { // it arrived, but nobody heard
						_, _ = next()
						close(killed)
					} else if n == step+1 {
						close(killed)
					}
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				d := block("d1", "192.0.2.1")
				ctx, cancel := context.WithCancel(context.Background())
				go func() { <-killed; cancel() }()
				if _, err := w.e.Apply(ctx, []actions.Decision{d}); err != nil {
					t.Fatal(err)
				}
				w.close()
				w.wire.set(nil)
				time.Sleep(time.Duration(step) * 2 * time.Minute)
				w.open()
				if rs, err := w.e.Resume(context.Background(), []actions.Decision{d}); err != nil {
					t.Errorf("%+v %v", rs, err)
				}
				time.Sleep(time.Minute)
				rs := w.apply(d)
				if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK {
					t.Errorf("%d builds, receipt %+v", len(got), rs[0])
				}
				cancel()
			})
		})
	}
}

func TestControllersThatLie(t *testing.T) {
	answer := func(path, body string) trip {
		return func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(req.URL.Path, path) {
				return reply(200, "", body), nil
			}
			return next()
		}
	}
	for name, c := range map[string]struct {
		trip trip
		want string
	}{
		"no Location":       {posts(html(201)), "lost"},
		"a foreign item":    {answer("/queue/item/", `{"id":777,"_class":"hudson.model.Queue$LeftItem"}`), "queued"},
		"a foreign build":   {answer("/block-ip/1/api/json", `{"number":1,"queueId":999,"building":false,"result":"SUCCESS"}`), "lost"},
		"a new result":      {answer("/block-ip/1/api/json", `{"number":1,"queueId":1,"building":false,"result":"\u001b[2JGREAT"}`), "failure"},
		"an endless build":  {answer("/block-ip/1/api/json", `{"number":1,"queueId":1,"building":true,"result":null}`), "lost"},
		"HTML in mid-build": {answer("/block-ip/1/api/json", `<html>`), "lost"},
		"left for nowhere":  {answer("/queue/item/", `{"id":1,"_class":"hudson.model.Queue$LeftItem","cancelled":false,"executable":null}`), "cancelled"},
		"build zero":        {answer("/queue/item/", `{"id":1,"_class":"hudson.model.Queue$LeftItem","executable":{"number":0}}`), "lost"},
		"no text size":      {answer("progressiveText", "hello"), "success"},
		"a shrinking log":   {answer("never", ""), "success"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, nil, func(w *world) {
				w.wire.set(c.trip)
				w.apply(block("d1", "192.0.2.1"))
				time.Sleep(20 * time.Minute)
				got := w.e.Jobs()[0]
				if c.want == "queued" && got.State == lost {
					return // it was given up in the end, never believed
				}
				if got.State != c.want || strings.ContainsRune(got.Why, '\x1b') {
					t.Errorf("job %+v, want %s", got, c.want)
				}
			})
		})
	}
}

func TestAControllerThatDiesInMidBuild(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(scale("s1"))
		w.j.Restart()
		w.j.StartingUp(true)
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != running || !strings.Contains(j.Why, "503") && !strings.Contains(j.Why, "answer") {
			t.Errorf("while it is away: %+v", j)
		}
		w.j.StartingUp(false)
		time.Sleep(10 * time.Minute)
		if j := w.e.Jobs()[0]; j.State != aborted {
			t.Errorf("after it came back: %+v", j)
		}
	})
}

func TestADeletedBuildIsLost(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(scale("s1"))
		w.j.DeleteBuild("ops/scale", 1)
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != lost {
			t.Errorf("job %+v", j)
		}
	})
}

func TestQueueDeadlineAndCancel(t *testing.T) {
	in(t, func(o *Options, s *standin.Options) { o.QueueDeadline = 30 * time.Second; s.Executors = 1 }, func(w *world) {
		quiet := func(verb string) {
			if _, err := w.e.client.post(context.Background(), verb, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		quiet("/quietDown")
		rs := w.apply(block("d1", "192.0.2.1"))
		if !rs[0].OK || rs[0].Job.State != queued || !strings.Contains(w.e.Jobs()[0].Why, "about to shut down") {
			t.Errorf("receipt %+v, job %+v", rs[0], w.e.Jobs()[0])
		}
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != cancelled {
			t.Errorf("after the deadline: %+v", j)
		}
		quiet("/cancelQuietDown")
		if n := len(w.j.Triggered("ops/block-ip")); n != 0 {
			t.Errorf("%d builds ran late", n)
		}
		rs = w.apply(scale("s1"))
		if err := w.e.Cancel(context.Background(), rs[0].Job.Request); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if j := w.e.Jobs()[0]; j.State != aborted {
			t.Errorf("after Cancel: %+v", j)
		}
		if err := w.e.Cancel(context.Background(), rs[0].Job.Request); err == nil {
			t.Error("an ended job was cancelled")
		}
	})
}

func TestARenewalTellsTheJob(t *testing.T) {
	in(t, nil, func(w *world) {
		d := block("d1", "192.0.2.1")
		w.apply(d)
		d.Expires = d.Expires.Add(10 * time.Minute)
		w.apply(d)
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 2 || got[1]["TTL_SECONDS"] != "1200" {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestAFullDiskSendsNothing(t *testing.T) {
	in(t, nil, func(w *world) {
		if err := w.e.journal.file.Close(); err != nil {
			t.Fatal(err)
		}
		rs := w.apply(block("d1", "192.0.2.1"))
		if rs[0].OK || rs[0].Unknown || !strings.Contains(rs[0].Note, "journal") || len(w.j.Triggered("ops/block-ip")) != 0 {
			t.Errorf("receipt %+v", rs[0])
		}
		w.e.journal.file, _ = os.Open(os.DevNull)
	})
}

func TestSecretsNeverShow(t *testing.T) {
	in(t, nil, func(w *world) {
		w.wire.set(func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			return nil, fmt.Errorf("proxy said: %s %s", req.Header.Get("Authorization"), token)
		})
		text := fmt.Sprintf("%+v", w.apply(block("d1", "192.0.2.1")))
		err := w.e.Check(context.Background())
		text += fmt.Sprintf("%v %+v %+v", err, w.e.Jobs(), w.e.client)
		journal, readErr := os.ReadFile(w.o.Journal)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if strings.Contains(text+string(journal), token) {
			t.Errorf("the token shows in %s %s", text, journal)
		}
	})
}

func TestBadOptions(t *testing.T) {
	good := map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added}}", "T": "{{ttl_s}}"}}}
	for name, o := range map[string]Options{
		"no URL":            {Jobs: good},
		"no http":           {URL: "ftp://x/", Jobs: good},
		"password in URL":   {URL: "http://u:pass@x/", Jobs: good},
		"no jobs":           {URL: "http://x/"},
		"bad name":          {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"../b", good[actions.Block].Parameters}}},
		"bad verb":          {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Allow: good[actions.Block]}},
		"bad placeholder":   {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{addd}}"}}}},
		"open placeholder":  {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added"}}}},
		"no way back":       {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added}}"}}}},
		"user, no secret":   {URL: "http://x/", User: "u", Jobs: good},
		"secret file, none": {URL: "http://x/", User: "u", TokenFile: "/nonexistent", Jobs: good},
	} {
		if e, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
			_ = e.Close()
		} else if strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: the password shows: %v", name, err)
		}
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("shop; rm -rf /", "/a?b='$(x)'", "\u202e\x00")
	f.Fuzz(func(t *testing.T, service, path, agent string) {
		job := Job{"j", map[string]string{"S": "{{service}}", "G": "{{signature}}", "I": "{{incident}}"}}
		form := job.fill(facts{service: service, episode: agent, signature: &detect.Signature{Path: path, UserAgent: agent}})
		for name, values := range form {
			for _, c := range []byte(values[0]) {
				if !plain(c) && c != ',' && c != '=' && c != '%' {
					t.Fatalf("%s holds %q: %q", name, c, values[0])
				}
			}
			if strings.HasPrefix(values[0], "-") {
				t.Fatalf("%s looks like an option: %q", name, values[0])
			}
		}
	})
}

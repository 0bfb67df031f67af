package standin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// controller is a Jenkins with one job of each kind, asked without a network.
type controller struct {
	t *testing.T
	j *Jenkins
}

func start(t *testing.T, o Options) controller {
	t.Helper()
	if o.URL == "" {
		o.URL = "http://jenkins.test/"
	}
	o.Jobs = append(o.Jobs,
		Job{Name: "ops/block-ip", Parameters: []Parameter{{"ADD", ""}, {"REQUEST_ID", ""}}, Run: func(ctx context.Context, p map[string]string, console io.Writer) Result {
			_, _ = fmt.Fprintln(console, "blocking", p["ADD"])
			if (realClock{}).Sleep(ctx, 3*time.Second) != nil {
				return Failure
			}
			return Success
		}},
		Job{Name: "plain"},
		Job{Name: "panics", Run: func(context.Context, map[string]string, io.Writer) Result { panic("oh") }},
	)
	j, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return controller{t, j}
}

func (c controller) do(method, path string, headers ...string) *http.Response {
	c.t.Helper()
	var body io.Reader
	if i := strings.Index(path, " "); i >= 0 {
		body, path = strings.NewReader(path[i+1:]), path[:i]
	}
	req := httptest.NewRequest(method, "http://jenkins.test"+path, body)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "user" {
			name, secret, _ := strings.Cut(headers[i+1], ":")
			req.SetBasicAuth(name, secret)
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	c.j.ServeHTTP(rec, req)
	return rec.Result()
}

func (c controller) get(path string, into any) int {
	c.t.Helper()
	res := c.do("GET", path)
	if res.StatusCode == 200 && into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			c.t.Fatal(err)
		}
	}
	return res.StatusCode
}

func TestAnswersRowByRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Options{})
		defer func() { _ = c.j.Close() }()
		for _, row := range []struct {
			name, method, path string
			status             int
			header, want       string
		}{
			{"build", "POST", "/job/ops/job/block-ip/buildWithParameters ADD=192.0.2.1&REQUEST_ID=r1&UNKNOWN=x&delay=3sec", 201, "Location", "http://jenkins.test/queue/item/1/"},
			{"the same again", "POST", "/job/ops/job/block-ip/buildWithParameters ADD=192.0.2.1&REQUEST_ID=r1&delay=3sec", 303, "Location", "http://jenkins.test/queue/item/1/"},
			{"in the query", "POST", "/job/ops/job/block-ip/buildWithParameters?ADD=192.0.2.1&REQUEST_ID=r2&delay=3sec", 201, "Location", "http://jenkins.test/queue/item/2/"},
			{"unparameterised", "POST", "/job/plain/build?delay=9sec", 201, "Location", "http://jenkins.test/queue/item/3/"},
			{"queued already", "POST", "/job/plain/build", 201, "Location", "http://jenkins.test/queue/item/3/"},
			{"bad delay", "POST", "/job/plain/build?delay=soon", 400, "", ""},
			{"parameterised, nothing submitted", "POST", "/job/ops/job/block-ip/build", 400, "", ""},
			{"unparameterised with parameters", "POST", "/job/plain/buildWithParameters", 500, "Content-Type", "text/html;charset=utf-8"},
			{"GET", "GET", "/job/plain/build", 405, "Allow", "POST"},
			{"missing", "POST", "/job/none/build", 404, "Content-Type", "text/html;charset=utf-8"},
			{"folder", "POST", "/job/ops/build", 404, "", ""},
			{"item", "GET", "/queue/item/1/api/json", 200, "", ""},
			{"unknown item", "GET", "/queue/item/99/api/json", 404, "", ""},
			{"cancel", "POST", "/queue/cancelItem?id=2", 204, "", ""},
			{"cancel again", "POST", "/queue/cancelItem?id=2", 500, "", ""},
			{"cancel unknown", "POST", "/queue/cancelItem?id=99", 404, "", ""},
			{"disable", "POST", "/job/plain/disable", 302, "Location", "http://jenkins.test/job/plain/"},
			{"disabled", "POST", "/job/plain/build", 409, "", ""},
			{"enable", "POST", "/job/plain/enable", 302, "", ""},
			{"double slashes", "GET", "//job//ops//job/block-ip//api/json", 200, "", ""},
			{"api twice", "GET", "/crumbIssuer/api/json/api/json", 200, "", ""},
			{"trailing slash", "GET", "/job/plain/api/json/", 200, "", ""},
			{"python", "GET", "/crumbIssuer/api/python", 200, "", ""},
			{"unknown field", "GET", "/api/json?tree=nothing", 200, "", ""},
			{"malformed tree", "GET", "/api/json?tree=jobs[name", 500, "", ""},
			{"bad XML", "POST", "/createItem?name=x <a", 500, "", ""},
			{"bad name", "POST", "/createItem?name=a/b <project/>", 400, "", ""},
			{"taken name", "POST", "/createItem?name=plain <project/>", 400, "X-Error", "A job already exists with the name  plain "},
			{"new", "POST", "/createItem?name=fresh <project/>", 200, "", ""},
			{"delete", "POST", "/job/fresh/doDelete", 302, "Location", "http://jenkins.test/"},
			{"login", "GET", "/login", 200, "", ""},
		} {
			res := c.do(row.method, row.path)
			if res.StatusCode != row.status || row.header != "" && res.Header.Get(row.header) != row.want {
				t.Errorf("%s: %d %q, want %d %q", row.name, res.StatusCode, res.Header.Get(row.header), row.status, row.want)
			}
		}
		c.j.StartingUp(true)
		if res := c.do("GET", "/api/json"); res.StatusCode != 503 || !strings.Contains(res.Header.Get("Content-Type"), "html") {
			t.Errorf("starting up: %d", res.StatusCode)
		}
	})
}

type itemJSON struct {
	Class      string `json:"_class"`
	Why        *string
	Cancelled  *bool
	Executable *struct{ Number int64 }
}

type buildJSON struct {
	Building          bool
	Result            *string
	Duration, QueueID int64
	EstimatedDuration int64
}

func TestABuildFromQueueToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Options{})
		defer func() { _ = c.j.Close() }()
		item := func(id int) (it itemJSON) {
			if code := c.get(fmt.Sprintf("/queue/item/%d/api/json", id), &it); code != 200 {
				it.Class = fmt.Sprint(code)
			}
			return it
		}
		c.do("POST", "/job/ops/job/block-ip/buildWithParameters ADD=a") // quiet period
		c.do("POST", "/job/ops/job/block-ip/buildWithParameters ADD=b&delay=0sec")
		c.do("POST", "/job/ops/job/block-ip/buildWithParameters ADD=c&delay=0sec")
		if it := item(1); it.Class != "hudson.model.Queue$WaitingItem" || it.Executable != nil {
			t.Errorf("quiet: %+v", it)
		}
		if it := item(2); it.Class != "hudson.model.Queue$LeftItem" || it.Executable == nil || it.Executable.Number != 1 {
			t.Errorf("at once: %+v", it)
		}
		if it := item(3); it.Class != "hudson.model.Queue$BlockedItem" || it.Why == nil || it.Cancelled != nil {
			t.Errorf("behind it: %+v", it)
		}
		var b buildJSON
		c.get("/job/ops/job/block-ip/1/api/json", &b)
		if !b.Building || b.Result != nil || b.QueueID != 2 || b.EstimatedDuration != -1 {
			t.Errorf("running: %+v", b)
		}
		synctest.Wait()
		res := c.do("GET", "/job/ops/job/block-ip/1/logText/progressiveText?start=0")
		text, _ := io.ReadAll(res.Body)
		if res.Header.Get("X-More-Data") != "true" || !strings.Contains(string(text), "blocking b\r\n") || res.Header.Get("X-Text-Size") <= fmt.Sprint(len(text)) {
			t.Errorf("log: %q %v", text, res.Header)
		}
		for start, want := range map[string]int{"-1": 500, "x": 500, res.Header.Get("X-Text-Size"): 200} {
			got := c.do("GET", "/job/ops/job/block-ip/1/logText/progressiveText?start="+start)
			if more, _ := io.ReadAll(got.Body); got.StatusCode != want || want == 200 && len(more) != 0 {
				t.Errorf("start=%s: %d %q", start, got.StatusCode, more)
			}
		}
		whole, _ := io.ReadAll(c.do("GET", "/job/ops/job/block-ip/1/logText/progressiveText?start=999999").Body)
		if string(whole) != string(text) {
			t.Errorf("past the end: %q", whole)
		}
		time.Sleep(4 * time.Second)
		c.get("/job/ops/job/block-ip/1/api/json", &b)
		if b.Building || b.Result == nil || *b.Result != "SUCCESS" || b.Duration != 3000 || b.EstimatedDuration != 3000 {
			t.Errorf("done: %+v", b)
		}
		if it := item(3); it.Executable == nil || it.Executable.Number != 2 {
			t.Errorf("its turn: %+v", it)
		}
		c.do("POST", "/job/ops/job/block-ip/2/stop")
		synctest.Wait()
		c.get("/job/ops/job/block-ip/2/api/json", &b)
		if b.Building || *b.Result != "ABORTED" {
			t.Errorf("stopped: %+v", b)
		}
		if res := c.do("POST", "/job/ops/job/block-ip/2/stop"); res.StatusCode != 302 {
			t.Errorf("stop again: %d", res.StatusCode)
		}
		time.Sleep(5 * time.Minute)
		if it := item(2); it.Class != "404" {
			t.Errorf("five minutes later: %+v", it)
		}
		var brief struct {
			Builds []struct {
				Number  int64
				QueueID int64
				Actions []struct {
					Parameters []struct{ Name, Value string }
				}
			}
		}
		c.get("/job/ops/job/block-ip/api/json?tree=builds[number,queueId,actions[parameters[name,value]]]{0,2}", &brief)
		if len(brief.Builds) != 2 || brief.Builds[0].Number != 3 || brief.Builds[0].QueueID != 1 || brief.Builds[0].Actions[0].Parameters[0].Value != "a" {
			t.Errorf("tree: %+v", brief)
		}
	})
}

func TestQuietDownAndCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Options{})
		defer func() { _ = c.j.Close() }()
		c.do("POST", "/quietDown")
		c.do("POST", "/job/panics/build?delay=0sec")
		var it itemJSON
		c.get("/queue/item/1/api/json", &it)
		if it.Class != "hudson.model.Queue$BuildableItem" || *it.Why != "Jenkins is about to shut down" {
			t.Errorf("quiet down: %+v", it)
		}
		c.do("POST", "/cancelQuietDown")
		synctest.Wait()
		var b buildJSON
		c.get("/job/panics/1/api/json", &b)
		if b.Result == nil || *b.Result != "FAILURE" {
			t.Errorf("a job that panics: %+v", b)
		}
		c.j.Restart()
		if code := c.get("/queue/item/1/api/json", nil); code != 404 {
			t.Errorf("after a restart the item answers %d", code)
		}
	})
}

func TestSigningIn(t *testing.T) {
	c := start(t, Options{Users: users})
	if res := c.do("GET", "/api/json"); res.StatusCode != 403 {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	if res := c.do("GET", "/api/json", "user", "admin:nope"); res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("bad password: %d", res.StatusCode)
	}
	if res := c.do("POST", "/job/plain/build", "user", "admin:11token"); res.StatusCode != 201 {
		t.Errorf("token: %d", res.StatusCode)
	}
	if res := c.do("POST", "/job/plain/build", "user", "admin:pass"); res.StatusCode != 403 {
		t.Errorf("password without crumb: %d", res.StatusCode)
	}
	issued := c.do("GET", "/crumbIssuer/api/json", "user", "admin:pass")
	var crumb struct{ Crumb, CrumbRequestField string }
	if err := json.NewDecoder(issued.Body).Decode(&crumb); err != nil {
		t.Fatal(err)
	}
	cookie := issued.Cookies()[0]
	if res := c.do("POST", "/job/plain/build", "user", "admin:pass", crumb.CrumbRequestField, crumb.Crumb); res.StatusCode != 403 {
		t.Errorf("crumb without its cookie: %d", res.StatusCode)
	}
	if res := c.do("POST", "/job/plain/build", "user", "admin:pass", crumb.CrumbRequestField, crumb.Crumb, "Cookie", cookie.Name+"="+cookie.Value); res.StatusCode != 201 {
		t.Errorf("crumb and cookie: %d", res.StatusCode)
	}
}

func TestMountedBelowAPath(t *testing.T) {
	j, err := New(Options{URL: "http://ci.test/jenkins/", Jobs: []Job{{Name: "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	rec := httptest.NewRecorder()
	j.ServeHTTP(rec, httptest.NewRequest("POST", "http://ci.test/jenkins/job/x/build", nil))
	if got := rec.Header().Get("Location"); got != "http://ci.test/jenkins/queue/item/1/" {
		t.Errorf("%d %q", rec.Code, got)
	}
	rec = httptest.NewRecorder()
	j.ServeHTTP(rec, httptest.NewRequest("GET", "http://ci.test/job/x/api/json", nil))
	if rec.Code != 404 {
		t.Errorf("outside the mount: %d", rec.Code)
	}
}

func FuzzTree(f *testing.F) {
	f.Add("a,b[c,d[e]]{0,10}")
	f.Add("builds[number]{3}")
	f.Fuzz(func(t *testing.T, s string) {
		tree, err := parseTree(s)
		if err != nil {
			return
		}
		shape(object{{"a", []any{object{{"b", "c"}}}}, {"builds", []any{int64(1), int64(2)}}}, 0, tree)
	})
}

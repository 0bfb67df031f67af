package standin

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// exchange is one recorded request and its answer.
type exchange struct {
	name, method, url, auth string
	data                    any // nil, string, map[string]any
	headers                 map[string]any
	status                  int
	answer                  http.Header
	body                    string
}

func readExchange(t *testing.T, path string) exchange {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(raw), "\n\n")
	x := exchange{name: strings.TrimSuffix(filepath.Base(path), ".txt"), answer: http.Header{}, body: body}
	for i, line := range strings.Split(head, "\n") {
		switch {
		case i == 0:
			x.method, x.url, _ = strings.Cut(strings.TrimPrefix(line, "> "), " ")
		case i == 1:
			auth, extra, _ := strings.Cut(strings.TrimPrefix(line, "> auth="), " extra=")
			x.auth = auth
			var e struct {
				Data    any
				Headers map[string]any
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(extra, "'", `"`)), &e); err != nil {
				t.Fatalf("%s: %v in %s", x.name, err, extra)
			}
			x.data, x.headers = e.Data, e.Headers
		case strings.HasPrefix(line, "< ") && x.status == 0:
			if _, err := fmt.Sscanf(line, "< %d", &x.status); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(line, "< "):
			k, v, _ := strings.Cut(strings.TrimPrefix(line, "< "), ": ")
			x.answer.Add(k, v)
		}
	}
	return x
}

const recordedRoot = "http://127.0.0.1:18090/"

func recorded(t *testing.T) []string {
	t.Helper()
	for dir := ".."; len(dir) < 40; dir = filepath.Join(dir, "..") {
		files, err := filepath.Glob(filepath.Join(dir, "shared", "jenkins", "exchanges", "*.txt"))
		if err == nil && len(files) > 0 {
			slices.Sort(files)
			return files
		}
	}
	t.Skip("the recorded exchanges (shared/jenkins/exchanges beside the repository) are not here; the table test covers the same rows")
	return nil
}

const gpXML = `<?xml version='1.1' encoding='UTF-8'?><project><properties><hudson.model.ParametersDefinitionProperty><parameterDefinitions>
<hudson.model.StringParameterDefinition><name>WHO</name><defaultValue>nobody</defaultValue></hudson.model.StringParameterDefinition>
</parameterDefinitions></hudson.model.ParametersDefinitionProperty></properties>
<builders><hudson.tasks.Shell><command>echo hello $WHO
sleep 4
echo done</command></hudson.tasks.Shell></builders></project>`

var users = []User{{Name: "admin", Password: "pass", Token: "11token"}}

func TestReplayOfEveryRecordedExchange(t *testing.T) {
	files := recorded(t)
	if len(files) < 49 {
		t.Errorf("%d exchanges, 49 were recorded", len(files))
	}
	synctest.Test(t, func(t *testing.T) {
		j, err := New(Options{URL: recordedRoot, Users: users, FirstItem: 20, Clock: realClock{}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		var crumb string
		for _, file := range files {
			x := readExchange(t, file)
			// What the recording waited for, or had prepared beside it.
			switch x.name {
			case "21-build-running":
				time.Sleep(20 * time.Millisecond)
			case "23-queue-blocked":
				time.Sleep(3*time.Second - 20*time.Millisecond)
			case "26-build-done":
				time.Sleep(3 * time.Second)
			case "36-stop":
				time.Sleep(time.Second)
			case "37-aborted":
				synctest.Wait()
			case "47-folder-job":
				prepareFolder(t, j)
			}
			if x.name == "07-create" || x.name == "08-create-dup" {
				x.data = gpXML
			}
			req := x.request(t)
			if x.name == "14-build-crumb-nocookie" {
				req.Header.Set("Jenkins-Crumb", crumb)
			}
			rec := httptest.NewRecorder()
			j.ServeHTTP(rec, req)
			got := rec.Result()
			body := plain(t, got)
			if x.name == "05-crumb-password" {
				var c struct{ Crumb string }
				if err := json.Unmarshal([]byte(body), &c); err != nil {
					t.Fatal(err)
				}
				crumb = c.Crumb
			}
			x.compare(t, got, body)
		}
	})
}

func prepareFolder(t *testing.T, j *Jenkins) {
	t.Helper()
	for _, name := range []string{"team/sub/deploy", "team/sub/deploy2"} {
		if err := j.add(Job{Name: name, Parameters: []Parameter{{"WHO", "d"}}}, ""); err != nil {
			t.Fatal(err)
		}
	}
	req := httptest.NewRequest("POST", recordedRoot+"job/team/job/sub/job/deploy/buildWithParameters?delay=0sec", nil)
	req.SetBasicAuth("admin", "11token")
	j.ServeHTTP(httptest.NewRecorder(), req)
	synctest.Wait()
}

func (x exchange) request(t *testing.T) *http.Request {
	t.Helper()
	target := x.url
	if strings.HasPrefix(target, "/") {
		target = strings.TrimSuffix(recordedRoot, "/") + target
	}
	var body io.Reader
	kind := ""
	switch d := x.data.(type) {
	case string:
		body = strings.NewReader(d)
	case map[string]any:
		v := url.Values{}
		for k, s := range d {
			v.Set(k, s.(string))
		}
		body, kind = strings.NewReader(v.Encode()), "application/x-www-form-urlencoded"
	}
	req := httptest.NewRequest(x.method, target, body)
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for k, v := range x.headers {
		req.Header.Set(k, v.(string))
	}
	switch {
	case x.name == "03-badpw":
		req.SetBasicAuth("admin", "wrong")
	case x.auth == "token":
		req.SetBasicAuth("admin", "11token")
	case x.auth == "password":
		req.SetBasicAuth("admin", "pass")
	}
	return req
}

func plain(t *testing.T, res *http.Response) string {
	t.Helper()
	var r io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var (
	volatileNumber = regexp.MustCompile(`"(inQueueSince|timestamp|buildableStartMilliseconds|duration|estimatedDuration)":\d+`)
	volatileText   = regexp.MustCompile(`"crumb":"[0-9a-f]+"|In the quiet period. Expires in [0-9.]+ sec|jenkins\d+\.sh`)
)

// compare holds the answer against the recording: status, header names and the
// values that mean something, and the body as far as clients read it.
func (x exchange) compare(t *testing.T, got *http.Response, body string) {
	t.Helper()
	if got.StatusCode != x.status {
		t.Errorf("%s: status %d, recorded %d\n%s", x.name, got.StatusCode, x.status, body)
		return
	}
	for _, h := range []string{"Content-Type", "Location", "X-Jenkins", "X-Error", "X-More-Data", "Www-Authenticate", "Allow", "X-Frame-Options", "Cache-Control", "Content-Encoding", "X-Content-Type-Options"} {
		if g, w := strings.TrimSpace(got.Header.Get(h)), strings.TrimSpace(x.answer.Get(h)); g != w {
			t.Errorf("%s: %s is %q, recorded %q", x.name, h, g, w)
		}
	}
	for _, h := range []string{"X-Jenkins-Session", "Set-Cookie", "X-Text-Size", "X-Hudson"} {
		if (got.Header.Get(h) == "") != (x.answer.Get(h) == "") {
			t.Errorf("%s: %s is %q, recorded %q", x.name, h, got.Header.Get(h), x.answer.Get(h))
		}
	}
	g, w := normal(body), normal(x.body)
	switch {
	case strings.HasPrefix(x.answer.Get("Content-Type"), "application/json"):
		var gv, wv any
		if err := json.Unmarshal([]byte(g), &gv); err != nil {
			t.Fatalf("%s: %v in %s", x.name, err, body)
		}
		if err := json.Unmarshal([]byte(w), &wv); err != nil {
			t.Fatalf("%s: recorded body: %v", x.name, err)
		}
		if !reflect.DeepEqual(gv, wv) {
			t.Errorf("%s:\n got %s\nwant %s", x.name, g, w)
		}
	case strings.HasPrefix(x.answer.Get("Content-Type"), "text/plain"):
		if g != w {
			t.Errorf("%s:\n got %q\nwant %q", x.name, g, w)
		}
	case x.answer.Get("Content-Length") == "0" || x.status == 204:
		if body != "" {
			t.Errorf("%s: a body, recorded none: %q", x.name, body)
		}
	default:
		if !strings.Contains(body, "<") {
			t.Errorf("%s: no HTML: %q", x.name, body)
		}
	}
}

func normal(s string) string {
	s = strings.TrimRight(s, " \n")
	s = volatileNumber.ReplaceAllString(s, `"$1":0`)
	s = volatileText.ReplaceAllStringFunc(s, func(m string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'f' {
				return -1
			}
			return r
		}, m)
	})
	return string(bytes.ToValidUTF8([]byte(s), nil))
}

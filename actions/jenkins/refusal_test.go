package jenkins

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"levee/demo/standin"
)

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

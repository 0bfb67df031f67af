package exchange

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestUnsent(t *testing.T) {
	answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack() // it arrived, and nobody hears what came of it
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
	}))
	defer answering.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) { // packets that nobody answers
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, c := range map[string]struct {
		url    string
		dial   func(context.Context, string, string) (net.Conn, error)
		unsent bool
	}{
		"cut off":        {answering.URL, nil, false},
		"nobody listens": {gone.URL, nil, true},
		"nobody answers": {answering.URL, silent, true},
		"a foreign name": {"http://nobody.invalid/", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host"}
		}, true},
		"a foreign authority": {secure.URL, nil, true},
		"TLS where is none":   {"https" + answering.URL[len("http"):], nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{DialContext: c.dial}
			defer transport.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if c.dial != nil {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
			}
			defer cancel()
			ctx, w := Begin(ctx)
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := transport.RoundTrip(req)
			if err == nil {
				_ = res.Body.Close()
				t.Fatal("it was answered")
			}
			if got := w.Unsent(err); got != c.unsent {
				t.Errorf("unsent = %t after %v", got, err)
			}
		})
	}
	// A transport that tells nothing: the error itself must do, unless nobody waited any more.
	_, w := Begin(context.Background())
	if !w.Unsent(&net.OpError{Op: "dial", Err: errors.New("refused")}) || w.Unsent(errors.New("reset")) {
		t.Error("the error alone is not read")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, w := Begin(ended); !w.Unsent(ended.Err()) {
		t.Error("it was given up before it began, and may have arrived")
	}
}

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"levee/actions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "0123456789abcdef0123456789abcdef"

// receiver answers each POST with the next status; 0 is a connection that
// breaks after the request arrived, -1 one that is refused.
type receiver struct {
	t        *testing.T
	statuses []int
	header   http.Header
	got      []Message
	keys     map[string]int
	gaps     []time.Duration
	last     time.Time
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := Verify(secret, req.Header, body, time.Now(), time.Minute); err != nil {
		r.t.Errorf("signature: %v", err)
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Fatal(err)
	}
	if m.Key == "" || m.Key != req.Header.Get("Idempotency-Key") {
		r.t.Errorf("keys %q and %q", m.Key, req.Header.Get("Idempotency-Key"))
	}
	if !r.last.IsZero() {
		r.gaps = append(r.gaps, time.Since(r.last))
	}
	r.last = time.Now()
	r.got = append(r.got, m)
	r.keys[m.Key]++
	status := 204
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	switch status {
	case -1:
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	case 0:
		return nil, fmt.Errorf("read tcp: connection reset, sent %s to %s", secret, req.URL)
	}
	h := r.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("nope \x1b[2J " + secret))}, nil
}

func hook(t *testing.T, r *receiver, o Options) *Hook {
	t.Helper()
	r.t, r.keys = t, map[string]int{}
	o.URL, o.Secret, o.Transport = "https://waf.example.com/hooks/T0123456789ABCDEF?token=abcdefgh", secret, r
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func block(id string) actions.Decision {
	return actions.Decision{ID: id, Verb: actions.Block, TTL: 10 * time.Minute, Reason: "bad\x1b[2J\nman", Attack: "scan", Target: actions.Target{Prefix: netip.MustParsePrefix("192.0.2.1/32")}}
}

func TestDelivery(t *testing.T) {
	for name, c := range map[string]struct {
		statuses    []int
		header      http.Header
		tries       int
		ok, unknown bool
		gap         time.Duration // least time before the second try
	}{
		"taken":           {nil, nil, 1, true, false, 0},
		"busy, then not":  {[]int{503, 429, 200}, nil, 3, true, false, 500 * time.Millisecond},
		"asks to wait":    {[]int{429, 200}, http.Header{"Retry-After": {"7"}}, 2, true, false, 7 * time.Second},
		"waits too long":  {[]int{429, 200}, http.Header{"Retry-After": {"86400"}}, 2, true, false, 60 * time.Second},
		"breaks":          {[]int{0, 200}, nil, 2, true, false, 500 * time.Millisecond},
		"always breaks":   {[]int{0, 0, 0, 0, 0}, nil, 5, false, true, 500 * time.Millisecond},
		"always busy":     {[]int{429, 429, 429, 429, 429}, nil, 5, false, false, 500 * time.Millisecond},
		"nobody there":    {[]int{-1, -1, -1, -1, -1}, nil, 5, false, false, 500 * time.Millisecond},
		"breaks, is gone": {[]int{0, -1, -1, -1, -1}, nil, 5, false, true, 500 * time.Millisecond},
		"breaks, then no": {[]int{0, 401}, nil, 2, false, true, 500 * time.Millisecond},
		"says no":         {[]int{401}, nil, 1, false, false, 0},
		"redirects":       {[]int{302}, nil, 1, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &receiver{statuses: c.statuses, header: c.header}
				h := hook(t, r, Options{})
				rs, err := h.Apply(context.Background(), []actions.Decision{block("d1"), block("d2")})
				if err != nil || len(rs) != 2 {
					t.Fatal(rs, err)
				}
				for _, x := range rs {
					if x.OK != c.ok || x.Unknown != c.unknown {
						t.Errorf("receipt %+v", x)
					}
					if strings.Contains(x.Note, secret) || strings.Contains(x.Note, "T0123") || strings.Contains(x.Note, "abcdefgh") || strings.ContainsRune(x.Note, '\x1b') {
						t.Errorf("note %q", x.Note)
					}
				}
				if len(r.got) != c.tries || len(r.keys) != 1 {
					t.Errorf("%d tries, keys %v", len(r.got), r.keys)
				}
				if c.gap > 0 && (len(r.gaps) == 0 || r.gaps[0] != c.gap) {
					t.Errorf("gaps %v, want %s first", r.gaps, c.gap)
				}
			})
		})
	}
}

// TestWhatWasNotSentInTimeHasFailed: of many decisions the first messages took
// all the time there was.
func TestWhatWasNotSentInTimeHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{statuses: []int{0, 0, 0, 0, 0}}
		h := hook(t, r, Options{Most: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		rs, err := h.Apply(ctx, []actions.Decision{block("d1"), block("d2")})
		if err != nil || len(rs) != 2 || rs[0].OK || !rs[0].Unknown || rs[1].OK || rs[1].Unknown {
			t.Errorf("receipts %+v, %v", rs, err)
		}
	})
}

func TestTheMessage(t *testing.T) {
	r := &receiver{}
	h := hook(t, r, Options{Most: 2})
	ds := []actions.Decision{block("d1"), block("d2"), block("d3")}
	ds[2].Target.Prefix = netip.MustParsePrefix("198.51.100.0/24")
	if rs, err := h.Revoke(context.Background(), ds); err != nil || len(rs) != 3 || !rs[2].OK {
		t.Fatal(rs, err)
	}
	if len(r.got) != 2 || r.got[0].Action != "revoke" {
		t.Fatalf("%+v", r.got)
	}
	if d := r.got[0].Decisions[0]; d.IP != "192.0.2.1" || d.Prefix != "" || d.TTL != 600 || d.Reason != "bad [2J man" || d.Action != actions.Block {
		t.Errorf("%+v", d)
	}
	if d := r.got[1].Decisions[0]; d.IP != "" || d.Prefix != "198.51.100.0/24" {
		t.Errorf("%+v", d)
	}
	if err := h.Check(context.Background()); err != nil || r.got[2].Action != "test" || len(r.got[2].Decisions) != 0 {
		t.Errorf("%v %+v", err, r.got)
	}
	if _, err := h.List(context.Background()); !errors.Is(err, actions.ErrNoList) {
		t.Error(err)
	}
	if rs, err := h.Resume(context.Background(), ds); err != nil || rs[0].OK || rs[0].Unknown {
		t.Errorf("%+v %v", rs, err)
	}
	if !h.Handles(ds[0]) || h.Handles(actions.Decision{Verb: actions.ScaleUp}) {
		t.Error("wrong verbs")
	}
}

func TestVerify(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	body := []byte(`{"a":1}`)
	header := func(at time.Time, signature string) http.Header {
		return http.Header{TimestampHeader: {fmt.Sprint(at.Unix())}, SignatureHeader: {signature}}
	}
	if err := Verify(secret, header(now, Sign(secret, now, body)), body, now.Add(time.Minute), 5*time.Minute); err != nil {
		t.Error(err)
	}
	for name, h := range map[string]http.Header{
		"old":       header(now.Add(-time.Hour), Sign(secret, now.Add(-time.Hour), body)),
		"ahead":     header(now.Add(time.Hour), Sign(secret, now.Add(time.Hour), body)),
		"moved":     header(now.Add(time.Second), Sign(secret, now, body)),
		"other key": header(now, Sign("another", now, body)),
		"no time":   {SignatureHeader: {Sign(secret, now, body)}},
		"nothing":   {},
	} {
		if Verify(secret, h, body, now, 5*time.Minute) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// printf '1.x' | openssl dgst -sha256 -hmac Jefe
	if got, want := Sign("Jefe", time.Unix(1, 0), []byte("x")), "sha256=2f7ccbd0f043456ad29514b2d24a8aa345ec6673a5db1b44e91c8ac99d1841e3"; got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no URL":        {Secret: secret},
		"plain http":    {URL: "http://waf.example.com/", Secret: secret},
		"no secret":     {URL: "https://waf.example.com/"},
		"short secret":  {URL: "https://waf.example.com/", Secret: "short"},
		"no such file":  {URL: "https://waf.example.com/", SecretFile: "/nonexistent"},
		"other schemes": {URL: "file:///etc/passwd", Secret: secret},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	h, err := New(Options{URL: "http://127.0.0.1:1/", Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v", h.secret); strings.Contains(text, secret) {
		t.Error(text)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

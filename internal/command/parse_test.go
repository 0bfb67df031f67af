package command

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

func TestAppendParsed(t *testing.T) {
	at := time.Date(2026, 3, 10, 9, 0, 0, 250_000_000, time.UTC)
	full := detect.Request{Time: at.UnixNano(), Source: netip.MustParseAddr("203.0.113.9"), Method: []byte("GET"), Target: []byte("/a?b=1"),
		Agent: []byte(`say "hi"`), Referer: []byte("https://x/"), Host: []byte("play.example.com"), Status: 200, Bytes: 12,
		Duration: int64(1500 * time.Microsecond)}
	for _, c := range []struct {
		name string
		r    detect.Request
		kind detect.Kind
		err  error
		want string
	}{
		{"every field", full, detect.Access, nil,
			`{"file":"a.log","line":3,"ip":"203.0.113.9","ts":"2026-03-10T09:00:00.25Z","method":"GET","path":"/a?b=1","status":200,"bytes":12,` +
				`"ua":"say \"hi\"","referer":"https://x/","host":"play.example.com","duration_ms":1.5,"format":"combined","kind":"access"}`},
		{"nothing said", detect.Request{Bytes: -1, Duration: -1, Client: []byte("host.example")}, detect.Access, nil,
			`{"file":"a.log","line":3,"ip":"host.example","format":"combined","kind":"access"}`},
		{"a status of 0", detect.Request{Bytes: -1, Duration: -1, Silent: true}, detect.NoRequest, nil,
			`{"file":"a.log","line":3,"status":0,"format":"combined","kind":"no_request"}`},
		{"malformed", full, detect.Malformed, errors.New("no known format"),
			`{"file":"a.log","line":3,"kind":"malformed","error":"no known format"}`},
		{"a comment", full, detect.Other, nil, `{"file":"a.log","line":3,"format":"combined","kind":"other"}`},
	} {
		if got := string(appendParsed(nil, "a.log", 3, &c.r, c.kind, "combined", c.err)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, ExitDone},
		{errors.New("x"), ExitFailed},
		{Usagef("x"), ExitUsage},
		{Wrong(errors.New("x")), ExitUsage},
		{Wrong(nil), ExitDone},
		{Partialf("x"), ExitPartial},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

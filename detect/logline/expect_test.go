package logline

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// published is one line of ../shared/logs/expect: a log line as published and
// what its publisher's own parser says of it.
type published struct {
	File   string                       `json:"file"`
	Line   int                          `json:"line"`
	Raw    string                       `json:"raw"`
	Expect map[string]json.RawMessage   `json:"expect"`
	Alt    map[string][]json.RawMessage `json:"alt"`
	Header string                       `json:"header"`
	Format string                       `json:"format"`
	Kind   string                       `json:"kind"`
}

// sharedLogs finds ../shared/logs beside the module's root, or skips.
func sharedLogs(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			logs := filepath.Join(filepath.Dir(dir), "shared", "logs")
			if _, err := os.Stat(logs); err == nil {
				return logs
			}
			t.Skipf("skipped: the collection of published logs is not at ../shared/logs beside %s", filepath.Base(dir))
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("skipped: no go.mod above this directory")
	return ""
}

// TestPublishedLogs reads real logs that other projects publish with what
// their own parsers make of them.
func TestPublishedLogs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedLogs(t), "expect", "*.jsonl*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no expectations found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.SplitN(filepath.Base(file), ".", 2)[0], func(t *testing.T) {
			checkPublished(t, readPublished(t, file))
		})
	}
}

func readPublished(t *testing.T, file string) (all []published) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e published
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkPublished parses each file's lines with one Parser, in order, so that
// formats change in mid-file as they do in the files.
func checkPublished(t *testing.T, all []published) {
	var p *Parser
	file, header := "", ""
	for _, e := range all {
		if e.File != file {
			var err error
			if p, err = New(Options{}); err != nil {
				t.Fatal(err)
			}
			file, header = e.File, ""
		}
		var r detect.Request
		if e.Header != header {
			header = e.Header
			for _, h := range strings.Split(header, "\n") {
				if k, err := p.Parse([]byte(h), &r); k != detect.Other {
					t.Errorf("%s: header %q is %v (%v), want other", e.File, h, k, err)
				}
			}
		}
		k, err := p.Parse([]byte(e.Raw), &r)
		if bad := e.wrong(k, &r); len(bad) > 0 {
			t.Errorf("%s:%d %s %s: %s\n\terr %v, read as %s\n\t%s", e.File, e.Line, e.Format, e.Kind, strings.Join(bad, "; "), err, p.Format(), e.Raw)
		}
		p.Reset()
	}
}

// wrong lists what differs from the expectation.
func (e *published) wrong(k detect.Kind, r *detect.Request) (bad []string) {
	switch e.Kind {
	case "access", "no_request", "error", "other", "malformed":
		if k.String() != e.Kind {
			bad = append(bad, "kind is "+k.String())
		}
	case "non_http":
		if k == detect.Access || k == detect.NoRequest {
			bad = append(bad, "became a request")
		}
		return bad
	default:
		return nil
	}
	if k > detect.NoRequest {
		return bad
	}
	got := map[string]any{
		"ip": clientText(r), "ts": time.Unix(0, r.Time).UTC().Format(time.RFC3339Nano),
		"method": textOrNil(r.Method), "path": textOrNil(r.Target), "status": numberOrNil(int64(r.Status), 0),
		"bytes": numberOrNil(r.Bytes, -1), "ua": textOrNil(r.Agent), "referer": textOrNil(r.Referer),
	}
	if r.Silent {
		got["status"] = float64(0)
	}
	for field, want := range e.Expect {
		wants := append([]json.RawMessage{want}, e.Alt[field]...)
		ok := false
		for _, w := range wants {
			ok = ok || same(field, w, got[field])
		}
		if !ok {
			bad = append(bad, field+" is "+asJSON(got[field])+", want "+string(bytes.Join(asBytes(wants), []byte(" or "))))
		}
	}
	return bad
}

func same(field string, want json.RawMessage, got any) bool {
	var w any
	if err := json.Unmarshal(want, &w); err != nil {
		return false
	}
	switch field {
	case "ts":
		s, _ := w.(string)
		a, err1 := time.Parse(time.RFC3339Nano, s)
		b, err2 := time.Parse(time.RFC3339Nano, got.(string))
		if !strings.Contains(s, ".") {
			b = b.Truncate(time.Second) // stated to the second
		}
		// Others keep microseconds and round them as they like.
		return err1 == nil && err2 == nil && a.Sub(b).Abs() <= time.Microsecond
	case "ip":
		s, _ := w.(string)
		if a, err := netip.ParseAddr(s); err == nil {
			return a.WithZone("").Unmap().String() == got
		}
		return s == got
	case "status":
		if w == nil {
			return got == nil
		}
	case "bytes":
		if w == nil {
			return got == nil || got == float64(0)
		}
	}
	return w == got
}

func clientText(r *detect.Request) string {
	if r.Source.IsValid() {
		return r.Source.String()
	}
	return string(r.Client)
}

func textOrNil(b []byte) any {
	if b == nil {
		return nil
	}
	return string(b)
}

func numberOrNil(n, absent int64) any {
	if n == absent {
		return nil
	}
	return float64(n)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func asBytes(ms []json.RawMessage) [][]byte {
	bs := make([][]byte, len(ms))
	for i, m := range ms {
		bs[i] = m
	}
	return bs
}

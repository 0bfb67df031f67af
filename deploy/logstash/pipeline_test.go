// Package logstash holds the pipeline for Logstash, and the test that it takes
// lines apart as levee does.
package logstash

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"levee/detect"
	"levee/detect/logline"
	"levee/testing/elasticsearch"
)

// lines are as nginx and Apache write them, and as nobody should.
var lines = []string{
	`192.0.2.7 - - [12/Mar/2026:09:15:02 +0000] "GET /shop/item?id=7&x=a/b HTTP/1.1" 200 512 "https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64)"`,
	`192.0.2.7 - ana [12/Mar/2026:09:15:02 +0100] "POST /login HTTP/2.0" 302 0 "-" "-"`,
	`2001:db8::7 - - [12/Mar/2026:09:15:02 -0500] "HEAD / HTTP/1.0" 404 - "-" "curl/8.5.0"`,
	`198.51.100.9 - - [12/Mar/2026:09:15:02 +0000] "GET /a|b{c}^d` + "`" + `e/?q=1?2 HTTP/1.1" 400 9 "-" "x"`,
	`198.51.100.9 - - [12/Mar/2026:09:15:02 +0000] "GET /%E2%82%AC/%00/..%2f..%2fetc/passwd HTTP/1.1" 404 9 "-" "Nikto/2.5"`,
	`198.51.100.9 - - [12/Mar/2026:09:15:02 +0000] "GET /a\x22b?c=\x22d HTTP/1.1" 200 9 "-" "a \x22quoted\x22 one"`,
	`198.51.100.9 - - [12/Mar/2026:09:15:02 +0000] "GET /?token=x HTTP/1.1" 499 0 "-" "x"`,
}

// TestThePipelineTakesLinesApart gives the pipeline's patterns to Elastic's own
// grok, and holds every field that comes of it against what levee reads in the
// same line.
func TestThePipelineTakesLinesApart(t *testing.T) {
	lib, err := elasticsearch.Libraries()
	if errors.Is(err, elasticsearch.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile("access-logs.conf")
	if err != nil {
		t.Fatal(err)
	}
	var in bytes.Buffer
	for _, field := range []string{`message`, `\[url\]\[original\]`} {
		m := regexp.MustCompile(`match => \{ "` + field + `" => "(.*)" \}`).FindSubmatch(conf)
		if m == nil {
			t.Fatalf("access-logs.conf takes no %s apart", field)
		}
		// Logstash writes [url][path] where Elasticsearch has url.path.
		in.WriteString(strings.NewReplacer("][", ".", ":[", ":", "]}", "}").Replace(string(m[1])) + "\n")
	}
	in.WriteString(strings.Join(lines, "\n") + "\n")
	cmd := exec.Command("java", "-cp", lib+"/*", "-Xmx128m", "testdata/Grokked.java")
	cmd.Stdin = &in
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("grok: %v: %s", err, said.Bytes())
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(lines) {
		t.Fatalf("%d answers for %d lines: %s", len(got), len(lines), out)
	}
	p, err := logline.New(logline.Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		fields := map[string]string{}
		for _, f := range strings.Split(got[i], "\x1e") {
			name, value, _ := strings.Cut(f, "\x1f")
			fields[name] = value
		}
		var r detect.Request
		if kind, err := p.Parse([]byte(line), &r); err != nil || kind != detect.Access {
			t.Fatalf("%s: %v %v", line, kind, err)
		}
		path, query, _ := strings.Cut(string(r.Target), "?")
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", fields["timestamp"])
		if err != nil || at.UnixNano() != r.Time {
			t.Errorf("%s: %q is not %d", line, fields["timestamp"], r.Time)
		}
		for name, want := range map[string]string{
			"source.address": r.Source.String(), "user.name": string(r.User), "http.request.method": string(r.Method), "url.path": path, "url.query": query,
			"http.version": strings.TrimPrefix(string(r.Proto), "HTTP/"), "http.response.status_code": strconv.Itoa(int(r.Status)),
			"user_agent.original": string(r.Agent), "http.request.referrer": string(r.Referer),
		} {
			have := strings.NewReplacer(`\x22`, `"`).Replace(fields[name])
			if have != want {
				t.Errorf("%s: %s is %q, levee reads %q", line, name, have, want)
			}
		}
	}
}

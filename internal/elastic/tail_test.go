package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writer stores documents with a number each, several at a time, some of them
// late.
type writer struct {
	c      *Client
	acked  []time.Time // when the cluster had each, by its number
	next   int
	docs   func(n int, now time.Time) string
	latest func(now time.Time) string // index
}

// bulk stores the next n documents.
func (w *writer) bulk(t testing.TB, n int) {
	t.Helper()
	now := time.Now()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"create\":{\"_index\":%q}}\n%s\n", w.latest(now), w.docs(w.next+i, now))
	}
	var a struct {
		Errors bool `json:"errors"`
	}
	must(t, w.c.call(t.Context(), http.MethodPost, "/_bulk", b.Bytes(), &a))
	if a.Errors {
		t.Error("the cluster refused a document")
	}
	now = time.Now()
	for range n {
		w.acked[w.next] = now
		w.next++
	}
}

// numbered is document n as Filebeat ships it; every ninth comes late.
func numbered(n int, now time.Time) string {
	if n%9 == 0 {
		now = now.Add(-time.Duration(n%7200) * time.Second)
	}
	return fmt.Sprintf(`{"@timestamp":%q,"n":%d,"message":"line %d","agent":{"name":"edge-1"}}`, now.UTC().Format(time.RFC3339Nano), n, n)
}

// tailing opens a tail of index that keeps its position in dir.
func tailing(t testing.TB, c *Client, index, dir string) *Tail {
	t.Helper()
	tail, err := NewTail(TailOptions{Client: c, Index: index, File: filepath.Join(dir, "tail.json"), Poll: 50 * time.Millisecond, Page: 400})
	must(t, err)
	return tail
}

func number(t testing.TB, d Document) int {
	t.Helper()
	var x struct{ N int }
	must(t, json.Unmarshal(d.Whole, &x))
	return x.N
}

// TestTailReadsEachDocumentOnce writes into a pattern of indices with several
// shards while the tail is restarted, cut off, and loses its point in time; an
// index joins, one is made anew. Every document must come exactly once.
func TestTailReadsEachDocumentOnce(t *testing.T) {
	admin := blank(t)
	for name, shards := range map[string]int{"filebeat-once-1": 1, "filebeat-once-2": 3} {
		must(t, admin.call(t.Context(), http.MethodPut, "/"+name, object{"settings": object{"number_of_shards": shards, "number_of_replicas": 0}}, nil))
	}
	const total, old = 15_000, 500
	var mu sync.Mutex
	seen := make([]int, total)
	writers := make([]*writer, 3)
	var at, ended atomic.Int64 // numbers are given in blocks
	for i := range writers {
		writers[i] = &writer{c: admin, acked: make([]time.Time, total), docs: numbered,
			latest: func(time.Time) string { return fmt.Sprintf("filebeat-once-%d", i+1) }} // the third appears by its first document
	}
	before := &writer{c: admin, acked: make([]time.Time, old), docs: numbered, latest: writers[0].latest}
	before.bulk(t, old) // what is there before the tail first looks is not read
	must(t, admin.call(t.Context(), http.MethodPost, "/filebeat-once-*/_refresh", nil, nil))

	way := newCuttable(t, realNode(t).URL)
	c := client(t, Options{URLs: []string{way.url}, APIKey: key(t, admin, "read"), Timeout: 5 * time.Second})
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
	defer cancel()
	first := tailing(t, c, "filebeat-once-*", dir)
	if err := first.begun(ctx); err != nil {
		t.Fatal(err)
	}
	must(t, first.Close())

	began := time.Now()
	var writing sync.WaitGroup
	for _, w := range writers {
		writing.Go(func() {
			for {
				from := int(at.Add(250)) - 250
				if from >= total {
					return
				}
				w.next = from
				w.bulk(t, 250)
				ended.Store(time.Now().UnixMilli())
				time.Sleep(100 * time.Millisecond) // about 3,000 a second with the writing itself
			}
		})
	}
	got, restarts, problems := 0, 0, 0
	for got < total {
		tail := tailing(t, c, "filebeat-once-*", dir)
		pages := 0
		for got < total {
			docs, err := tail.Next(ctx)
			if ctx.Err() != nil {
				break
			}
			if err != nil {
				problems++
				if !IsKind(err, Cut) && !IsKind(err, Unreachable) {
					t.Fatal(err)
				}
				way.mend()
				continue
			}
			n := len(docs)
			if pages++; pages%3 == 1 {
				n = n/2 + 1 // stopped within a page
			}
			for _, d := range docs[:n] {
				mu.Lock()
				seen[number(t, d)]++
				mu.Unlock()
				got++
			}
			must(t, tail.Judged(n))
			if pages%5 == 2 && tail.pit != "" {
				must(t, admin.call(t.Context(), http.MethodDelete, "/_pit", object{"id": tail.pit}, nil)) // as if it had expired
			}
			if pages%5 == 3 {
				way.cut()
			}
			if pages == 8 {
				restarts++
				break
			}
		}
		way.mend()
		must(t, tail.Close())
		if ctx.Err() != nil {
			break
		}
	}
	read := time.Now()
	writing.Wait()
	wrote := time.UnixMilli(ended.Load())
	// Nothing may come after that.
	tail := tailing(t, c, "filebeat-once-*", dir)
	quiet, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	if docs, err := tail.Next(quiet); err == nil {
		t.Errorf("%d documents came twice", len(docs))
	}
	must(t, tail.Close())
	lost, twice := 0, 0
	for _, n := range seen {
		switch {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	if lost > 0 || twice > 0 || restarts == 0 || problems == 0 {
		t.Errorf("of %d documents %d were lost and %d came twice, with %d restarts and %d cuts", total, lost, twice, restarts, problems)
	}
	t.Logf("%d documents, %d restarts, %d cuts, written in %s, read in %s", got, restarts, problems, wrote.Sub(began).Round(time.Millisecond), read.Sub(began).Round(time.Millisecond))
}

// begun makes the tail pass over what is there.
func (t *Tail) begun(ctx context.Context) error {
	t.began = true
	if err := t.list(ctx); err != nil {
		return err
	}
	return t.begin(ctx)
}

// TestTailFollowsAnIndexMadeAnew deletes an index and makes it again under its
// name, with numbers that begin anew; and waits for one that is not there.
func TestTailFollowsAnIndexMadeAnew(t *testing.T) {
	admin := blank(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tail := tailing(t, admin, "filebeat-anew", t.TempDir())
	if _, err := tail.Next(ctx); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no index matches filebeat-anew yet") {
		t.Fatalf("an index that is missing: %v", err)
	}
	for round := range 2 {
		w := &writer{c: admin, acked: make([]time.Time, 50), docs: numbered, latest: func(time.Time) string { return "filebeat-anew" }}
		w.bulk(t, 50)
		for got := 0; got < 50; {
			docs, err := tail.Next(ctx)
			if err != nil && !IsKind(err, Missing) {
				t.Fatalf("round %d after %d: %v", round, got, err)
			}
			got += len(docs)
			must(t, tail.Judged(len(docs)))
		}
		must(t, admin.call(ctx, http.MethodDelete, "/filebeat-anew", nil, nil))
	}
	must(t, tail.Close())
}

// TestTailSaysWhoseClockIsWrong stores a document from the future.
func TestTailSaysWhoseClockIsWrong(t *testing.T) {
	admin := blank(t)
	must(t, admin.call(t.Context(), http.MethodPut, "/filebeat-future", nil, nil))
	tail := tailing(t, admin, "filebeat-future", t.TempDir())
	must(t, tail.begun(t.Context()))
	w := &writer{c: admin, acked: make([]time.Time, 1), latest: func(time.Time) string { return "filebeat-future" },
		docs: func(_ int, now time.Time) string { return numbered(1, now.Add(time.Hour)) }}
	w.bulk(t, 1)
	_, err := tail.Next(t.Context())
	must(t, err)
	if !strings.Contains(tail.Note(), "ahead of this host's clock; run an NTP client") {
		t.Errorf("%q", tail.Note())
	}
	must(t, tail.Judged(1))
	if tail.pos.Newest.After(time.Now()) {
		t.Error("a document from the future moves the present")
	}
	must(t, tail.Close())
}

// TestTailPositionDamaged gives a file that is no position.
func TestTailPositionDamaged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tail.json")
	for _, text := range []string{"{", `{"shards":[null]}`} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if _, err := NewTail(TailOptions{File: file}); err == nil || !strings.Contains(err.Error(), "remove the file") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestTailProblems answers as a cluster that is not well: one sentence each,
// and the documents come once it is.
func TestTailProblems(t *testing.T) {
	const es = "X-Elastic-Product: Elasticsearch"
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var healed atomic.Bool
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case !healed.Load():
					c.answer(w, r)
				case strings.Contains(r.URL.Path, "/_settings/"):
					answer(200, es, `{"f-1":{"settings":{"index.uuid":"u","index.number_of_shards":"1"}}}`)(w, r)
				case strings.HasSuffix(r.URL.Path, "/_search"):
					answer(200, es, `{"pit_id":"p","hits":{"hits":[{"_index":"f-1","_seq_no":5,"_source":{"message":"m"},"sort":[1,1]}]}}`)(w, r)
				default:
					answer(200, es, `{"id":"p"}`)(w, r)
				}
			}))
			defer srv.Close()
			tail, err := NewTail(TailOptions{Client: client(t, Options{URLs: []string{srv.URL}, Timeout: patience(c.kind)}),
				Index: "f-*", File: filepath.Join(t.TempDir(), "p"), FromStart: true})
			must(t, err)
			if _, err := tail.Next(t.Context()); !IsKind(err, c.kind) || !strings.Contains(err.Error(), c.say) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%v, want %s with %q", err, c.kind, c.say)
			}
			healed.Store(true)
			docs, err := tail.Next(t.Context())
			if err != nil || len(docs) != 1 || string(docs[0].Text) != "m" {
				t.Errorf("after it was mended: %v %v", docs, err)
			}
			must(t, tail.Close())
		})
	}
}

func TestDocumentOf(t *testing.T) {
	for _, c := range []struct{ source, text string }{
		{`{"message":"a\nb","event":{"original":"kept"}}`, "kept"},
		{`{"message":"a\nb"}`, "a b"},
		{`{"event.original":"flat","message":"m"}`, "flat"},
		{`{"event":"none","message":{"x":1}}`, ""},
		{"{\n \"url\": {\"path\": \"/\"}\n}", ""},
	} {
		d := documentOf(json.RawMessage(c.source))
		if string(d.Text) != c.text || bytes.ContainsAny(d.Whole, "\n\r") || !json.Valid(d.Whole) {
			t.Errorf("%s: %q and %q", c.source, d.Text, d.Whole)
		}
	}
}

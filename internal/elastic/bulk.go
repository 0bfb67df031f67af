package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"levee/internal/jsonl"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

// mostRejected bounds the file of documents the cluster will never take.
const mostRejected = 8 << 20

// bulk sends documents and tells, one by one, what became of them.
type bulk struct {
	c       *Client
	streams esutil.BulkIndexer // of documents for data streams
	index   esutil.BulkIndexer // of those for DecisionsIndex
	timeout time.Duration

	mu      sync.Mutex
	problem *Problem // of the request as a whole
}

// toStreams sends bulk requests that create no ordinary index where a data
// stream belongs: before setup there is none, and what came then would be in
// the way of it.
type toStreams struct{ esapi.Transport }

// Perform implements esapi.Transport.
func (s toStreams) Perform(req *http.Request) (*http.Response, error) {
	q := req.URL.Query()
	q.Set("require_data_stream", "true")
	req.URL.RawQuery = q.Encode()
	return s.Transport.Perform(req)
}

func newBulk(c *Client) (*bulk, error) {
	b := &bulk{c: c, timeout: c.timeout + 5*time.Second}
	var err error
	if b.streams, err = b.indexer(toStreams{c.es}, 2); err != nil {
		return nil, err
	}
	if b.index, err = b.indexer(c.es, 1); err != nil {
		_ = b.streams.Close(context.Background()) // it has nothing to send
		return nil, err
	}
	return b, nil
}

func (b *bulk) indexer(by esapi.Transport, workers int) (esutil.BulkIndexer, error) {
	x, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: by, NumWorkers: workers, FlushBytes: 1 << 20,
		FlushInterval: 24 * time.Hour, // send flushes: it must know what became of each document
		FilterPath:    []string{"items.*.status", "items.*.error.type", "items.*.error.reason", "items.*.error.caused_by"},
		OnError: func(_ context.Context, err error) {
			b.mu.Lock()
			b.problem = problemOf(err)
			b.mu.Unlock()
		},
	})
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return x, nil
}

// there is an error when index does not exist: a document would make one that
// no template rules. Who may not look may not make one either.
func (c *Client) there(ctx context.Context, index string) error {
	err := c.call(ctx, http.MethodHead, "/"+index, nil, nil)
	switch {
	case IsKind(err, Forbidden):
		return nil
	case IsKind(err, Missing):
		return missing(index)
	}
	return err
}

// rejection is a document that the cluster will never take, and why.
type rejection struct {
	doc Doc
	why *Problem
}

// send returns the documents that must be sent again, those that never need
// to be, and what is wrong when any must.
func (b *bulk) send(ctx context.Context, docs []Doc) (again []Doc, never []rejection, p *Problem) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	b.mu.Lock()
	b.problem = nil
	b.mu.Unlock()
	settled := make([]bool, len(docs))
	var wrong *Problem // of one document
	var refused []rejection
	if slices.ContainsFunc(docs, func(d Doc) bool { return d.Version > 0 }) {
		if err := b.c.there(ctx, DecisionsIndex); err != nil {
			return docs, nil, problemOf(err)
		}
	}
	for i, d := range docs {
		item := esutil.BulkIndexerItem{Index: d.Index, DocumentID: d.ID, Action: "create", Body: bytes.NewReader(d.Body),
			OnSuccess: func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem) {
				b.mu.Lock()
				settled[i] = true
				b.mu.Unlock()
			},
			OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, r esutil.BulkIndexerResponseItem, err error) {
				if err != nil {
					return // the request failed, not the document: OnError has said why
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				reason := r.Error.Reason
				if r.Error.Cause.Reason != "" {
					reason += ": " + r.Error.Cause.Reason
				}
				q := refusal("the cluster", d.Index, r.Status, r.Error.Type, reason)
				switch {
				case q.Kind == Conflict: // an earlier try got through, or a newer version is there
					settled[i] = true
				case q.Lasts():
					settled[i] = true
					refused = append(refused, rejection{d, q})
				default:
					wrong = q
				}
			}}
		by := b.streams
		if d.Version > 0 {
			item.Action, item.Version, item.VersionType = "index", &docs[i].Version, "external"
			by = b.index
		}
		if err := by.Add(ctx, item); err != nil {
			return docs, nil, problemOf(err)
		}
	}
	for _, by := range []esutil.BulkIndexer{b.streams, b.index} {
		if err := by.Flush(ctx); err != nil {
			// What is under way may still call back: leave its slices alone.
			return docs, nil, problemOf(err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, ok := range settled {
		if !ok {
			again = append(again, docs[i])
		}
	}
	if len(again) == 0 {
		return nil, refused, nil
	}
	switch {
	case b.problem != nil:
		return again, refused, b.problem
	case wrong != nil:
		return again, refused, wrong
	}
	return again, refused, &Problem{Kind: Foreign, Text: "Elasticsearch did not say what became of some documents; levee sends them again"}
}

func (b *bulk) close(ctx context.Context) {
	// Everything it had was flushed; an error would be about nothing.
	_ = b.streams.Close(ctx)
	_ = b.index.Close(ctx)
}

// reject keeps a document the cluster will never take where a person can look
// at it.
func reject(dir string, list []rejection) error {
	path := filepath.Join(dir, "rejected.ndjson")
	if info, err := os.Stat(path); err == nil && info.Size() > mostRejected {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep rejected documents: %w", err)
	}
	var b []byte
	for _, r := range list {
		b = append(b, `{"why":`...)
		b = jsonl.AppendString(b, []byte(r.why.Text))
		b = append(append(append(b, `,"index":"`...), r.doc.Index...), `","document":`...)
		b = append(append(b, r.doc.Body...), '}', '\n')
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("keep rejected documents: %w", err)
	}
	return nil
}

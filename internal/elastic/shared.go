package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"levee/internal/fleet"
)

// Shared is the index of decisions as the hosts of one fleet share it. It
// implements fleet.Index. People and dashboards read its fields; hosts believe
// nothing but the signed record beside them.
type Shared struct {
	c      *Client
	origin Origin
	name   string
	now    func() time.Time
	there  atomic.Bool // whether the index was, when it was last looked at
}

// NewShared returns the shared index of the fleet of that name. It asks
// nothing of the network.
func NewShared(c *Client, o Origin, name string, now func() time.Time) *Shared {
	return &Shared{c: c, origin: o, name: name, now: now}
}

// found is a document as searches and reads return it.
type found struct {
	ID      string `json:"_id"`
	Found   *bool  `json:"found"` // of a read
	Seq     int64  `json:"_seq_no"`
	Primary int64  `json:"_primary_term"`
	Source  struct {
		Record    string `json:"levee.fleet.record"`
		Signature string `json:"levee.fleet.signature"`
	} `json:"_source"`
}

func (f *found) doc() fleet.Doc {
	return fleet.Doc{ID: f.ID, Seq: f.Seq, Primary: f.Primary, Record: []byte(f.Source.Record), MAC: f.Source.Signature}
}

// recordFields are all that is read of a document.
var recordFields = []string{"levee.fleet.record", "levee.fleet.signature"}

// Get implements fleet.Index.
func (s *Shared) Get(ctx context.Context, ids []string) ([]fleet.Doc, error) {
	type ask struct {
		ID     string   `json:"_id"`
		Source []string `json:"_source"`
	}
	var q struct {
		Docs []ask `json:"docs"`
	}
	for _, id := range ids {
		q.Docs = append(q.Docs, ask{id, recordFields})
	}
	var a struct {
		Docs []found `json:"docs"`
	}
	if err := s.c.call(ctx, http.MethodPost, "/"+DecisionsIndex+"/_mget", q, &a); err != nil {
		return nil, err
	}
	var out []fleet.Doc
	for i := range a.Docs {
		if f := a.Docs[i].Found; f != nil && *f {
			out = append(out, a.Docs[i].doc())
		}
	}
	return out, nil
}

// Since implements fleet.Index. It counts on the index having one shard, in
// which every write has its number, as its template says.
func (s *Shared) Since(ctx context.Context, seq int64, skip []fleet.Span, matter time.Time, limit int) ([]fleet.Doc, error) {
	filter := []any{
		map[string]any{"term": map[string]any{"levee.fleet.name": s.name}},
		map[string]any{"range": map[string]any{"_seq_no": map[string]any{"gt": seq}}},
	}
	if !matter.IsZero() {
		filter = append(filter, map[string]any{"bool": map[string]any{"should": []any{
			map[string]any{"range": map[string]any{"levee.fleet.until": map[string]any{"gte": stamp(matter)}}},
			map[string]any{"bool": map[string]any{"must_not": map[string]any{"exists": map[string]any{"field": "levee.fleet.until"}}}},
		}}})
	}
	without := make([]any, len(skip))
	for i, x := range skip {
		without[i] = map[string]any{"range": map[string]any{"_seq_no": map[string]any{"gte": x.From, "lte": x.To}}}
	}
	q := map[string]any{"size": limit, "query": map[string]any{"bool": map[string]any{"filter": filter, "must_not": without}}, "sort": []any{"_seq_no"},
		"seq_no_primary_term": true, "track_total_hits": false, "_source": recordFields}
	var a struct {
		TimedOut bool `json:"timed_out"`
		Shards   struct {
			Total  int `json:"total"`
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []found `json:"hits"`
		} `json:"hits"`
	}
	if err := s.c.call(ctx, http.MethodPost, "/"+DecisionsIndex+"/_search?filter_path=timed_out,_shards,hits.hits", q, &a); err != nil {
		s.there.Store(false)
		return nil, err
	}
	s.there.Store(true)
	switch {
	case a.Shards.Total != 1:
		return nil, fmt.Errorf("%s has %d shards and a fleet needs one; reindex it into one made by `levee elastic setup`", DecisionsIndex, a.Shards.Total)
	case a.TimedOut || a.Shards.Failed > 0:
		return nil, fmt.Errorf("%s did not answer as a whole; look at the cluster's health", DecisionsIndex)
	}
	out := make([]fleet.Doc, len(a.Hits.Hits))
	for i := range a.Hits.Hits {
		out[i] = a.Hits.Hits[i].doc()
	}
	return out, nil
}

// Put implements fleet.Index. It does not make the index: that is up to setup.
func (s *Shared) Put(ctx context.Context, puts []fleet.Put) ([]fleet.Stored, error) {
	if !s.there.Load() {
		if err := s.c.there(ctx, DecisionsIndex); err != nil {
			return nil, err
		}
		s.there.Store(true)
	}
	var b bytes.Buffer
	refresh := false // others must find it at their next look
	for i := range puts {
		p := &puts[i]
		refresh = refresh || !p.Quiet
		body, err := s.document(p)
		if err != nil {
			return nil, err
		}
		if p.Primary == 0 {
			fmt.Fprintf(&b, `{"create":{"_id":%q}}`, p.ID)
		} else {
			fmt.Fprintf(&b, `{"index":{"_id":%q,"if_seq_no":%d,"if_primary_term":%d}}`, p.ID, p.Seq, p.Primary)
		}
		b.WriteByte('\n')
		b.Write(body)
		b.WriteByte('\n')
	}
	type item struct {
		Status  int   `json:"status"`
		Seq     int64 `json:"_seq_no"`
		Primary int64 `json:"_primary_term"`
		Error   struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"error"`
	}
	var a struct {
		Items []map[string]item `json:"items"`
	}
	path := fmt.Sprintf("/%s/_bulk?refresh=%t&filter_path=items.*.status,items.*._seq_no,items.*._primary_term,items.*.error", DecisionsIndex, refresh)
	if err := s.c.call(ctx, http.MethodPost, path, b.Bytes(), &a); err != nil {
		return nil, err
	}
	if len(a.Items) != len(puts) {
		return nil, fmt.Errorf("Elasticsearch answered for %d of %d records; a proxy between may be rewriting its answers", len(a.Items), len(puts)) //nolint:staticcheck // a name begins the sentence
	}
	out := make([]fleet.Stored, len(puts))
	for i, m := range a.Items {
		for _, x := range m {
			out[i] = fleet.Stored{Seq: x.Seq, Primary: x.Primary, Conflict: x.Status == http.StatusConflict}
			if x.Status >= 300 && !out[i].Conflict {
				p := refusal("the cluster", DecisionsIndex, x.Status, x.Error.Type, x.Error.Reason)
				out[i].Err, out[i].Never = p, p.Lasts()
			}
		}
	}
	return out, nil
}

// document is a record with what people read of it.
func (s *Shared) document(p *fleet.Put) ([]byte, error) {
	f := fields{"event.kind": "state"}
	at := s.now()
	if d := p.Decision; d != nil {
		f["event.action"] = string(d.Verb)
		decisionFields(f, *d)
		at = d.Created
	}
	f["levee.fleet.name"], f["levee.fleet.kind"], f["levee.fleet.by"] = s.name, string(p.Kind), s.origin.Host
	f["levee.fleet.record"], f["levee.fleet.signature"] = string(p.Record), p.MAC
	if !p.Until.IsZero() {
		f["levee.fleet.until"] = stamp(p.Until)
	}
	d, err := s.origin.doc(DecisionsIndex, at, f, p.ID)
	return d.Body, err
}

// Clock returns how far the cluster's clock is ahead of this machine's, as far
// as half the way there and back can tell.
func (c *Client) Clock(ctx context.Context) (ahead, within time.Duration, err error) {
	var a struct {
		Nodes map[string]struct {
			At json.Number `json:"timestamp"`
		} `json:"nodes"`
	}
	began := time.Now()
	if err := c.call(ctx, http.MethodGet, "/_nodes/_local/stats/os?filter_path=nodes.*.timestamp", nil, &a); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	for _, n := range a.Nodes {
		ms, err := n.At.Int64()
		if err != nil {
			return 0, 0, fmt.Errorf("the node's clock: %w", err)
		}
		return time.UnixMilli(ms).Sub(began.Add(took / 2)), took / 2, nil
	}
	return 0, 0, fmt.Errorf("no node told its time")
}

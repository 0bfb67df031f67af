package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// list finds out which indices there are, by their own unique names: one that
// was made anew under an old name is another.
func (t *Tail) list(ctx context.Context) error {
	var a map[string]struct {
		Settings struct {
			UUID   string `json:"index.uuid"`
			Shards string `json:"index.number_of_shards"`
		} `json:"settings"`
	}
	err := t.o.Client.call(ctx, http.MethodGet, "/"+url.PathEscape(t.o.Index)+
		"/_settings/index.uuid,index.number_of_shards?flat_settings=true&ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open,hidden", nil, &a)
	if err != nil {
		return err
	}
	now := t.o.Now()
	t.indices, t.shards = map[string]indexOf{}, 0
	for name, x := range a {
		n, err := strconv.Atoi(x.Settings.Shards)
		if err != nil || x.Settings.UUID == "" {
			return &Problem{Kind: Foreign, Text: fmt.Sprintf("Elasticsearch does not say how many shards %s has; a proxy between may be rewriting its answers", plain(name, 80))}
		}
		t.indices[name] = indexOf{x.Settings.UUID, n}
		t.shards = max(t.shards, n)
		for k := range n {
			t.pos.of(name, x.Settings.UUID, k).Seen = now
		}
	}
	if len(a) == 0 {
		// Whatever comes first is new, when it does.
		if !t.pos.Started {
			t.pos.Started = true
			if !t.o.FromStart {
				t.pos.From = now.Add(-tailFirst)
			}
		}
		return &Problem{Kind: Missing, Text: fmt.Sprintf("no index matches %s yet; levee waits for the first document, or mend the name", plain(t.o.Index, 80))}
	}
	t.pos.prune(now)
	t.listed = now
	return nil
}

// begin passes over what is there already.
func (t *Tail) begin(ctx context.Context) error {
	for k := 0; k < t.shards && !t.o.FromStart; k++ {
		var a struct {
			Aggs struct {
				Indices struct {
					Buckets []struct {
						Key  string `json:"key"`
						Last struct {
							Value float64 `json:"value"`
						} `json:"last"`
					} `json:"buckets"`
				} `json:"indices"`
			} `json:"aggregations"`
		}
		err := t.o.Client.call(ctx, http.MethodPost, t.shardPath("_search", k), object{
			"size": 0, "track_total_hits": false,
			"aggs": object{"indices": object{"terms": object{"field": "_index", "size": 10000},
				"aggs": object{"last": object{"max": object{"field": "_seq_no"}}}}},
		}, &a)
		if err != nil {
			return err
		}
		for _, b := range a.Aggs.Indices.Buckets {
			if x, ok := t.indices[b.Key]; ok {
				t.pos.of(b.Key, x.uuid, k).Floor = int64(b.Last.Value)
			}
		}
	}
	t.pos.Started = true
	if now := t.o.Now(); !t.o.FromStart {
		t.pos.Newest = now
	}
	return t.save()
}

// read reads the next page of the shards: the first as they are, the others
// from a point in time, which is given back with the last.
func (t *Tail) read(ctx context.Context) ([]Document, error) {
	var a tailAnswer
	path := t.shardPath("_search", t.shard)
	if !t.first {
		if t.pit == "" {
			if err := t.open(ctx); err != nil {
				return nil, err
			}
		}
		path = "/_search"
		t.query["pit"] = object{"id": t.pit, "keep_alive": tailKeep}
		if t.after != nil {
			t.query["search_after"], t.query["track_total_hits"] = t.after, false
		}
	}
	if err := t.o.Client.call(ctx, http.MethodPost, path, t.query, &a); err != nil {
		return nil, err
	}
	t.first = false
	if a.PIT != "" {
		t.pit = a.PIT
	}
	t.whole = t.whole && a.Shards.Failed == 0 && !a.TimedOut
	t.note = a.Shards.why()
	now := t.o.Now()
	t.page = t.page[:0]
	var docs []Document
	for _, h := range a.Hits.Hits {
		t.after = h.Sort
		x, known := t.indices[h.Index]
		if !known {
			t.listed = time.Time{} // new; its documents come with the next page
			continue
		}
		r := t.pos.of(h.Index, x.uuid, t.shard)
		if r.has(h.Seq) {
			continue
		}
		var at []json.Number
		ms := int64(0)
		if json.Unmarshal(h.Sort, &at) == nil && len(at) > 0 {
			ms, _ = at[0].Int64() // no number: the time is not known
		}
		when := time.UnixMilli(min(ms, lastMoment))
		if ahead := when.Sub(now); ahead > time.Minute {
			t.note = fmt.Sprintf("a document of %s is %s ahead of this host's clock; run an NTP client here and on the host that wrote it", plain(h.Index, 80), ahead.Round(time.Second))
		}
		t.page = append(t.page, arrival{r, h.Seq, when})
		docs = append(docs, documentOf(h.Source))
	}
	t.left = max(max(a.Hits.Total.Value, t.left)-int64(len(a.Hits.Hits)), 0)
	if len(a.Hits.Hits) < t.o.Page {
		t.left, t.ended = 0, t.whole
		t.close(ctx)
	}
	return docs, nil
}

type tailAnswer struct {
	PIT      string       `json:"pit_id"`
	TimedOut bool         `json:"timed_out"`
	Shards   shardsAnswer `json:"_shards"`
	Hits     struct {
		Total struct {
			Value int64 `json:"value"`
		} `json:"total"`
		Hits []struct {
			Index  string          `json:"_index"`
			Seq    int64           `json:"_seq_no"`
			Source json.RawMessage `json:"_source"`
			Sort   json.RawMessage `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
}

// unread asks for what was not judged, oldest first.
func (t *Tail) unread() object {
	var which []object
	var names []string
	for name, x := range t.indices {
		if t.shard >= x.shards {
			continue
		}
		names = append(names, name)
		which = append(which, object{"bool": object{"filter": []object{{"term": object{"_index": name}},
			{"bool": object{"should": t.pos.of(name, x.uuid, t.shard).unread(), "minimum_should_match": 1}}}}})
	}
	which = append(which, object{"bool": object{"must_not": object{"terms": object{"_index": names}}}})
	filter := []object{{"bool": object{"should": which, "minimum_should_match": 1}}}
	from := t.pos.From
	if late := t.pos.Newest.Add(-tailLate); !t.pos.Newest.IsZero() && late.After(from) {
		from = late
	}
	if !from.IsZero() {
		filter = append(filter, object{"range": object{t.o.Time: object{"gte": from.UnixMilli(), "format": "epoch_millis"}}})
	}
	return object{
		"size": t.o.Page, "track_total_hits": 1_000_000, "seq_no_primary_term": true,
		"_source": skipped,
		"query":   object{"bool": object{"filter": filter}},
		// A point in time breaks ties by itself, in the order of the shard.
		"sort": []object{{t.o.Time: object{"order": "asc", "unmapped_type": "date", "format": "epoch_millis"}}},
	}
}

// skipped is what no log line is made of.
var skipped = object{"excludes": []string{"agent", "elastic_agent", "ecs", "input", "fileset", "data_stream", "cloud", "container", "kubernetes", "host", "log"}}

// documentOf finds the line that was logged.
func documentOf(source json.RawMessage) Document {
	d := Document{Whole: oneLine(bytes.Clone(source))}
	var kept struct {
		Event   json.RawMessage `json:"event"`
		Flat    json.RawMessage `json:"event.original"`
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(source, &kept) != nil {
		return d
	}
	var event struct {
		Original json.RawMessage `json:"original"`
	}
	if len(kept.Event) > 0 && kept.Event[0] == '{' {
		_ = json.Unmarshal(kept.Event, &event) // the parser looks at the whole again
	}
	for _, raw := range []json.RawMessage{event.Original, kept.Flat, kept.Message} {
		var s string
		if len(raw) > 0 && json.Unmarshal(raw, &s) == nil && s != "" {
			d.Text = oneLine([]byte(s))
			return d
		}
	}
	return d
}

// oneLine blanks b's line ends: one document is one line, whatever is in it.
func oneLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
	return b
}

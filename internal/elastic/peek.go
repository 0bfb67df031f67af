package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Peek reads the newest documents of an index, at most n, newest first, with
// the rights that a Tail needs. newest is the time of the first.
func (c *Client) Peek(ctx context.Context, index, field string, n int) (docs []Document, newest time.Time, err error) {
	field = cmp.Or(field, "@timestamp")
	t := &Tail{o: TailOptions{Client: c, Index: index, Time: field, Now: time.Now}, pos: position{by: map[string]*reach{}}}
	if err := t.list(ctx); err != nil {
		return nil, newest, err
	}
	var a tailAnswer
	err = c.call(ctx, http.MethodPost, FleetQuery{Index: index}.path(), object{"size": n, "track_total_hits": false, "timeout": "5s", "_source": skipped,
		"sort": []object{{field: object{"order": "desc", "unmapped_type": "date", "format": "epoch_millis"}}}}, &a)
	if err != nil {
		return nil, newest, err
	}
	for _, h := range a.Hits.Hits {
		var at []json.Number
		if newest.IsZero() && json.Unmarshal(h.Sort, &at) == nil && len(at) > 0 {
			if ms, err := at[0].Int64(); err == nil {
				newest = time.UnixMilli(min(ms, lastMoment)).UTC()
			}
		}
		docs = append(docs, documentOf(h.Source))
	}
	return docs, newest, nil
}

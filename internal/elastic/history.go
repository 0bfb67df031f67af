package elastic

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// Past is what one source did over a long time, for whoever asks whether it is
// a customer.
type Past struct {
	Source   netip.Prefix
	Since    time.Time
	Requests uint64
	Days     []FleetPoint // one a day, oldest first
	Status   []FleetTop
	Paths    []FleetTop
	Agents   []FleetTop
	Users    []FleetTop // accounts the log named
	First    time.Time  // zero when there was nothing
	Last     time.Time
}

// History asks what source did in the time before now.
func (c *Client) History(ctx context.Context, q FleetQuery, source netip.Prefix, now time.Time) (*Past, error) {
	if q.Window <= 0 {
		q.Window = 7 * 24 * time.Hour
	}
	f := q.Fields.filled()
	top := func(field string) object { return object{"terms": object{"field": field, "size": 10}} }
	var a struct {
		Aggs struct {
			Count struct {
				Value uint64 `json:"value"`
			} `json:"count"`
			Days struct {
				Buckets []struct {
					Key   int64  `json:"key"`
					Count uint64 `json:"doc_count"`
				} `json:"buckets"`
			} `json:"days"`
			First, Last struct {
				Value *float64 `json:"value"`
			}
			Status, Paths, Agents, Users termsAnswer
		} `json:"aggregations"`
	}
	err := c.call(ctx, http.MethodPost, "/"+q.Index+"/_search?ignore_unavailable=true&allow_no_indices=true", object{
		"size": 0, "track_total_hits": false, "timeout": "10s",
		"query": object{"bool": object{"filter": []object{between(f, now.Add(-q.Window), now), {"term": object{f.Source: source.Masked().String()}}}}},
		"aggs": object{
			"count": object{"value_count": object{"field": f.Time}},
			"days":  object{"date_histogram": object{"field": f.Time, "calendar_interval": "day", "min_doc_count": 1}},
			"first": object{"min": object{"field": f.Time}}, "last": object{"max": object{"field": f.Time}},
			"status": top(f.Status), "paths": top(f.Path), "agents": top(f.Agent), "users": top("user.name"),
		}}, &a)
	if err != nil {
		return nil, err
	}
	p := &Past{Source: source.Masked(), Since: now.Add(-q.Window), Requests: a.Aggs.Count.Value,
		Status: a.Aggs.Status.tops(), Paths: a.Aggs.Paths.tops(), Agents: a.Aggs.Agents.tops(), Users: a.Aggs.Users.tops()}
	for _, b := range a.Aggs.Days.Buckets {
		p.Days = append(p.Days, FleetPoint{time.UnixMilli(b.Key).UTC(), b.Count})
	}
	if a.Aggs.First.Value != nil && a.Aggs.Last.Value != nil {
		p.First, p.Last = time.UnixMilli(int64(*a.Aggs.First.Value)).UTC(), time.UnixMilli(int64(*a.Aggs.Last.Value)).UTC()
	}
	return p, nil
}

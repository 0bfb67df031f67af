package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// FleetFields names the fields of an access log index. The zero value means
// ECS, as Filebeat's nginx and apache modules and Elastic Agent write it.
type FleetFields struct {
	Time   string // default @timestamp
	Source string // default source.ip
	Status string // default http.response.status_code
	Path   string // default url.path
	Agent  string // default user_agent.original
	Host   string // default url.domain
	Method string // default http.request.method
}

func (f FleetFields) filled() FleetFields {
	for _, x := range []struct {
		at *string
		is string
	}{{&f.Time, "@timestamp"}, {&f.Source, "source.ip"}, {&f.Status, "http.response.status_code"}, {&f.Path, "url.path"},
		{&f.Agent, "user_agent.original"}, {&f.Host, "url.domain"}, {&f.Method, "http.request.method"}} {
		if *x.at == "" {
			*x.at = x.is
		}
	}
	return f
}

// Fleet is the traffic of all hosts, as the cluster counted it. It is
// immutable.
type Fleet struct {
	At       time.Time     // when it was asked for; its age is told from here
	Window   time.Duration // what the figures cover: the time before At
	Took     time.Duration // what it cost the cluster
	Moved    int64         // bytes that came over the network
	Requests uint64
	Rate     float64    // requests/s
	Before   float64    // requests/s in the same window an hour earlier; 0 when there was nothing
	Status   [6]float64 // share of 1xx … 5xx at index 1 … 5, without or another at 0
	Distinct int        // distinct sources (an estimate past 3000)
	Sources  []FleetTop // busiest first, at most 20
	Paths    []FleetTop
	Agents   []FleetTop
	Hosts    []FleetTop
	History  []FleetPoint // oldest first
	Partial  bool         // some shards did not answer: the figures are too low
}

// FleetTop is one row of a top list. Name is sanitised.
type FleetTop struct {
	Name  string
	Count uint64
}

// FleetPoint is a step of the past.
type FleetPoint struct {
	Time     time.Time
	Requests uint64
}

// FleetQuery says what to look at.
type FleetQuery struct {
	Index  string // index, pattern or data stream
	Fields FleetFields
	Window time.Duration // default 5 min
}

// Fleet asks the cluster for the traffic of all hosts up to now. The cluster
// does the counting: what comes back has the same size whatever the traffic.
func (c *Client) Fleet(ctx context.Context, q FleetQuery, now time.Time) (*Fleet, error) {
	if q.Window <= 0 {
		q.Window = 5 * time.Minute
	}
	q.Fields = q.Fields.filled()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var a fleetAnswer
	moved, err := c.send(ctx, http.MethodPost, "/"+q.Index+"/_search?ignore_unavailable=true&allow_no_indices=true&request_cache=false", q.body(now), &a)
	if err != nil {
		return nil, err
	}
	f := &Fleet{At: now, Window: q.Window, Took: time.Duration(a.Took) * time.Millisecond, Moved: moved,
		Partial: a.TimedOut || a.Shards.Failed > 0}
	r := a.Aggs.Recent
	f.Requests = r.Count
	f.Rate = float64(r.Count) / q.Window.Seconds()
	f.Before = float64(a.Aggs.Before.Count) / q.Window.Seconds()
	f.Distinct = int(r.Distinct.Value)
	known := uint64(0)
	for _, b := range r.Status.Buckets {
		if i := int(b.From) / 100; i >= 1 && i <= 5 && r.Count > 0 {
			f.Status[i] = float64(b.Count) / float64(r.Count)
			known += b.Count
		}
	}
	if r.Count > 0 {
		f.Status[0] = float64(r.Count-min(known, r.Count)) / float64(r.Count)
	}
	f.Sources, f.Paths, f.Agents, f.Hosts = r.Sources.tops(), r.Paths.tops(), r.Agents.tops(), r.Hosts.tops()
	for _, b := range r.History.Buckets {
		f.History = append(f.History, FleetPoint{time.UnixMilli(b.Key).UTC(), b.Count})
	}
	return f, nil
}

type object = map[string]any

func between(f FleetFields, from, to time.Time) object {
	return object{"range": object{f.Time: object{"gte": from.UnixMilli(), "lt": to.UnixMilli(), "format": "epoch_millis"}}}
}

func (q FleetQuery) body(now time.Time) object {
	top := func(field string) object { return object{"terms": object{"field": field, "size": 20}} }
	from := now.Add(-q.Window)
	var status []object
	for s := 100; s < 600; s += 100 {
		status = append(status, object{"from": s, "to": s + 100})
	}
	step := fmt.Sprintf("%ds", int64(max(q.Window/60, time.Second)/time.Second))
	return object{
		"size": 0, "track_total_hits": false, "timeout": "5s",
		"query": object{"bool": object{"filter": []object{{"bool": object{"should": []object{
			between(q.Fields, from, now), between(q.Fields, from.Add(-time.Hour), now.Add(-time.Hour))}, "minimum_should_match": 1}}}}},
		"aggs": object{
			"before": object{"filter": between(q.Fields, from.Add(-time.Hour), now.Add(-time.Hour))},
			"recent": object{"filter": between(q.Fields, from, now), "aggs": object{
				"status":   object{"range": object{"field": q.Fields.Status, "ranges": status}},
				"distinct": object{"cardinality": object{"field": q.Fields.Source, "precision_threshold": 3000}},
				"sources":  top(q.Fields.Source), "paths": top(q.Fields.Path), "agents": top(q.Fields.Agent), "hosts": top(q.Fields.Host),
				"history": object{"date_histogram": object{"field": q.Fields.Time, "fixed_interval": step, "min_doc_count": 0,
					"extended_bounds": object{"min": from.UnixMilli(), "max": now.UnixMilli() - 1}}},
			}},
		},
	}
}

type fleetAnswer struct {
	Took     int64 `json:"took"`
	TimedOut bool  `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Aggs struct {
		Before struct {
			Count uint64 `json:"doc_count"`
		} `json:"before"`
		Recent struct {
			Count    uint64 `json:"doc_count"`
			Distinct struct {
				Value float64 `json:"value"`
			} `json:"distinct"`
			Status struct {
				Buckets []struct {
					From  float64 `json:"from"`
					Count uint64  `json:"doc_count"`
				} `json:"buckets"`
			} `json:"status"`
			History struct {
				Buckets []struct {
					Key   int64  `json:"key"`
					Count uint64 `json:"doc_count"`
				} `json:"buckets"`
			} `json:"history"`
			Sources, Paths, Agents, Hosts termsAnswer
		} `json:"recent"`
	} `json:"aggregations"`
}

type termsAnswer struct {
	Buckets []struct {
		Key   json.RawMessage `json:"key"`
		Count uint64          `json:"doc_count"`
	} `json:"buckets"`
}

func (t termsAnswer) tops() []FleetTop {
	out := make([]FleetTop, 0, len(t.Buckets))
	for _, b := range t.Buckets {
		var s string
		if json.Unmarshal(b.Key, &s) != nil {
			s = string(b.Key) // a number
		}
		out = append(out, FleetTop{plain(s, 200), b.Count})
	}
	return out
}

package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

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
	Why      string       // what the first of them said
	Note     string       // what can't be shown, or whose clock is wrong, and the mend; "" all is well
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
	m, err := c.mapping(ctx, q)
	if err != nil {
		return nil, err
	}
	return c.fleet(ctx, q, m, now)
}

func (c *Client) fleet(ctx context.Context, q FleetQuery, m mapped, now time.Time) (*Fleet, error) {
	if q.Window <= 0 {
		q.Window = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var a fleetAnswer
	began := time.Now()
	moved, err := c.send(ctx, http.MethodPost, q.path(), q.body(m, now), &a)
	if err != nil {
		return nil, err
	}
	f := &Fleet{At: now, Window: q.Window, Took: time.Duration(a.Took) * time.Millisecond, Moved: moved,
		Partial: a.TimedOut || a.Shards.Failed > 0, Why: a.Shards.why(), Note: m.note}
	r := a.Aggs.Recent
	f.Requests = r.Count
	f.Rate = float64(r.Count) / q.Window.Seconds()
	f.Before = float64(a.Aggs.Before.Count) / q.Window.Seconds()
	f.Distinct = int(r.Distinct.Value)
	known := uint64(0)
	for i := 1; i <= 5; i++ {
		if n := r.Status.Buckets[strconv.Itoa(i)].Count; r.Count > 0 {
			f.Status[i] = float64(n) / float64(r.Count)
			known += n
		}
	}
	if r.Count > 0 {
		f.Status[0] = float64(r.Count-min(known, r.Count)) / float64(r.Count)
	}
	f.Sources, f.Paths, f.Agents, f.Hosts = r.Sources.tops(), r.Paths.tops(), r.Agents.tops(), r.Hosts.tops()
	for _, b := range r.History.Buckets {
		f.History = append(f.History, FleetPoint{time.UnixMilli(b.Key).UTC(), b.Count})
	}
	if note := a.Aggs.Ahead.clocks(now.Add(time.Since(began)/2), q.Index); note != "" {
		f.Note = note
	}
	return f, nil
}

// path is where q is asked. A pattern that matches nothing is no mistake: the
// first document may be on its way.
func (q FleetQuery) path() string {
	return "/" + url.PathEscape(q.Index) + "/_search?ignore_unavailable=true&allow_no_indices=true&request_cache=false"
}

type object = map[string]any

func between(f FleetFields, from, to time.Time) object {
	return object{"range": object{f.Time: object{"gte": from.UnixMilli(), "lt": to.UnixMilli(), "format": "epoch_millis"}}}
}

func (q FleetQuery) body(f mapped, now time.Time) object {
	from := now.Add(-q.Window)
	status := object{}
	for i := 1; i <= 5 && f.Status != ""; i++ {
		status[strconv.Itoa(i)] = object{"prefix": object{f.Status: strconv.Itoa(i)}}
		if f.numbers {
			status[strconv.Itoa(i)] = object{"range": object{f.Status: object{"gte": 100 * i, "lt": 100*i + 100}}}
		}
	}
	step := fmt.Sprintf("%ds", int64(max(q.Window/60, time.Second)/time.Second))
	recent := object{
		"distinct": object{"cardinality": object{"field": f.Source, "precision_threshold": 3000}},
		"history": object{"date_histogram": object{"field": f.Time, "fixed_interval": step, "min_doc_count": 0,
			"extended_bounds": object{"min": from.UnixMilli(), "max": now.UnixMilli() - 1}}},
	}
	if f.Status != "" {
		recent["status"] = object{"filters": object{"filters": status}}
	}
	for name, field := range map[string]string{"sources": f.Source, "paths": f.Path, "agents": f.Agent, "hosts": f.Host} {
		if field != "" {
			recent[name] = object{"terms": object{"field": field, "size": 20}}
		}
	}
	// What lies ahead of the cluster's own clock tells whose clock is wrong.
	ahead := object{"range": object{f.Time: object{"gt": "now+1m", "lt": "now+1d"}}}
	return object{
		"size": 0, "track_total_hits": false, "timeout": "5s",
		"query": object{"bool": object{"filter": []object{{"bool": object{"should": []object{ahead,
			between(f.FleetFields, from, now), between(f.FleetFields, from.Add(-time.Hour), now.Add(-time.Hour))}, "minimum_should_match": 1}}}}},
		"aggs": object{
			"ahead":  object{"date_range": object{"field": f.Time, "ranges": []object{{"from": "now+1m"}}}},
			"before": object{"filter": between(f.FleetFields, from.Add(-time.Hour), now.Add(-time.Hour))},
			"recent": object{"filter": between(f.FleetFields, from, now), "aggs": recent},
		},
	}
}

type fleetAnswer struct {
	Took     int64        `json:"took"`
	TimedOut bool         `json:"timed_out"`
	Shards   shardsAnswer `json:"_shards"`
	Aggs     struct {
		Ahead  aheadAnswer `json:"ahead"`
		Before struct {
			Count uint64 `json:"doc_count"`
		} `json:"before"`
		Recent struct {
			Count    uint64 `json:"doc_count"`
			Distinct struct {
				Value float64 `json:"value"`
			} `json:"distinct"`
			Status struct {
				Buckets map[string]struct {
					Count uint64 `json:"doc_count"`
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

// shardsAnswer tells whether all shards answered.
type shardsAnswer struct {
	Failed   int `json:"failed"`
	Failures []struct {
		Index  string `json:"index"`
		Reason struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"reason"`
	} `json:"failures"`
}

func (s shardsAnswer) why() string {
	if len(s.Failures) == 0 {
		return ""
	}
	f := s.Failures[0]
	return refusal("the cluster", plain(f.Index, 80), http.StatusBadRequest, f.Reason.Type, f.Reason.Reason).Text
}

// aheadAnswer holds what the cluster's clock says: From is a minute ahead of
// it.
type aheadAnswer struct {
	Buckets []struct {
		From  float64 `json:"from"`
		Count uint64  `json:"doc_count"`
	} `json:"buckets"`
}

// mostSkew is by how much clocks may differ before it is said.
const mostSkew = 5 * time.Second

// clocks says whose clock is wrong, "" when nobody's is.
func (a aheadAnswer) clocks(now time.Time, index string) string {
	if len(a.Buckets) == 0 || a.Buckets[0].From == 0 {
		return ""
	}
	skew := now.Sub(time.UnixMilli(int64(a.Buckets[0].From)).Add(-time.Minute))
	switch {
	case skew > mostSkew:
		return fmt.Sprintf("this host's clock is %s ahead of Elasticsearch's: the figures are of the wrong time; run an NTP client on both", skew.Round(time.Second))
	case skew < -mostSkew:
		return fmt.Sprintf("this host's clock is %s behind Elasticsearch's: the figures are of the wrong time; run an NTP client on both", (-skew).Round(time.Second))
	case a.Buckets[0].Count > 0:
		return fmt.Sprintf("documents of %s come from the future (%d of them): the clock of a host that writes there is wrong; run an NTP client on it", plain(index, 80), a.Buckets[0].Count)
	}
	return ""
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

package elastic

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// defaultWindow is what the fleet's figures cover where nothing is said.
const defaultWindow = 5 * time.Minute

// path is where q is asked. A pattern that matches nothing is no mistake: the
// first document may be on its way.
func (q FleetQuery) path() string {
	return "/" + url.PathEscape(q.Index) + "/_search?ignore_unavailable=true&allow_no_indices=true&request_cache=false"
}

type object = map[string]any

func between(f FleetFields, from, to time.Time) object {
	return object{"range": object{f.Time: object{"gte": from.UnixMilli(), "lt": to.UnixMilli(), "format": "epoch_millis"}}}
}

func (q FleetQuery) ask(query, aggs object) object {
	return object{"size": 0, "track_total_hits": false, "timeout": "5s", "query": query, "aggs": aggs}
}

// counts asks for mere numbers of documents. Without a query and without
// anything below the filters, an index tells them from its trees of points.
func (q FleetQuery) counts(f mapped, now time.Time) object {
	from := now.Add(-q.Window)
	return q.ask(object{"match_all": object{}}, object{
		// What lies ahead of the cluster's own clock tells whose clock is wrong.
		"ahead": object{"date_range": object{"field": f.Time, "ranges": []object{{"from": "now+1m", "to": "now+1d"}}}},
		"windows": object{"filters": object{"filters": object{
			"recent": between(f.FleetFields, from, now),
			"before": between(f.FleetFields, from.Add(-time.Hour), now.Add(-time.Hour)),
		}}},
	})
}

// distinct asks how many sources there are. No share of the requests could
// tell.
func (q FleetQuery) distinct(f mapped, now time.Time) object {
	return q.ask(between(f.FleetFields, now.Add(-q.Window), now),
		object{"distinct": object{"cardinality": object{"field": f.Source, "precision_threshold": 3000}}})
}

// mix asks what the requests are, or a share of them: the cluster then scales
// its counts up itself.
func (q FleetQuery) mix(f mapped, now time.Time, share float64) object {
	aggs := object{}
	for name, field := range map[string]string{"sources": f.Source, "paths": f.Path, "agents": f.Agent, "hosts": f.Host} {
		if field != "" {
			aggs[name] = object{"terms": object{"field": field, "size": 20}}
		}
	}
	if f.Status != "" {
		aggs["statuses"] = object{"terms": object{"field": f.Status, "size": 60}}
	}
	all := object{"filter": object{"match_all": object{}}, "aggs": aggs}
	if share < 1 {
		all = object{"random_sampler": object{"probability": share}, "aggs": aggs}
	}
	return q.ask(between(f.FleetFields, now.Add(-q.Window), now), object{"mix": all})
}

func (c *Client) count(ctx context.Context, q FleetQuery, body object) (a fleetAnswer, err error) {
	a.moved, err = c.send(ctx, http.MethodPost, q.path(), body, &a)
	return a, err
}

type counted struct {
	Count uint64 `json:"doc_count"`
}

type fleetAnswer struct {
	moved    int64        // bytes
	Took     int64        `json:"took"`
	TimedOut bool         `json:"timed_out"`
	Shards   shardsAnswer `json:"_shards"`
	Aggs     struct {
		Ahead   aheadAnswer `json:"ahead"`
		Windows struct {
			Buckets struct {
				Recent counted `json:"recent"`
				Before counted `json:"before"`
			} `json:"buckets"`
		} `json:"windows"`
		Distinct struct {
			Value float64 `json:"value"`
		} `json:"distinct"`
		Mix struct {
			counted
			Statuses, Sources, Paths, Agents, Hosts termsAnswer
		} `json:"mix"`
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

// mix is the share of 1xx … 5xx at index 1 … 5 of all of count, and of what is
// none of them at 0. A status may be a number or a word.
func (t termsAnswer) mix(count uint64) (share [6]float64) {
	if count == 0 {
		return share
	}
	known := uint64(0)
	for _, s := range t.tops() {
		if len(s.Name) < 3 || s.Name[0] < '1' || s.Name[0] > '5' {
			continue
		}
		share[s.Name[0]-'0'] += float64(s.Count) / float64(count)
		known += s.Count
	}
	share[0] = float64(count-min(known, count)) / float64(count)
	return share
}

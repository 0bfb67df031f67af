package elastic

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
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
	Users    []FleetTop // accounts the log named, busiest first
	Named    uint64     // requests that named an account
	Took     time.Duration
	First    time.Time // zero when there was nothing
	Last     time.Time
}

// FleetPoint is a step of the past.
type FleetPoint struct {
	Time     time.Time
	Requests uint64
}

// History asks what source did in the time before now.
func (c *Client) History(ctx context.Context, q FleetQuery, source netip.Prefix, now time.Time) (*Past, error) {
	m, err := c.mapping(ctx, q)
	if err != nil {
		return nil, err
	}
	return c.history(ctx, q, m, source, now)
}

func (c *Client) history(ctx context.Context, q FleetQuery, f mapped, source netip.Prefix, now time.Time) (*Past, error) {
	if q.Window <= 0 {
		q.Window = 7 * 24 * time.Hour
	}
	who, err := f.from(source)
	if err != nil {
		return nil, err
	}
	aggs := object{
		"count": object{"value_count": object{"field": f.Time}},
		"days":  object{"date_histogram": object{"field": f.Time, "calendar_interval": "day", "min_doc_count": 1}},
		"first": object{"min": object{"field": f.Time}}, "last": object{"max": object{"field": f.Time}},
	}
	for name, field := range map[string]string{"status": f.Status, "paths": f.Path, "agents": f.Agent, "users": f.User} {
		if field != "" {
			aggs[name] = object{"terms": object{"field": field, "size": 10}}
		}
	}
	if f.User != "" {
		aggs["named"] = object{"filter": object{"exists": object{"field": f.User}}}
	}
	var a struct {
		Took int64 `json:"took"`
		Aggs struct {
			Count struct {
				Value uint64 `json:"value"`
			} `json:"count"`
			Named struct {
				Count uint64 `json:"doc_count"`
			} `json:"named"`
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
	err = c.call(ctx, http.MethodPost, q.path(), object{
		"size": 0, "track_total_hits": false, "timeout": "10s", "aggs": aggs,
		"query": object{"bool": object{"filter": []object{between(f.FleetFields, now.Add(-q.Window), now), who}}},
	}, &a)
	if err != nil {
		return nil, err
	}
	p := &Past{Source: source.Masked(), Since: now.Add(-q.Window), Requests: a.Aggs.Count.Value, Named: a.Aggs.Named.Count, Took: time.Duration(a.Took) * time.Millisecond,
		Status: a.Aggs.Status.tops(), Paths: a.Aggs.Paths.tops(), Agents: a.Aggs.Agents.tops(), Users: a.Aggs.Users.tops()}
	for _, b := range a.Aggs.Days.Buckets {
		p.Days = append(p.Days, FleetPoint{time.UnixMilli(b.Key).UTC(), b.Count})
	}
	if a.Aggs.First.Value != nil && a.Aggs.Last.Value != nil {
		p.First, p.Last = time.UnixMilli(int64(*a.Aggs.First.Value)).UTC(), time.UnixMilli(int64(*a.Aggs.Last.Value)).UTC()
	}
	return p, nil
}

// from is the query for one source. Where addresses are mere words, only
// single ones and whole bytes of IPv4 can be asked for.
func (f mapped) from(source netip.Prefix) (object, error) {
	source = source.Masked()
	switch {
	case f.addresses:
		return object{"term": object{f.Source: source.String()}}, nil
	case source.IsSingleIP():
		return object{"term": object{f.Source: source.Addr().String()}}, nil
	case source.Addr().Is4() && source.Bits() > 0 && source.Bits()%8 == 0:
		parts := strings.SplitAfter(source.Addr().String(), ".")
		return object{"prefix": object{f.Source: strings.Join(parts[:source.Bits()/8], "")}}, nil
	}
	return nil, &Problem{Kind: Mapping, Text: fmt.Sprintf("%s is not mapped as ip there, so that %s can't be asked for; map it as ip, as ECS does", plain(f.Source, 80), source)}
}

package elastic

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// mostExact is how many requests are counted one by one for the status mix and
// the top lists. Of more, a random share of about mostSampled is, so that a
// busy day costs the cluster no more than a quiet one.
const (
	mostExact   = 500_000
	mostSampled = 200_000
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
	Sampled  float64    // share of the requests that Status and the lists below were estimated from; 1: all of them
	Sources  []FleetTop // busiest first, at most 20
	Paths    []FleetTop
	Agents   []FleetTop
	Hosts    []FleetTop
	Partial  bool   // some shards did not answer: the figures are too low
	Why      string // what the first of them said
	Note     string // what can't be shown, or whose clock is wrong, and the mend; "" all is well
}

// FleetTop is one row of a top list. Name is sanitised.
type FleetTop struct {
	Name  string
	Count uint64
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

// fleet asks how many requests there are, which indices answer without looking
// at any, and then, at once, for what takes a look at each: how many sources
// are distinct, and what the requests or a share of them are.
func (c *Client) fleet(ctx context.Context, q FleetQuery, m mapped, now time.Time) (*Fleet, error) {
	if q.Window <= 0 {
		q.Window = defaultWindow
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	f := &Fleet{At: now, Window: q.Window, Note: m.note, Sampled: 1}
	began := time.Now()
	a, err := c.count(ctx, q, q.counts(m, now))
	if err != nil {
		return nil, err
	}
	f.take(a)
	windows := a.Aggs.Windows.Buckets
	f.Requests = windows.Recent.Count
	f.Rate = float64(f.Requests) / q.Window.Seconds()
	f.Before = float64(windows.Before.Count) / q.Window.Seconds()
	half := time.Since(began) / 2
	if note := a.Aggs.Ahead.clocks(now.Add(half), half, q.Index); note != "" {
		f.Note = note
	}
	if f.Requests > mostExact {
		f.Sampled = mostSampled / float64(f.Requests)
	}
	var both sync.WaitGroup
	var distinct, mix fleetAnswer
	var derr, merr error
	both.Go(func() { distinct, derr = c.count(ctx, q, q.distinct(m, now)) })
	both.Go(func() { mix, merr = c.count(ctx, q, q.mix(m, now, f.Sampled)) })
	both.Wait()
	switch {
	case derr != nil:
		return nil, derr
	case merr != nil:
		return nil, merr
	}
	f.take(distinct)
	f.take(mix)
	f.Distinct = int(distinct.Aggs.Distinct.Value)
	x := mix.Aggs.Mix
	f.Status = x.Statuses.mix(uint64(float64(x.Count) / f.Sampled)) // what was drawn is not scaled up, what it is made of is
	f.Sources, f.Paths, f.Agents, f.Hosts = x.Sources.tops(), x.Paths.tops(), x.Agents.tops(), x.Hosts.tops()
	return f, nil
}

// take adds what an answer cost and whether it is whole.
func (f *Fleet) take(a fleetAnswer) {
	f.Took += time.Duration(a.Took) * time.Millisecond
	f.Moved += a.moved
	f.Partial = f.Partial || a.TimedOut || a.Shards.Failed > 0
	if f.Why == "" {
		f.Why = a.Shards.why()
	}
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

// clocks says whose clock is wrong, "" when nobody's is. The cluster's told its
// time at now, give or take within.
func (a aheadAnswer) clocks(now time.Time, within time.Duration, index string) string {
	if len(a.Buckets) == 0 || a.Buckets[0].From == 0 {
		return ""
	}
	skew := now.Sub(time.UnixMilli(int64(a.Buckets[0].From)).Add(-time.Minute))
	switch {
	case skew-within > mostSkew:
		return fmt.Sprintf("this host's clock is %s ahead of Elasticsearch's: the figures are of the wrong time; run an NTP client on both", skew.Round(time.Second))
	case -skew-within > mostSkew:
		return fmt.Sprintf("this host's clock is %s behind Elasticsearch's: the figures are of the wrong time; run an NTP client on both", (-skew).Round(time.Second))
	case a.Buckets[0].Count > 0:
		return fmt.Sprintf("documents of %s come from the future (%d of them): the clock of a host that writes there is wrong; run an NTP client on it", plain(index, 80), a.Buckets[0].Count)
	}
	return ""
}

package elastic

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

// stored publishes n requests that begin at from, 1 ms apart, and waits until
// they can be searched.
func stored(t testing.TB, from time.Time, n int) *Client {
	t.Helper()
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	p, stop := startPublisher(t, PublisherOptions{Client: admin, Dir: t.TempDir(), Origin: Origin{Host: fmt.Sprint("fleet-", from.Unix())}, Requests: 1})
	list := requests(n)
	for i := range list {
		list[i].Time += from.Sub(noon).Nanoseconds()
		if i%4 == 0 {
			list[i].Status, list[i].User = 503, []byte("ana")
		}
		list[i].Target = fmt.Appendf(nil, "/p\x1b/%d", i%3)
	}
	p.Requests(list)
	stop()
	if c := p.Counts(); c.Sent != uint64(n) {
		t.Fatalf("%+v", c)
	}
	must(t, admin.call(t.Context(), http.MethodPost, "/"+RequestsStream+"/_refresh", nil, nil))
	return client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "read")})
}

var fleetRuns int

func TestFleet(t *testing.T) {
	day := noon.AddDate(0, 0, 2+30*fleetRuns) // the node may know what an earlier run stored
	fleetRuns++
	stored(t, day.Add(-time.Hour), 500)
	c := stored(t, day, 2000)
	now := day.Add(10 * time.Second)
	f, err := c.Fleet(t.Context(), FleetQuery{Index: RequestsStream, Window: time.Minute}, now)
	must(t, err)
	if f.Requests != 2000 || f.Rate < 33 || f.Rate > 34 || f.Before < 8.3 || f.Before > 8.4 || f.Partial {
		t.Errorf("%+v", f)
	}
	if f.Status[2] != 0.75 || f.Status[5] != 0.25 || f.Status[0] != 0 {
		t.Errorf("status mix %v", f.Status)
	}
	if f.Distinct < 1940 || f.Distinct > 2060 || len(f.Sources) != 20 || len(f.Paths) != 3 || f.Paths[0].Name != "/p/0" || f.Paths[0].Count != 667 {
		t.Errorf("%d distinct, sources %v, paths %v", f.Distinct, f.Sources, f.Paths)
	}
	if len(f.Hosts) != 1 || f.Hosts[0] != (FleetTop{"shop.example.com", 2000}) || f.Sampled != 1 {
		t.Errorf("hosts %v, from a share of %g", f.Hosts, f.Sampled)
	}
	if f.Moved <= 0 || f.Moved > 50<<10 {
		t.Errorf("%d bytes moved", f.Moved)
	}
	t.Run("a share of the requests", func(t *testing.T) {
		q := FleetQuery{Index: RequestsStream, Window: time.Minute}
		m, err := c.mapping(t.Context(), q)
		must(t, err)
		a, err := c.count(t.Context(), q, q.mix(m, now, .25))
		must(t, err)
		// The cluster scales up what it drew: 2000 give or take 77, and this is
		// eight times that.
		x := a.Aggs.Mix
		all := 4 * x.Count
		if mix := x.Statuses.mix(all); all < 1380 || all > 2620 || mix[2] < .5 || mix[5] < .05 || mix[0] != 0 {
			t.Errorf("of 2000 requests, %d, statuses %v", all, mix)
		}
		paths := uint64(0)
		for _, p := range x.Paths.tops() {
			paths += p.Count
		}
		if len(x.Paths.Buckets) != 3 || paths < all-10 || paths > all+10 {
			t.Errorf("paths %v of %d", x.Paths.tops(), all)
		}
	})
	empty, err := c.Fleet(t.Context(), FleetQuery{Index: RequestsStream}, day.AddDate(1, 0, 0))
	must(t, err)
	if empty.Requests != 0 || empty.Status[0] != 0 || len(empty.Sources) != 0 {
		t.Errorf("in a year without traffic: %+v", empty)
	}
	if _, err := c.Fleet(t.Context(), FleetQuery{Index: "levee-nothing-*"}, now); err != nil {
		t.Errorf("an index pattern that matches nothing yet: %v", err)
	}
	t.Run("history", func(t *testing.T) {
		src := netip.MustParsePrefix("198.51.0.4/32")
		p, err := c.History(t.Context(), FleetQuery{Index: RequestsStream}, src, now)
		must(t, err)
		if p.Requests < 2 || len(p.Days) == 0 || !p.Last.Equal(day.Add(4*time.Millisecond)) || p.Users[0] != (FleetTop{"ana", 2}) {
			t.Errorf("%+v", p)
		}
		net, err := c.History(t.Context(), FleetQuery{Index: RequestsStream, Window: time.Hour}, netip.MustParsePrefix("198.51.0.0/24"), now)
		must(t, err)
		if net.Requests != 256 {
			t.Errorf("the whole /24 made %d requests", net.Requests)
		}
		none, err := c.History(t.Context(), FleetQuery{Index: RequestsStream}, netip.MustParsePrefix("2001:db8::/64"), now)
		must(t, err)
		if none.Requests != 0 || !none.First.IsZero() {
			t.Errorf("a source nobody saw: %+v", none)
		}
	})
}

// BenchmarkPublish is how fast requests reach the small test node, from the
// judge's hand to stored documents.
func BenchmarkPublish(b *testing.B) {
	admin := superuser(b)
	must(b, admin.Setup(b.Context(), SetupOptions{Out: io.Discard}))
	p, stop := startPublisher(b, PublisherOptions{Client: admin, Dir: b.TempDir(), Origin: Origin{Host: "bench"}, Requests: 1})
	list := requests(1000)
	b.ReportAllocs()
	for b.Loop() {
		p.Requests(list)
		until(b, "room", func() bool { return p.Counts().Waiting < 32<<20 })
	}
	stop()
	b.ReportMetric(float64(p.Counts().Sent)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkTake is what publishing every request costs the judge.
func BenchmarkTake(b *testing.B) {
	p, err := NewPublisher(PublisherOptions{Dir: b.TempDir(), Origin: testOrigin, Requests: 1})
	must(b, err)
	list := requests(1000)
	one := make([]detect.Request, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		one[0] = list[i%1000]
		p.Requests(one)
		if len(p.requests) > 8<<20 {
			p.requests = p.requests[:0]
		}
	}
}

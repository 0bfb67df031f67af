package elastic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

var testOrigin = Origin{Host: "edge-1", Version: "test"}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// cuttable stands between a client and the node, and can be cut: connections
// end within whatever was under way and new ones are refused.
type cuttable struct {
	url  string
	to   string
	gone atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newCuttable(t testing.TB, to string) *cuttable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	u, err := url.Parse(to)
	must(t, err)
	c := &cuttable{url: "http://" + l.Addr().String(), to: u.Host, conns: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			if c.gone.Load() {
				_ = in.Close()
				continue
			}
			all.Go(func() { c.carry(in) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); c.cut(); all.Wait() })
	return c
}

func (c *cuttable) carry(in net.Conn) {
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		_ = in.Close()
		return
	}
	c.mu.Lock()
	c.conns[in], c.conns[out] = true, true
	if c.gone.Load() { // cut in the meantime
		_, _ = in.Close(), out.Close()
	}
	c.mu.Unlock()
	var both sync.WaitGroup
	end := func() { _ = in.Close(); _ = out.Close() }
	both.Go(func() { defer end(); _, _ = io.Copy(out, in) })
	both.Go(func() { defer end(); _, _ = io.Copy(in, out) })
	both.Wait()
	c.mu.Lock()
	delete(c.conns, in)
	delete(c.conns, out)
	c.mu.Unlock()
}

func (c *cuttable) cut() {
	c.gone.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for x := range c.conns {
		_ = x.Close()
	}
}

func (c *cuttable) mend() { c.gone.Store(false) }

// until waits for something that other goroutines bring about.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func startPublisher(t testing.TB, o PublisherOptions) (p *Publisher, stop func()) {
	t.Helper()
	p, err := NewPublisher(o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return p, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("publisher: %v", err)
		}
	})
}

func requests(n int) []detect.Request {
	out := make([]detect.Request, n)
	for i := range out {
		out[i] = detect.Request{Time: noon.Add(time.Duration(i) * time.Millisecond).UnixNano(), Source: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}),
			Method: []byte("GET"), Target: fmt.Appendf(nil, "/items/%d?page=2&token=s3cr3t", i), Agent: []byte("Mozilla/5.0 \"q\""),
			Host: []byte("shop.example.com"), Proto: []byte("HTTP/1.1"), Status: 200, Bytes: 512, Duration: -1}
	}
	return out
}

// TestPublishThroughOutages sends under load while the way to the node is cut
// again and again, within answers too: nothing is lost and nothing is doubled.
func TestPublishThroughOutages(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	way := newCuttable(t, realNode(t).URL)
	c := client(t, Options{URLs: []string{way.url}, APIKey: key(t, admin, "publish")})
	host := Origin{Host: fmt.Sprintf("edge-outages-%d", time.Now().UnixNano()), Version: "test"}
	o := PublisherOptions{Client: c, Dir: t.TempDir(), Origin: host, Requests: 1, Retry: 5 * time.Millisecond}
	p, stop := startPublisher(t, o)
	defer func() { stop() }()

	const rounds, each = 20, 500
	for i := range rounds {
		before := p.Counts().Sent
		p.Requests(requests(each))
		switch i % 5 {
		case 1:
			until(t, "something sent", func() bool {
				if n := p.Link().Note; p.Counts().Rejected > 0 || strings.Contains(n, "forbids") {
					t.Fatal(n)
				}
				return p.Counts().Sent > before
			})
			way.cut()
		case 2:
			until(t, "the outage seen", func() bool { l := p.Link(); return !l.OK && l.Note != "" })
		case 3:
			way.mend()
		}
		if i == rounds/2 { // and a restart
			stop()
			p, stop = startPublisher(t, o)
		}
	}
	way.mend()
	until(t, "all sent", func() bool {
		p.rmu.Lock()
		defer p.rmu.Unlock()
		return len(p.requests) == 0 && p.Counts().Waiting == 0
	})
	if l := p.Link(); !l.OK {
		t.Errorf("after the outage: %+v", l)
	}
	stop()
	if got := count(t, admin, RequestsStream, map[string]any{"term": map[string]any{"observer.name": host.Host}}); got != rounds*each {
		t.Errorf("%d documents in the cluster, %d were published", got, rounds*each)
	}
	if got := count(t, admin, RequestsStream, map[string]any{"wildcard": map[string]any{"url.query": "*s3cr3t*"}}); got != 0 {
		t.Errorf("%d documents with a secret", got)
	}
	if got := count(t, admin, RequestsStream, map[string]any{"bool": map[string]any{"filter": []any{map[string]any{"term": map[string]any{"observer.name": host.Host}},
		map[string]any{"term": map[string]any{"url.query": "page=2&token=[redacted]"}}}}}); got != rounds*each {
		t.Errorf("%d documents with a redacted query", got)
	}
}

func TestPublishEverything(t *testing.T) {
	admin, origin := superuser(t), Origin{Host: fmt.Sprintf("everything-%d", time.Now().UnixNano()), Version: "test"}
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	c := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "publish")})
	p, stop := startPublisher(t, PublisherOptions{Client: c, Dir: t.TempDir(), Origin: origin})
	defer stop()
	put := func(docs []Doc, err error) {
		t.Helper()
		must(t, err)
		p.Put(docs...)
		p.Put(docs...) // as after a crash: it counts once
	}
	one := func(d Doc, err error) ([]Doc, error) { return []Doc{d}, err }
	snap := &detect.Snapshot{Now: noon, Total: detect.Traffic{Rate: 120, P95: -1}, Services: []detect.Service{{Name: "shop.example.com", Traffic: detect.Traffic{Rate: 120, P95: time.Second}}}}
	put(origin.Stats(snap, &actions.Board{}, status.Status{Now: noon}))
	target := netip.MustParsePrefix("203.0.113.9/32")
	put(one(origin.Verdict(detect.Event{Time: noon, Kind: detect.SuspectSeen, Suspect: &detect.Suspect{Key: target, Attack: "login_abuse", Score: 91}})))
	put(one(origin.Verdict(detect.Event{Time: noon, Kind: detect.IncidentOpen, Incident: &detect.Incident{ID: "i-1", Service: "shop.example.com", Attack: "distributed_flood",
		Signature: detect.Signature{Path: "/search", Query: "random"}, Opened: noon}})))
	put(one(origin.Notice(actions.Notice{Time: noon, Level: "warn", Text: "auto mode stopped"})))
	d := actions.Decision{ID: "d-1", Verb: actions.Block, Target: actions.Target{Prefix: target}, State: actions.Applied, Actor: actions.Auto, Created: noon, TTL: time.Minute, Expires: noon.Add(time.Minute)}
	for seq, kind := range []string{"intent", "applied", "expired"} {
		d.State = actions.State(kind)
		event, now, err := origin.Decision(d, kind, int64(seq+1), noon)
		put([]Doc{event, now}, err)
	}
	until(t, "all sent", func() bool { return p.Counts().Waiting == 0 })
	if c := p.Counts(); c.Rejected != 0 || c.Shed != 0 {
		t.Fatalf("%+v", c)
	}
	for _, q := range []struct {
		index, field string
		value        any
		want         int
	}{
		{StatsStream, "event.kind", "metric", 2},
		{EventsStream, "levee.attack", "login_abuse", 1},
		{EventsStream, "levee.signature.query", "random", 1},
		{EventsStream, "source.ip", "203.0.113.0/24", 4}, // the suspect and three changes
		{EventsStream, "event.action", "unblock", 1},
		{EventsStream, "log.level", "warn", 1},
		{DecisionsIndex, "levee.decision.state", "expired", 1},
		{DecisionsIndex, "event.module", "levee", 1},
	} {
		if got := count(t, admin, q.index, object{"bool": object{"filter": []any{
			object{"term": object{q.field: q.value}}, object{"term": object{"observer.name": origin.Host}}}}}); got != q.want {
			t.Errorf("%s with %s %v: %d, want %d", q.index, q.field, q.value, got, q.want)
		}
	}
}

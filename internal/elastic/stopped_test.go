package elastic

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// TestNodeStoppedUnderLoad judges and publishes 5,000 requests a second while
// the node is really stopped and started again: nothing is lost, nothing is
// stored twice, and whoever judges never waits for it. LEVEE_OUTAGE says for
// how long, by default two seconds.
func TestNodeStoppedUnderLoad(t *testing.T) {
	const rate, chunk = 5000, 500
	outage := 2 * time.Second
	if s := os.Getenv("LEVEE_OUTAGE"); s != "" {
		var err error
		outage, err = time.ParseDuration(s)
		must(t, err)
	}
	node := realNode(t)
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	host := fmt.Sprintf("stopped-%d", time.Now().UnixNano())
	p, stop := startPublisher(t, PublisherOptions{Client: admin, Dir: t.TempDir(), Origin: Origin{Host: host}, Requests: 1})
	defer stop()
	engine := detect.New(detect.Options{})
	list := requests(4 * rate) // seconds pass before one is used again
	at, next, total := noon.UnixNano(), 0, 0
	judge := func(span time.Duration) (costs []time.Duration, longest time.Duration) {
		tick := time.NewTicker(time.Second * chunk / rate)
		defer tick.Stop()
		for range int(span / (time.Second * chunk / rate)) {
			<-tick.C
			part := list[next : next+chunk]
			next = (next + chunk) % len(list)
			for i := range part {
				at += int64(time.Second / rate)
				part[i].Time = at
			}
			began := time.Now()
			engine.Add(part)
			given := time.Now()
			p.Take(part, func() {})
			longest = max(longest, time.Since(given))
			costs = append(costs, time.Since(began)/chunk)
			total += chunk
		}
		slices.Sort(costs)
		return costs, longest
	}
	before, _ := judge(2 * time.Second)
	halted := make(chan error, 1)
	go func() { halted <- node.Halt() }()
	during, longest := judge(outage)
	must(t, <-halted)
	more, wait := judge(time.Second) // it is certainly away now
	during, longest = append(during, more...), max(longest, wait)
	until(t, "the outage is shown, and what waits", func() bool {
		l := p.Link()
		return !l.OK && strings.Contains(l.Note, "wait on disk")
	})
	t.Logf("away for %s, the console says: %s", outage, p.Link().Note)
	again := make(chan error, 1)
	go func() { again <- node.Again() }()
	returning, wait := judge(2 * time.Second)
	must(t, <-again)
	// Were it to wait for the cluster, it would be for seconds.
	if longest = max(longest, wait); longest > 10*time.Second {
		t.Errorf("the judge waited for %s", longest)
	}
	slices.Sort(during)
	median := func(x []time.Duration) time.Duration { return x[len(x)/2] }
	t.Logf("a request cost the judge %s before, %s while the node was away, %s when it came back; longest wait to hand over %d requests %s",
		median(before), median(during), median(returning), chunk, longest)
	back := time.Now()
	for sent := p.Counts().Sent; sent < uint64(total); { // however long that takes
		until(t, "something more is sent", func() bool { return p.Counts().Sent > sent })
		sent = p.Counts().Sent
	}
	t.Logf("%d documents, the last of them sent %s after the node was back", total, time.Since(back).Round(time.Millisecond))
	if c := p.Counts(); c.Shed != 0 || c.Rejected != 0 {
		t.Errorf("%+v", c)
	}
	if n := count(t, admin, RequestsStream, map[string]any{"term": map[string]any{"observer.name": host}}); n != total {
		t.Errorf("%d documents are stored, %d were published", n, total)
	}
}

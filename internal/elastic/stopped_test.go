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
	j := newJudging(requests(4 * judgedRate))
	judge := func(span time.Duration) ([]time.Duration, time.Duration) {
		return j.run(span, func(part []detect.Request) { p.Take(part, func() {}) })
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
	t.Logf("a request cost the judge %s before, %s while the node was away, %s when it came back; longest wait to hand over %d requests %s",
		middle(before), middle(during), middle(returning), judgedChunk, longest)
	back := time.Now()
	for sent := p.Counts().Sent; sent < uint64(j.total); { // however long that takes
		until(t, "something more is sent", func() bool { return p.Counts().Sent > sent })
		sent = p.Counts().Sent
	}
	t.Logf("%d documents, the last of them sent %s after the node was back", j.total, time.Since(back).Round(time.Millisecond))
	if c := p.Counts(); c.Shed != 0 || c.Rejected != 0 {
		t.Errorf("%+v", c)
	}
	if n := count(t, admin, RequestsStream, map[string]any{"term": map[string]any{"observer.name": host}}); n != j.total {
		t.Errorf("%d documents are stored, %d were published", n, j.total)
	}
}

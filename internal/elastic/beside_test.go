package elastic

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"levee/detect"
)

// BenchmarkDetectorWhilePublishing judges 5,000 requests a second in turns: a
// stretch without publishing, a stretch in which each is published to the node
// beside it. It reports what a request costs the judge in each, their ratio,
// and what reached the cluster meanwhile. Node, publisher and detector share
// the machine: a cluster of its own leaves the detector more.
func BenchmarkDetectorWhilePublishing(b *testing.B) {
	const turn = 2 * time.Second
	admin := superuser(b)
	must(b, admin.Setup(b.Context(), SetupOptions{Out: io.Discard}))
	p, stop := startPublisher(b, PublisherOptions{Client: admin, Dir: b.TempDir(), Origin: Origin{Host: "beside"}, Requests: 1})
	list := requests(20000)
	for i := range list {
		list[i].Target = fmt.Appendf(nil, "/items/%d?page=2", i%400)
	}
	j := newJudging(list)
	publish := func(part []detect.Request) { p.Take(part, func() {}) }
	var alone, beside []time.Duration
	var sending time.Duration
	for b.Loop() {
		costs, _ := j.run(turn, nil)
		alone = append(alone, costs...)
		began := time.Now()
		costs, _ = j.run(turn, publish)
		beside = append(beside, costs...)
		until(b, "all is sent", func() bool { c := p.Counts(); return c.Waiting == 0 && c.Sent >= uint64(j.total) })
		sending += time.Since(began)
	}
	sent := p.Counts().Sent
	stop()
	slices.Sort(alone)
	slices.Sort(beside)
	apart, together := float64(middle(alone).Nanoseconds()), float64(middle(beside).Nanoseconds())
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(apart, "ns/request-alone")
	b.ReportMetric(together, "ns/request-publishing")
	b.ReportMetric(float64(sent)/sending.Seconds(), "docs/s")
	b.ReportMetric(100*judgedRate*(together-apart)/1e9, "%core-more")
}

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
	const rate, chunk, turn = 5000, 500, 2 * time.Second
	admin := superuser(b)
	must(b, admin.Setup(b.Context(), SetupOptions{Out: io.Discard}))
	p, stop := startPublisher(b, PublisherOptions{Client: admin, Dir: b.TempDir(), Origin: Origin{Host: "beside"}, Requests: 1})
	engine := detect.New(detect.Options{})
	list := requests(20000) // a second passes before one is used again
	for i := range list {
		list[i].Target = fmt.Appendf(nil, "/items/%d?page=2", i%400)
	}
	at, next := noon.UnixNano(), 0
	judge := func(publish bool) (costs []float64) {
		tick := time.NewTicker(time.Second * chunk / rate)
		defer tick.Stop()
		for range int(turn / (time.Second * chunk / rate)) {
			<-tick.C
			part := list[next : next+chunk]
			next = (next + chunk) % len(list)
			for i := range part {
				at += int64(time.Second / rate)
				part[i].Time = at
			}
			began := time.Now()
			engine.Add(part)
			if publish {
				p.Take(part, func() {})
			}
			costs = append(costs, float64(time.Since(began).Nanoseconds())/chunk)
		}
		return costs
	}
	var alone, beside []float64
	var sending time.Duration
	for b.Loop() {
		alone = append(alone, judge(false)...)
		began := time.Now()
		beside = append(beside, judge(true)...)
		until(b, "all is sent", func() bool { c := p.Counts(); return c.Waiting == 0 && c.Sent >= uint64(len(beside)*chunk) })
		sending += time.Since(began)
	}
	sent := p.Counts().Sent
	stop()
	median := func(x []float64) float64 {
		slices.Sort(x)
		return x[len(x)/2]
	}
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(median(alone), "ns/request-alone")
	b.ReportMetric(median(beside), "ns/request-publishing")
	b.ReportMetric(float64(sent)/sending.Seconds(), "docs/s")
	b.ReportMetric(100*float64(rate)*(median(beside)-median(alone))/1e9, "%core-more")
}

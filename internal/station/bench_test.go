package station

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkFollow writes 50,000 lines a second to a log that a whole station
// follows, and reports how old the newest shown line is: the time from writing
// a line until a snapshot that counts it can be read.
func BenchmarkFollow(b *testing.B) {
	const rate, step = 50_000, 10 * time.Millisecond
	p := place{b.TempDir()}
	if err := os.WriteFile(p.log(), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	o := p.options()
	o.Config.Auto.Level = "observe"
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for s.Status().Inputs[0].State != "following" {
		time.Sleep(time.Millisecond)
	}
	f, err := os.OpenFile(p.log(), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		b.Fatal(err)
	}

	var written []time.Time // when each piece was written
	var ages []time.Duration
	var lines bytes.Buffer
	shown := uint64(0)
	const piece = rate * int(step) / int(time.Second)
	seconds := max(2, b.N)
	b.ResetTimer()
	begin := time.Now()
	for i := range seconds * int(time.Second/step) {
		lines.Reset()
		at := time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700")
		for j := range piece {
			n := i*piece + j
			fmt.Fprintf(&lines, "192.0.%d.%d - - [%s] \"GET /news/%d HTTP/1.1\" 200 5120 \"https://play.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
				n/250%250, n%250, at, n%900)
		}
		if _, err := f.Write(lines.Bytes()); err != nil {
			b.Fatal(err)
		}
		written = append(written, time.Now())
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * step)))
		if n := s.Snapshot().Total.Requests; n != shown {
			shown = n
		}
		if next := int(shown) / piece; next < len(written) {
			ages = append(ages, time.Since(written[next])) // of the oldest line not shown yet
		} else {
			ages = append(ages, 0)
		}
	}
	elapsed := time.Since(begin)
	b.StopTimer()
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	slices.Sort(ages)
	b.ReportMetric(float64(len(written)*piece)/elapsed.Seconds(), "lines/s")
	b.ReportMetric(float64(ages[len(ages)/2].Milliseconds()), "ms-age-p50")
	b.ReportMetric(float64(ages[len(ages)*99/100].Milliseconds()), "ms-age-p99")
}

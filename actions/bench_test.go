//go:build unix

package actions_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/ledger"
	"levee/detect"
)

// BenchmarkDecisions commits single decisions from 64 callers at once: their
// intents are fsynced in groups.
func BenchmarkDecisions(b *testing.B) {
	bench := newBench(b, func(o *actions.Options) { o.Budget = actions.Budget{BlocksPerMinute: 1 << 30, ActiveBlocks: 1 << 30} })
	defer bench.stop()
	next := make(chan int)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for n := range next {
				// What one person hits within a minute adds up to a typed confirmation.
				who := actions.Actor{Name: fmt.Sprint("ana ", n), Role: actions.Operator, Via: "cli"}
				p, err := bench.d.Plan(context.Background(), actions.Request{Verb: actions.Block, Actor: who, Reason: "bench",
					Targets: []actions.Target{{Prefix: addr(n % (1 << 24))}}, Seen: []detect.Suspect{{}}})
				if err == nil {
					_, err = bench.d.Commit(context.Background(), p.Token, who, actions.Answer{})
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for n := range b.N {
		next <- n
	}
	close(next)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// fill writes n active blocks with receipts into a ledger at path, and lets w
// hold them.
func fill(t testing.TB, path string, n int, w *wall) {
	t.Helper()
	l, err := ledger.Open(context.Background(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for at := 0; at < n; at += 10000 {
		var opened, applied []actions.Entry
		for i := at; i < min(n, at+10000); i++ {
			d := actions.Decision{ID: fmt.Sprintf("d-%012d", i), Request: fmt.Sprintf("r-%d", at), Verb: actions.Block,
				Target: actions.Target{Prefix: addr(i)}, State: actions.Intent, Actor: actions.Auto, Reason: "distributed_flood on shop",
				Attack: detect.DistributedFlood, Incident: "shop-1", Score: 90, Created: now, Changed: now, TTL: time.Hour, Expires: now.Add(time.Hour),
				Evidence: []string{"matches the signature of shop-1: POST /login without a referer", fmt.Sprintf("%d requests/s, its peers make 4/s at most", i%300)}}
			opened = append(opened, actions.Entry{Kind: actions.Opened, At: now, Actor: d.Actor, Decision: d})
			d.State = actions.Applied
			d.Receipts = []actions.Receipt{{Decision: d.ID, Enforcer: "wall", OK: true, At: now}}
			applied = append(applied, actions.Entry{Kind: actions.Changed, At: now, Actor: d.Actor, Decision: d})
			w.held[d.Target.Key()] = d
		}
		for _, es := range [][]actions.Entry{opened, applied} {
			if err := l.Record(context.Background(), es); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkStartWith100000 opens a ledger with 100,000 blocks in force and
// reconciles it with an enforcer that holds all of them but a hundred.
func BenchmarkStartWith100000(b *testing.B) {
	const n = 100_000
	for range b.N {
		b.StopTimer()
		w := newWall("wall")
		path := filepath.Join(b.TempDir(), "ledger.db")
		fill(b, path, n, w)
		for i := range 100 {
			delete(w.held, addr(i).String())
		}
		before, spent := heap(), processor(b)
		b.StartTimer()
		l, err := ledger.Open(context.Background(), path, nil)
		if err != nil {
			b.Fatal(err)
		}
		d, err := actions.NewDispatcher(context.Background(), actions.Options{Ledger: l, Enforcers: []actions.Enforcer{w}})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = d.Run(ctx)
		}()
		for w.count() < n {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		b.ReportMetric((processor(b) - spent).Seconds(), "cpu-s")
		b.ReportMetric((heap()-before)/(1<<20), "MiB")
		start := time.Now()
		const finds = 10000
		for i := range finds {
			if _, ok := d.Board().Find(addr(i)); !ok {
				b.Fatal("a block is not found")
			}
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/finds, "ns/find")
		stop()
		<-done
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// processor is the processor time this process took so far: on a machine that
// others use, it says more than the clock on the wall.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

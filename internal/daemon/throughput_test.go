package daemon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A backlog is what a daemon finds that was away, or slower than its attack.
const (
	backlogRate    = 100_000 // lines that one second of it holds
	backlogSeconds = 150
	backlogs       = 7 // of each kind
)

// drained is what one backlog took.
type drained struct {
	rate    float64 // lines/s
	daemon  float64 // processor time of the daemon, share of one core
	clients float64 // and of the engineers' terminals, in this process
	others  float64 // and of everything else on the machine
	perLine float64 // processor time of the daemon, ns
	gcs     float64 // collections/s
	garbage float64 // MB/s
}

// BenchmarkDetectorBesideEngineers measures what fifty consoles leave of the
// detector's throughput. The daemon works off one backlog of an attack after the
// other as fast as it can, in turn alone and with fifty people looking on, so
// that what else the machine does falls on both; each backlog is compared with
// the mean of the two beside it. Median and range of the losses are reported.
//
// The terminals run on the same machine, which those of engineers do not: their
// processor time is reported too, and is part of the loss. So is that of whatever
// else runs: where it is not near nothing, believe the processor time of a line and
// not the lines.
//
// It writes 2 GB at a time: TMPDIR=/dev/shm keeps the disk out of it.
func BenchmarkDetectorBesideEngineers(b *testing.B) {
	for range b.N {
		e := startEngineers(b)
		log := &backlog{e: e, second: lines50(backlogRate, 0.75, backlogStamp), next: time.Now().Add(-2 * time.Hour).Truncate(time.Second)}
		log.next = e.visitors(log.next) // without them the attack were what is usual
		log.work()                      // the incident opens, the heap grows to its size
		log.work()
		e.attacked()
		var alone, beside []drained
		for range backlogs {
			alone = append(alone, log.work())
			for range engineersHere {
				e.join()
			}
			beside = append(beside, log.work())
			e.leave()
		}
		alone = append(alone, log.work())
		var loss, cost []float64
		for i, x := range beside {
			before, after := alone[i], alone[i+1]
			loss = append(loss, 100*(1-2*x.rate/(before.rate+after.rate)))
			cost = append(cost, 100*(2*x.perLine/(before.perLine+after.perLine)-1))
			b.Logf("alone %v\nbeside %v: %.1f %% fewer lines/s", before, x, loss[i])
		}
		slices.Sort(loss)
		slices.Sort(cost)
		b.ReportMetric(middle(alone, func(d drained) float64 { return d.rate }), "lines/s-alone")
		b.ReportMetric(middle(beside, func(d drained) float64 { return d.rate }), "lines/s-beside")
		b.ReportMetric(loss[len(loss)/2], "%fewer-lines/s-p50")
		b.ReportMetric(loss[0], "%fewer-min")
		b.ReportMetric(loss[len(loss)-1], "%fewer-max")
		b.ReportMetric(cost[len(cost)/2], "%more-cpu/line-p50")
		b.ReportMetric(100*middle(alone, func(d drained) float64 { return d.daemon }), "%core-alone")
		b.ReportMetric(100*middle(beside, func(d drained) float64 { return d.daemon }), "%core-beside")
		b.ReportMetric(100*middle(beside, func(d drained) float64 { return d.clients }), "%core-terminals")
		b.ReportMetric(100*middle(append(alone, beside...), func(d drained) float64 { return d.others }), "%core-others")
		b.ReportMetric(0, "ns/op")
	}
}

func (d drained) String() string {
	return fmt.Sprintf("%.0f lines/s, daemon %.2f cores, terminals %.3f, others %.2f, %.0f ns a line, %.1f collections/s, %.1f MB/s", d.rate, d.daemon, d.clients, d.others, d.perLine, d.gcs, d.garbage)
}

// middle is the median of a figure.
func middle(list []drained, of func(drained) float64) float64 {
	var all []float64
	for _, d := range list {
		all = append(all, of(d))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// backlogStamp is the time in the lines that every second of a backlog is made of.
var backlogStamp = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// backlog gives a daemon much to read at once.
type backlog struct {
	e      *engineers
	second []byte    // the lines of one second
	next   time.Time // event time goes on from here
}

// work gives the daemon a backlog and measures while it reads the middle of it.
func (l *backlog) work() drained {
	b := l.e.b
	b.Helper()
	path := l.e.log.Name()
	f, err := os.Create(filepath.Join(filepath.Dir(path), "next"))
	check(b, err)
	const stamp = "02/Jan/2006:15:04:05"
	for range backlogSeconds {
		_, err := f.Write(bytes.ReplaceAll(l.second, []byte(backlogStamp.Format(stamp)), []byte(l.next.UTC().Format(stamp))))
		check(b, err)
		l.next = l.next.Add(time.Second)
	}
	check(b, f.Close())
	time.Sleep(2 * time.Second) // consoles are drawn, the file before is worked off
	const all = backlogRate * backlogSeconds
	start := l.e.progress()
	check(b, os.Rename(f.Name(), path)) // a log that was rotated: what comes is new from its start
	var first, last progress
	for began := time.Now(); ; {
		time.Sleep(250 * time.Millisecond)
		p := l.e.progress()
		if p.lines-start.lines >= all {
			break
		}
		if time.Since(began) > 3*time.Minute {
			b.Fatal("the backlog was never worked off")
		}
		if p.lines-start.lines < all/10 {
			continue
		}
		if first.at.IsZero() {
			first = p
		}
		last = p
	}
	took, n := last.at.Sub(first.at).Seconds(), last.lines-first.lines
	if n < all/2 {
		b.Fatalf("only %.0f lines lie between two looks: the backlog is too small for this machine", n)
	}
	cpu := last.cpu - first.cpu
	return drained{rate: n / took, daemon: cpu / took, clients: (last.mine - first.mine) / took,
		others: (last.all - first.all - cpu - last.mine + first.mine) / took, perLine: 1e9 * cpu / n,
		gcs: (last.gcs - first.gcs) / took, garbage: (last.garbage - first.garbage) / took / 1e6}
}

// progress is how far the daemon came, and what that took.
type progress struct {
	at           time.Time
	lines        float64 // read
	cpu, mine    float64 // processor time of the daemon and of this process, s
	all          float64 // and of the whole machine
	gcs, garbage float64 // collections, and bytes that were allocated
}

func (e *engineers) progress() progress {
	e.b.Helper()
	r, err := http.Get("http://" + e.metrics + "/metrics")
	check(e.b, err)
	text, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	check(e.b, err)
	figure := func(name string) float64 {
		_, rest, _ := strings.Cut(string(text), "\n"+name)
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
		check(e.b, err)
		return n
	}
	var mine syscall.Rusage
	check(e.b, syscall.Getrusage(syscall.RUSAGE_SELF, &mine))
	return progress{at: time.Now(), lines: figure("levee_input_lines_total"), cpu: e.cpu(), mine: time.Duration(mine.Utime.Nano() + mine.Stime.Nano()).Seconds(), all: e.busy(),
		gcs: figure("go_gc_duration_seconds_count"), garbage: figure("go_memstats_alloc_bytes_total")}
}

// busy is the processor time that the whole machine has taken, in seconds.
func (e *engineers) busy() (s float64) {
	text, err := os.ReadFile("/proc/stat")
	check(e.b, err)
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.ParseFloat(f, 64)
		check(e.b, err)
		if i != 3 && i != 4 {
			s += n / 100
		}
	}
	return s
}

// leave closes all consoles.
func (e *engineers) leave() {
	for _, c := range e.clients {
		_ = c.Close() // it may be gone already
	}
	e.clients, e.keys = nil, nil
}

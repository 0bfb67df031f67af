package daemon

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// soakFor names how long the soak lasts in simulated time; LEVEE_SOAK=24h is
// what a release wants, and takes minutes.
const soakFor = "LEVEE_SOAK"

// mark is what a daemon holds at a moment.
type mark struct {
	heap              uint64 // bytes in use after a collection
	goroutines, files int
	kept              int // files in the state directory
}

func (m mark) String() string {
	return fmt.Sprintf("%.1f MiB, %d goroutines, %d descriptors, %d files", float64(m.heap)/(1<<20), m.goroutines, m.files, m.kept)
}

// TestSoak has hours of attacks and calm pass in minutes: the log tells the
// time and the daemon believes it. Every simulated quarter of an hour the log
// is rotated, somebody opens the console and leaves, a verb runs, and blocks
// begin and end. Memory, goroutines and files must not grow.
func TestSoak(t *testing.T) {
	length := time.Hour
	if v := os.Getenv(soakFor); v != "" {
		var err error
		length, err = time.ParseDuration(v)
		check(t, err)
	}
	clock := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	var now atomic.Int64
	now.Store(clock.UnixNano())
	l := start(t, func(o *Options) {
		o.Station.Config.Auto.Level = "block"
		o.Station.Config.Auto.TTL = 5 * time.Minute
		o.Station.Config.Detect.MaxMemory = 16 << 20
		o.Station.Config.Metrics.Listen = "127.0.0.1:0"
		o.Station.Now = func() time.Time { return time.Unix(0, now.Load()).UTC() }
	})
	s := &soak{t: t, l: l, clock: clock, now: &now, path: filepath.Join(l.dir, "access.log"), random: rand.New(rand.NewPCG(1, 2))}
	eventually(t, "the log is followed", func() bool { return l.daemon().Status().Inputs[0].State == "following" })
	var marks []mark
	const quarter = 15 * time.Minute
	for n := range int(length / quarter) {
		for minute := range 15 {
			s.minute(minute >= 4 && minute < 7, n)
		}
		s.people()
		check(t, os.Rename(s.path, fmt.Sprintf("%s.%d", s.path, n%3))) // as logrotate does, which keeps three
		check(t, os.WriteFile(s.path, nil, 0o600))
		eventually(t, "what came and went is gone", func() bool {
			m := s.mark()
			marks = append(marks[:n:n], m)
			return n < 2 || m.goroutines <= marks[1].goroutines
		})
		t.Logf("%s: %d lines, %s", s.clock.Format("15:04"), s.lines, marks[n])
	}
	run(t, l.as("bo", l.bo), "", "audit verify").want(t, 0, "ok: ")
	r := run(t, l.as("bo", l.bo), "", "decisions --limit 5 -o jsonl")
	if !strings.Contains(r.out, `"user.name":"auto"`) {
		t.Errorf("auto mode did nothing in all that time:\n%s%s", r.out, r.err)
	}
	half := len(marks) / 2
	settled, late := marks[half-1], marks[len(marks)-1]
	slack := uint64(8 << 20)
	if late.heap > settled.heap+settled.heap/5+slack {
		t.Errorf("memory grew from %s to %s", settled, late)
	}
	if late.goroutines > settled.goroutines+2 || late.files > settled.files+2 || late.kept > settled.kept+1 {
		t.Errorf("it went from %s to %s", settled, late)
	}
}

// soak writes the log of a simulated day.
type soak struct {
	t      *testing.T
	l      *levee
	clock  time.Time
	now    *atomic.Int64
	path   string
	random *rand.Rand
	lines  uint64
}

// minute writes a minute of visitors, some of whom never came before, and of
// 60 attackers if there is an attack, and waits until it is judged.
func (s *soak) minute(attack bool, quarter int) {
	var b bytes.Buffer
	for second := range 60 {
		at := s.clock.Add(time.Duration(second) * time.Second).Format("02/Jan/2006:15:04:05 -0700")
		for range 6 {
			fmt.Fprintf(&b, "%d.%d.%d.%d - - [%s] \"GET /news/%d HTTP/1.1\" 200 5120 \"https://shop.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\"\n",
				31+s.random.IntN(60), s.random.IntN(256), s.random.IntN(256), 1+s.random.IntN(250), at, s.random.IntN(90))
			s.lines++
		}
		for i := range 60 {
			if attack {
				fmt.Fprintf(&b, "198.18.%d.%d - - [%s] \"GET /search?q=%d HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", quarter%250, 1+i, at, s.random.IntN(1e9))
				s.lines++
			}
		}
	}
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_WRONLY, 0o600)
	check(s.t, err)
	_, err = f.Write(b.Bytes())
	check(s.t, err)
	check(s.t, f.Close())
	s.clock = s.clock.Add(time.Minute)
	s.now.Store(s.clock.UnixNano())
	eventually(s.t, "a minute was judged", func() bool {
		return s.l.daemon().Snapshot().Total.Requests >= s.lines
	})
}

// people come, look, act and go.
func (s *soak) people() {
	c, err := s.l.dial("ana", s.l.ana.Signer)
	check(s.t, err)
	session, _, keys := console(s.t, c)
	_, err = keys.Write([]byte{'j', 3}) // ctrl-c leaves
	check(s.t, err)
	_ = session.Wait() // how it ended is another test's
	run(s.t, c, "", fmt.Sprintf("block 203.0.113.%d --for 10m", 1+s.random.IntN(250)))
	check(s.t, c.Close())
}

func (s *soak) mark() mark {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fds, err := os.ReadDir("/proc/self/fd")
	check(s.t, err)
	kept, err := filepath.Glob(filepath.Join(s.l.dir, "s", "*"))
	check(s.t, err)
	kept = slices.DeleteFunc(kept, func(p string) bool { return strings.HasPrefix(filepath.Base(p), "ledger.db") }) // SQLite's own come and go
	return mark{m.HeapAlloc, runtime.NumGoroutine(), len(fds), len(kept)}
}

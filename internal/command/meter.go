package command

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// meter counts what a run over files reads, shows it on a terminal and ends
// with the figures scripts may ask for.
type meter struct {
	s                Streams
	stats            bool
	start            time.Time
	shown            time.Time
	lines, malformed int64
	done, total      atomic.Int64
}

func newMeter(s Streams, stats bool) *meter {
	return &meter{s: s, stats: stats, start: time.Now()}
}

// read notes how much was read. It may be called from another goroutine than
// the rest.
func (m *meter) read(done, total int64) {
	m.done.Store(done)
	m.total.Store(total)
}

// count adds lines and shows how far the run is, at most five times a second
// and only on a terminal.
func (m *meter) count(lines, malformed int) {
	m.lines += int64(lines)
	m.malformed += int64(malformed)
	if !m.s.Progress || time.Since(m.shown) < 200*time.Millisecond {
		return
	}
	m.shown = time.Now()
	share := ""
	if total := m.total.Load(); total > 0 {
		share = fmt.Sprintf("%3.0f%%  ", 100*float64(m.done.Load())/float64(total))
	}
	fmt.Fprintf(m.s.Err, "\r\x1b[K%s%d lines, %.0f/s, %d malformed", share, m.lines,
		float64(m.lines)/max(time.Since(m.start).Seconds(), 0.001), m.malformed)
}

// finish clears the progress line and prints the figures if asked.
func (m *meter) finish() {
	if m.s.Progress && !m.shown.IsZero() {
		fmt.Fprint(m.s.Err, "\r\x1b[K")
	}
	if !m.stats {
		return
	}
	secs := time.Since(m.start).Seconds()
	b, err := json.Marshal(struct {
		Lines     int64   `json:"lines"`
		Malformed int64   `json:"malformed"`
		Seconds   float64 `json:"seconds"`
		Rate      float64 `json:"lines_per_second"`
		RSS       int64   `json:"max_rss_bytes"`
	}{m.lines, m.malformed, secs, float64(m.lines) / max(secs, 1e-9), maxRSS()})
	if err == nil {
		fmt.Fprintf(m.s.Err, "%s\n", b)
	}
}

// maxRSS is the most memory this process had resident, in bytes; 0 where the
// system does not say. It is this program's own mark (VmHWM), not the one
// getrusage inherits from the process that started it.
func maxRSS() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

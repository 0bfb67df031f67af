package command

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"levee/internal/config"
)

// benchLog writes a combined log of ordinary traffic: lines requests by 20,000
// clients at 1,600 requests a second, pages and assets, and returns its path.
// LEVEE_BENCH_LOG names a log to use instead.
func benchLog(b *testing.B, lines int) (path string, size int64, n int) {
	b.Helper()
	if path = os.Getenv("LEVEE_BENCH_LOG"); path != "" {
		return path, fileSize(b, path), countLines(b, path)
	}
	path = filepath.Join(b.TempDir(), "access.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	rng := rand.New(rand.NewPCG(7, 11))
	start := time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)
	agents := make([]string, 60)
	for i := range agents {
		agents[i] = fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 90+i)
	}
	for i := range lines {
		client := rng.IntN(20_000)
		at := start.Add(time.Duration(i) * time.Second / 1600).Format("02/Jan/2006:15:04:05 -0700")
		target := fmt.Sprintf("/products/item-%d", rng.IntN(4000))
		if rng.IntN(3) > 0 {
			target = fmt.Sprintf("/assets/img/%d.webp", rng.IntN(4000))
		}
		fmt.Fprintf(w, "%d.%d.%d.%d - - [%s] \"GET %s HTTP/2.0\" 200 %d \"https://shop.example.com/category/%d\" %q\n",
			20+client%150, client/150%250, client*7%250, 1+client%200, at, target, 500+rng.IntN(50_000), rng.IntN(60), agents[client%60])
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, fileSize(b, path), lines
}

func fileSize(b *testing.B, path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return st.Size()
}

func countLines(b *testing.B, path string) int {
	n := 0
	fieldScan(b, path, func([]byte) { n++ })
	return n
}

// perLine starts the clocks and returns what reports, beside lines/s by the clock
// on the wall, the processor time a line took: that says something on a machine
// that others use, too.
func perLine(b *testing.B, lines int) func() {
	b.ResetTimer()
	before := processorTime(b)
	return func() {
		n := float64(lines) * float64(b.N)
		b.ReportMetric(float64(processorTime(b)-before)/n, "cpu-ns/line")
		b.ReportMetric(n/b.Elapsed().Seconds(), "lines/s")
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkScan is `levee scan` end to end: read, parse, judge, auto mode, rows.
func BenchmarkScan(b *testing.B) {
	path, size, lines := benchLog(b, 600_000)
	b.SetBytes(size)
	b.ReportAllocs()
	defer perLine(b, lines)()
	for range b.N {
		if err := Scan(context.Background(), Streams{Out: io.Discard, Err: io.Discard}, []string{path},
			ScanOptions{Output: JSONL, Config: config.Default()}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareFieldScanner is the yardstick: it only cuts lines into the
// fields of the combined format and counts addresses.
func BenchmarkBareFieldScanner(b *testing.B) {
	path, size, lines := benchLog(b, 600_000)
	b.SetBytes(size)
	b.ReportAllocs()
	defer perLine(b, lines)()
	for range b.N {
		counts := map[string]*uint32{}
		fieldScan(b, path, func(addr []byte) {
			if n := counts[string(addr)]; n != nil {
				*n++
				return
			}
			one := uint32(1)
			counts[string(addr)] = &one
		})
	}
}

// fieldScan reads the file in large pieces and calls each with the address of
// every line that has all fields of the combined format.
func fieldScan(b *testing.B, path string, each func(addr []byte)) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	buf := make([]byte, 1<<20)
	var fields [9][]byte
	rest := 0
	for {
		n, err := f.Read(buf[rest:])
		data := buf[:rest+n]
		for {
			i := bytes.IndexByte(data, '\n')
			if i < 0 {
				break
			}
			if cutFields(data[:i], &fields) {
				each(fields[0])
			}
			data = data[i+1:]
		}
		rest = copy(buf, data)
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// cutFields cuts a line into the nine fields of the combined format: client,
// ident, user, time, request, status, size, referer, agent.
func cutFields(line []byte, fields *[9][]byte) bool {
	for i := range fields {
		f := &combinedFields[i]
		if len(line) < f.skip {
			return false
		}
		line = line[f.skip:]
		n := bytes.IndexByte(line, f.end)
		if n < 0 {
			return false
		}
		fields[i], line = line[:n], line[n+1:]
	}
	return true
}

// combinedFields says what ends each field, and how many bytes after the end of
// the one before it begins.
var combinedFields = [9]struct {
	skip int
	end  byte
}{{0, ' '}, {0, ' '}, {0, ' '}, {1, ']'}, {2, '"'}, {1, ' '}, {0, ' '}, {1, '"'}, {2, '"'}}

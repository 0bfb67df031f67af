package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"levee/detect"
	"levee/detect/logline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logLine is the n-th line of a made-up log: its number is in the path.
func logLine(n int) string {
	return fmt.Sprintf("192.0.2.%d - - [12/Mar/2026:09:%02d:%02d +0000] \"GET /n/%d HTTP/1.1\" 200 %d \"-\" \"test/1\"\n", n%250, n/60%60, n%60, n, n)
}

func logLines(from, to int) []byte {
	var b bytes.Buffer
	for n := from; n < to; n++ {
		b.WriteString(logLine(n))
	}
	return b.Bytes()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// targets runs a Scan and returns the paths asked for, in order.
func targets(t *testing.T, o ScanOptions, paths ...string) ([]string, Stats) {
	t.Helper()
	var got []string
	s, err := Scan(context.Background(), paths, o, func(b *Batch) error {
		for i := range b.Requests {
			got = append(got, string(b.Requests[i].Target))
		}
		b.Release()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, s
}

func wantNumbers(t *testing.T, got []string, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d requests, want %d", len(got), n)
	}
	for i, g := range got {
		if g != fmt.Sprintf("/n/%d", i) {
			t.Fatalf("request %d is %s", i, g)
		}
	}
}

func TestScanReadsPlainAndPackedInOrder(t *testing.T) {
	dir := t.TempDir()
	a, b, c := filepath.Join(dir, "a.log"), filepath.Join(dir, "b"), filepath.Join(dir, "c.zst")
	write(t, a, logLines(0, 9000)) // more than two chunks
	write(t, b, gzipped(t, logLines(9000, 15000)))
	write(t, c, zstandard(t, logLines(15000, 20000)))
	o := ScanOptions{Stdin: bytes.NewReader(bytes.TrimSuffix(logLines(20000, 20100), []byte("\n")))}
	var read, total int64
	o.Progress = func(r, t int64) { read, total = r, t }
	got, s := targets(t, o, a, b, c, "-")
	wantNumbers(t, got, 20100)
	if s.Files != 4 || s.Lines != 20100 || s.Requests != 20100 || s.Malformed != 0 || len(s.Failed) != 0 {
		t.Errorf("%+v", s)
	}
	if read != s.Bytes || total != 0 {
		t.Errorf("progress %d of %d, read %d", read, total, s.Bytes)
	}
	if _, s = targets(t, ScanOptions{Progress: o.Progress}, a); read != s.Bytes || total != s.Bytes {
		t.Errorf("progress %d of %d, read %d", read, total, s.Bytes)
	}
}

func TestScanGoesOnPastWhatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		write(t, p, data)
		return p
	}
	packed := gzipped(t, logLines(10, 5000))
	bad := []struct{ path, want string }{
		{filepath.Join(dir, "missing.log"), "does not exist"},
		{dir, "is a directory"},
		{file("core", []byte("\x7fELF\x02\x01\x01\x00\x00")), "binary file"},
		{file("old.bz2", []byte("BZh91AY&SY")), "bzip2 -dc"},
		{file("iis.log", []byte("\xff\xfe#\x00")), "iconv"},
		{file("cut.gz", packed[:len(packed)/2]), "damaged"},
		{file("error.log", []byte("2026/03/12 09:15:02 [error] 4#4: *4 no, client: 192.0.2.7\n")), "access log"},
		{file("evil\x1b]0;x\a\u202e", []byte("BZh91AY&SY")), `evil\x1b]0;x\x07\u202e is bzip2`},
		{file("novel.txt", []byte("It was a dark night.\nThe rain fell.\n")), "--format"},
	}
	for _, b := range bad {
		var failed []string
		got, s := targets(t, ScanOptions{Failed: func(p string, err error) { failed = append(failed, p) }}, b.path, file("good.log", logLines(0, 3)))
		if n := len(got); n < 3 || got[n-1] != "/n/2" {
			t.Errorf("%s: the file after it was not read: %v", b.path, got)
		}
		if len(s.Failed) != 1 || !strings.Contains(s.Failed[0].Error(), b.want) || !strings.Contains(s.Failed[0].Error(), logline.Clean(filepath.Base(b.path))) {
			t.Errorf("%s: %v, want %q", b.path, s.Failed, b.want)
		}
		for _, f := range s.Failed {
			if strings.Contains(f.Error(), "\n") {
				t.Errorf("more than one line: %q", f)
			}
		}
		if len(failed) != 1 || failed[0] != b.path {
			t.Errorf("reported: %v", failed)
		}
	}
}

func TestEndlessLineIsCountedOnce(t *testing.T) {
	var log bytes.Buffer
	log.Write(logLines(0, 1))
	log.Write(bytes.Repeat([]byte("x"), 3*chunkSize))
	log.WriteByte('\n')
	log.Write(logLines(1, 2))
	log.Write(bytes.Repeat([]byte("y"), logline.MaxLine+1))
	log.WriteByte('\n')
	log.Write(logLines(2, 3))
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, log.Bytes())
	got, s := targets(t, ScanOptions{}, path)
	wantNumbers(t, got, 3)
	if s.Lines != 5 || s.Malformed != 2 {
		t.Errorf("%+v", s)
	}
	var kinds []string
	err := ParseFile(context.Background(), path, ScanOptions{}, func(n int, _ *detect.Request, k detect.Kind, _ string, err error) error {
		kinds = append(kinds, fmt.Sprint(n, k, err))
		return nil
	})
	want := "1access<nil> 2malformedlonger than 64 KiB 3access<nil> 4malformedlonger than 64 KiB 5access<nil>"
	if got := strings.Join(kinds, " "); err != nil || strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%v, %s", err, got)
	}
}

func TestLogsWithoutRequestsAreNoError(t *testing.T) {
	dir := t.TempDir()
	empty, header := filepath.Join(dir, "empty.log"), filepath.Join(dir, "u_ex.log")
	write(t, empty, nil)
	write(t, header, []byte("#Software: x\n#Fields: date time c-ip\n\n"))
	if _, s := targets(t, ScanOptions{}, empty, header); len(s.Failed) > 0 || s.Files != 2 || s.Lines != 3 {
		t.Errorf("%+v", s)
	}
}

func TestScanStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, logLines(0, 30000))
	stop := errors.New("stop")
	n := 0
	_, err := Scan(context.Background(), []string{path, path}, ScanOptions{}, func(b *Batch) error {
		b.Release()
		n++
		return stop
	})
	if err != stop || n != 1 {
		t.Errorf("%v after %d batches", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err = Scan(ctx, []string{path, path}, ScanOptions{}, func(b *Batch) error {
		b.Release()
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err = Scan(context.Background(), []string{path}, ScanOptions{Parse: logline.Options{Format: "nonsense"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
}

func TestParseFileNumbersLines(t *testing.T) {
	in := "\xef\xbb\xbf" + logLine(0) + "noise\n\n" + strings.TrimSuffix(logLine(1), "\n")
	var got []string
	err := ParseFile(context.Background(), "-", ScanOptions{Stdin: strings.NewReader(in)}, func(n int, r *detect.Request, k detect.Kind, format string, err error) error {
		got = append(got, fmt.Sprint(n, " ", k, " ", string(r.Target), " ", format))
		return nil
	})
	want := []string{"1 access /n/0 combined", "2 malformed  combined", "3 other  combined", "4 access /n/1 combined"}
	if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%v\n got %q\nwant %q", err, got, want)
	}
}

// slowReader gives one byte at a time.
type slowReader struct{ io.Reader }

func (s slowReader) Read(b []byte) (int, error) { return s.Reader.Read(b[:min(1, len(b))]) }

func TestChunksHoldWholeLines(t *testing.T) {
	text := "one\ntwo\n\nthree\nlonger than the buffer\nfour\nfive"
	for _, in := range []io.Reader{strings.NewReader(text), slowReader{strings.NewReader(text)}} {
		c := &chunker{in: in}
		buf := make([]byte, 10)
		var got []string
		for {
			n, err := c.next(buf)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(buf[:n]))
		}
		for _, g := range got[:len(got)-1] {
			if !strings.HasSuffix(g, "\n") {
				t.Errorf("%q is cut", g)
			}
		}
		if strings.Join(got, "") != "one\ntwo\n\nthree\nfour\nfive" || c.takeDropped() != 1 {
			t.Errorf("got %q", got)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.log")
	if err := os.WriteFile(path, logLines(0, 300000), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	lines := int64(0)
	for b.Loop() {
		s, err := Scan(context.Background(), []string{path}, ScanOptions{}, func(b *Batch) error {
			b.Release()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		lines += s.Lines
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
}

package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/detect/logline"
)

func tailOf(t *testing.T, o TailOptions) Input {
	t.Helper()
	o.Poll, o.Linger = 2*time.Millisecond, 100*time.Millisecond
	in, err := Tail(o)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func appendTo(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestTailStartsAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, append(logLines(500, 510), "192.0.2.1 - - [12/Mar"...))
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}}), false)
	f.ready(Following)
	// The line that was being written counts as new.
	appendTo(t, path, []byte(`/2026:09:15:02 +0000] "GET /n/0 HTTP/1.1" 200 9`+"\n"))
	f.wants(1)
	line := logLine(1)
	appendTo(t, path, []byte(line[:30]))
	appendTo(t, path, []byte(line[30:]))
	f.wants(2)
}

func TestTailKnowsTheHeaderItDidNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "u_ex.log")
	write(t, path, []byte("#Fields: date time c-ip cs-method cs-uri sc-status\n2026-03-12 09:15:02 192.0.2.7 GET /old 200\n"))
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}}), false)
	f.ready(Following)
	appendTo(t, path, []byte("2026-03-12 09:15:02 192.0.2.7 GET /n/0 200\n"))
	f.wants(1)
}

func TestTailFromStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, logLines(0, 9000))
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}, FromStart: true}), false)
	f.wants(9000)
	until(t, "nothing behind", func() bool { return f.in.Status().Behind == 0 })
	if st := f.in.Status(); st.Lines != 9000 || st.Format != "combined" || st.State != Following || st.Problem != "" {
		t.Errorf("%+v", st)
	}
}

func TestTailSaysHowFarItIsBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	text := logLines(0, 9000)
	write(t, path, text)
	in := tailOf(t, TailOptions{Paths: []string{path}, FromStart: true})
	stop := errors.New("stop")
	err := in.Run(context.Background(), func(b *Batch) error {
		defer b.Release()
		if behind := in.Status().Behind; behind <= 0 || behind >= int64(len(text)) {
			t.Errorf("%d bytes behind in the middle of %d", behind, len(text))
		}
		return stop
	})
	if err != stop {
		t.Error(err)
	}
}

func TestTailFollowsRotation(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	write(t, path, logLines(0, 5))
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}, FromStart: true}), false)
	f.wants(5)
	// The server writes on into the renamed file until it is told to reopen.
	rename(t, path, path+".1")
	appendTo(t, path+".1", logLines(5, 8))
	f.wants(8)
	write(t, path, logLines(8, 10))
	f.wants(10)
	rename(t, path+".1", path+".2")
	rename(t, path, path+".1")
	write(t, path, logLines(10, 12))
	f.wants(12)
}

func TestTailFollowsTruncation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, logLines(0, 50))
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}, FromStart: true}), false)
	f.wants(50)
	write(t, path, logLines(50, 52)) // truncates in place: shorter
	f.wants(52)
	write(t, path, logLines(52, 200)) // truncated and already longer than before
	f.wants(200)
}

func TestTailSurvivesVanishing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}}), false)
	f.ready(Waiting)
	until(t, "a word about it", func() bool { return strings.Contains(f.in.Status().Problem, "does not exist") })
	write(t, path, logLines(0, 3))
	f.wants(3)
	f.ready(Following)
	if p := f.in.Status().Problem; p != "" {
		t.Errorf("still a problem: %s", p)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.ready(Waiting)
	write(t, path, logLines(3, 4))
	f.wants(4)
	// Moved away and back: nothing twice.
	rename(t, path, path+".away")
	f.ready(Waiting)
	rename(t, path+".away", path)
	f.ready(Following)
	appendTo(t, path, logLines(4, 5))
	f.wants(5)
}

func TestTailGlob(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, logLines(0, 2))
	f := run(t, tailOf(t, TailOptions{Paths: []string{filepath.Join(dir, "*.log*"), path}, FromStart: true}), false)
	f.wants(2)
	write(t, filepath.Join(dir, "b.log"), logLines(2, 4))
	f.wants(4)
	write(t, filepath.Join(dir, "c.txt"), logLines(90, 99))
	write(t, filepath.Join(dir, "old.log.gz"), gzipped(t, logLines(90, 99)))
	// The new name of a rotated file matches too: it is still the same file.
	rename(t, path, path+".1")
	write(t, path, logLines(4, 6))
	f.wants(6)
	appendTo(t, path+".1", logLines(6, 7))
	f.wants(7)
	if st := f.in.Status(); st.Files != 3 || st.Problem != "" {
		t.Errorf("%+v", st)
	}
}

func TestTailGoesOnAfterRestart(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "access.log")
	write(t, path, logLines(90, 95))
	again := func(hold bool) *following {
		ps, err := OpenPositions(state)
		if err != nil {
			t.Fatal(err)
		}
		return run(t, tailOf(t, TailOptions{Paths: []string{path}, Positions: ps}), hold)
	}
	f := again(false)
	f.ready(Following)
	f.stop() // before a single line came

	appendTo(t, path, logLines(0, 10))
	f = again(false)
	f.wants(10)
	f.stop()

	// What was handed over and not judged comes again.
	appendTo(t, path, logLines(10, 15))
	f = again(true)
	until(t, "five lines", func() bool { return len(f.numbers()) == 5 })
	f.stop()
	f = again(false)
	until(t, "the five lines again", func() bool { return len(f.numbers()) == 5 })
	f.stop()

	// Rotated while nobody watched.
	appendTo(t, path, logLines(15, 18))
	rename(t, path, path+".1")
	write(t, path, logLines(18, 20))
	f = again(false)
	until(t, "the rest of the old and the new file", func() bool { return len(f.numbers()) == 5 })
	f.stop()
	if got := strings.Join(f.numbers(), " "); got != "/n/15 /n/16 /n/17 /n/18 /n/19" {
		t.Error(got)
	}

	// Truncated and written anew while nobody watched.
	write(t, path, logLines(0, 40))
	f = again(false)
	f.wants(40)
	f.stop()
}

func TestTailSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		write(t, p, data)
		return p
	}
	for _, c := range []struct{ path, want string }{
		{dir, "is a directory"},
		{file("core", []byte("\x7fELF\x02\x01\x01\x00\x00")), "binary file"},
		{file("a.gz", gzipped(t, logLines(0, 3))), "levee scan"},
		{"/dev/null", "is a pipe or a device"},
	} {
		if err := Check(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("checked %s: %v, want %q", c.path, err, c.want)
		}
		f := run(t, tailOf(t, TailOptions{Paths: []string{c.path}, FromStart: true}), false)
		f.ready(Failed)
		if p := f.in.Status().Problem; !strings.Contains(p, c.want) || !strings.Contains(p, c.path) {
			t.Errorf("%s: %q, want %q", c.path, p, c.want)
		}
		f.stop()
	}
	if err := Check(filepath.Join(dir, "missing.log")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, p := range []string{"-", filepath.Join(dir, "*.log"), file("good.log", logLines(0, 1))} {
		if err := Check(p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	novel := file("novel.txt", bytes.Repeat([]byte("It was a dark night.\n"), 2*unreadable))
	f := run(t, tailOf(t, TailOptions{Paths: []string{novel}, FromStart: true}), false)
	until(t, "a word about the format", func() bool { return strings.Contains(f.in.Status().Problem, "known format") })
	appendTo(t, novel, logLines(0, 300))
	f.wants(300)
	until(t, "the problem is over", func() bool { return f.in.Status().Problem == "" })
	for _, o := range []TailOptions{{}, {Paths: []string{"[x"}}, {Paths: []string{"x"}, Parse: logline.Options{Format: "nonsense"}}} {
		if _, err := Tail(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestTailDropsAnEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, nil)
	f := run(t, tailOf(t, TailOptions{Paths: []string{path}}), false)
	f.ready(Following)
	for range 7 {
		appendTo(t, path, bytes.Repeat([]byte("x"), 100<<10))
	}
	until(t, "it is counted", func() bool { return f.in.Status().Malformed == 1 })
	appendTo(t, path, append([]byte("yyy\n"), logLines(0, 2)...))
	f.wants(2)
	if st := f.in.Status(); st.Malformed != 1 || st.Lines != 3 {
		t.Errorf("%+v", st)
	}
}

func TestTailEndsWithItsConsumer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, logLines(0, 5))
	in := tailOf(t, TailOptions{Paths: []string{path}, FromStart: true})
	stop := errors.New("stop")
	err := in.Run(context.Background(), func(b *Batch) error { b.Release(); return stop })
	if err != stop || in.Status().State != Ended {
		t.Errorf("%v, %+v", err, in.Status())
	}
}

// BenchmarkTail reads a log from its start as a live input does.
func BenchmarkTail(b *testing.B) {
	path := filepath.Join(b.TempDir(), "access.log")
	const lines = 200000
	if err := os.WriteFile(path, logLines(0, lines), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		in, err := Tail(TailOptions{Paths: []string{path}, FromStart: true})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		ctx, cancel := context.WithCancel(context.Background())
		err = in.Run(ctx, func(x *Batch) error {
			if n += x.Lines; n == lines {
				cancel()
			}
			x.Release()
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

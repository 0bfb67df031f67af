package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunWritesLinesAsTheirMomentComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "access.log")
		s, err := New(Options{Seed: 1, Path: path, History: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		history := count(t, path)
		if history < 120*100 || history > 120*250 {
			t.Errorf("the history of two minutes has %d lines", history)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(30*time.Second + tick/2) // in the bubble's time
		synctest.Wait()
		if at, now := s.Status().Now, time.Now(); now.Sub(at) > tick {
			t.Errorf("it is %s and lines reach %s", now, at)
		}
		live := count(t, path) - history
		if live < 30*100+15*300 { // the first drill has begun
			t.Errorf("half a minute live has %d lines", live)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestRunHonoursTheDenyFileSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deny := filepath.Join(t.TempDir(), "deny.conf")
		var out bytes.Buffer
		s, err := New(Options{Seed: 1, Out: &out, History: -1, DenyFile: deny, Drills: []string{"single_source_flood"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(firstAfter + 5*time.Second)
		synctest.Wait()
		addr := flooder(t, s).Addr
		if err := os.WriteFile(deny, []byte("deny "+addr.String()+";\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * tick)
		synctest.Wait()
		before := flooder(t, s)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		after := flooder(t, s)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		asked, refused := after.Requests-before.Requests, after.Refused-before.Refused
		if asked < 1000 || refused != asked {
			t.Errorf("of %d requests after the block %d were refused", asked, refused)
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestRunSaysWhyItCannotWrite(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, "the demo has nowhere to write; give Options.Out or Options.Path"},
		{Options{Out: brokenPipe{}, History: time.Second}, "write demo history: broken pipe"},
		{Options{Path: t.TempDir()}, "is a directory"},
	} {
		s, err := New(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestTheLogIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	s := newSim(t, Options{Seed: 1, Path: path, RotateAt: 1 << 20, History: time.Minute, Drills: []string{}})
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".1"} {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 || len(text) > 1<<20 || text[len(text)-1] != '\n' {
			t.Errorf("%s has %d bytes or ends in half a line", filepath.Base(p), len(text))
		}
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Rate: -1}, "demo rate -1/s is out of range; give 1 to 5000 requests/s"},
		{Options{Rate: 1e6}, "demo rate 1e+06/s is out of range; give 1 to 5000 requests/s"},
		{Options{History: 25 * time.Hour}, "demo history 25h0m0s is too long; give at most 24h"},
		{Options{Servers: -1}, "-1 servers are out of range; give 1 to 1000"},
		{Options{PerServer: -5}, "-5 requests/s a server is negative; give a positive figure"},
	} {
		if _, err := New(tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func count(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

func BenchmarkAdvance(b *testing.B) {
	s := newSim(b, Options{Seed: 1, Drills: []string{"distributed_flood"}, History: time.Second})
	at := s.Live()
	b.ReportAllocs()
	lines := 0
	for b.Loop() {
		at = at.Add(100 * time.Millisecond)
		n, err := s.Advance(discard{}, at)
		if err != nil {
			b.Fatal(err)
		}
		lines += n
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"go.uber.org/goleak"

	"levee/actions"
	"levee/detect"
)

// tty is a terminal's output that can be read while it is written.
type tty struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tty) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

func (t *tty) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

const (
	enterAltScreen = "\x1b[?1049h"
	leaveAltScreen = "\x1b[?1049l"
)

func TestRunEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	var out tty
	f := newFake()
	drawn := make(chan struct{})
	first := sync.OnceFunc(func() { close(drawn) })
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, watched{f, first}, hands{f, ana}, Options{NoColor: true}, tea.WithInput(nil), tea.WithOutput(&out))
	}()
	<-drawn
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("the end of the context is told as an error: %v", err)
	}
	if s := out.String(); !strings.Contains(s, enterAltScreen) || !strings.Contains(s, leaveAltScreen) {
		t.Fatalf("the terminal was not given back: %q", s)
	}
}

// watched calls a function when its feed is read.
type watched struct {
	Feed
	read func()
}

func (w watched) Snapshot() *detect.Snapshot {
	s := w.Feed.Snapshot()
	w.read()
	return s
}

// A panic ends this console alone, and the terminal is given back.
func TestPanicGivesTheTerminalBack(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var out tty
	f := newFake()
	reads := 0
	bad := watched{f, func() {
		if reads++; reads == 2 { // the first read is New's, the second the first tick's
			panic("made up by a test")
		}
	}}
	err := Run(t.Context(), bad, hands{f, ana}, Options{NoColor: true}, tea.WithInput(nil), tea.WithOutput(&out))
	if !errors.Is(err, tea.ErrProgramPanic) {
		t.Fatalf("got %v, want an error that tells of the panic", err)
	}
	if !strings.Contains(out.String(), leaveAltScreen) {
		t.Fatal("the terminal was not given back")
	}
	if f.Snapshot() == nil {
		t.Fatal("the station is gone")
	}
}

// What a session writes stays small: a slow link must not fall behind.
func TestBytesToTheTerminal(t *testing.T) {
	for _, c := range []struct {
		name  string
		snap  *detect.Snapshot
		churn bool // as in an attack's first seconds: every row is another one each time
		most  int  // bytes/s
	}{{"calm", calm(), false, 2_000}, {"attack", scene(), false, 15_000}, {"first seconds", scene(), true, 15_000}} {
		f := newFake()
		f.snap = c.snap
		d := sit(t, f, 120, 36)
		const seconds = 20
		old, sent := strings.Split(d.m.View(), "\n"), 0
		for i := 0; d.time.Before(t0.Add(seconds * time.Second)); i++ {
			pace := d.m.pace()
			f.step(pace, func(s *detect.Snapshot, _ *actions.Board) {
				wobble(s, f.now, i)
				for j := range s.Suspects {
					if c.churn {
						s.Suspects[j].Score = float64(60 + (i*31+j*17)%40)
					}
				}
			})
			d.time = d.time.Add(pace)
			d.send(tickMsg{})
			now := strings.Split(d.m.View(), "\n")
			for j := range now {
				if now[j] != old[j] {
					sent += len(now[j]) + len("\x1b[36;1H\x1b[K") // Bubble Tea repaints lines that changed
				}
			}
			old = now
		}
		if got := sent / seconds; got > c.most {
			t.Errorf("%s: %d bytes/s, must stay under %d", c.name, got, c.most)
		}
	}
}

// wobble is a moment of lively traffic.
func wobble(s *detect.Snapshot, now time.Time, i int) {
	s.Now = now
	s.Total.Rate *= 1 + float64(i%7-3)/100
	for j := range s.Suspects {
		p := &s.Suspects[j]
		p.Rate *= 1 + float64((i+j)%5-2)/50
		p.Hits += 40
		p.Score = min(100, p.Score+float64((i*j)%3-1)/4)
	}
	last := s.History[len(s.History)-1]
	if now.Unix() > last.Time {
		last.Time, last.Requests = now.Unix(), uint32(s.Total.Rate)
		s.History = append(append([]detect.Point(nil), s.History[1:]...), last)
	}
}

func TestMemoryOfASession(t *testing.T) {
	f := crowded()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const sessions = 8
	before := heap()
	var keep []*Model
	for range sessions {
		m := New(f, hands{f, ana}, Options{NoColor: true})
		m.w, m.h = 120, 36
		_, _ = io.WriteString(io.Discard, m.View())
		keep = append(keep, m)
	}
	if per := (int64(heap()) - int64(before)) / sessions; per > 5<<20 {
		t.Errorf("a session holds %d KiB, must stay under 5 MiB", per>>10)
	}
	runtime.KeepAlive(keep)
}

// A frame in which nothing moved costs as much as another one, and fifty people
// look on: nothing ticks more often than there is something new to draw.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name string
		snap *detect.Snapshot
		keys string
		want time.Duration
	}{{"calm", calm(), "", time.Second}, {"attack", scene(), "", 250 * time.Millisecond}, {"a key in the calm", calm(), "?", 250 * time.Millisecond}} {
		f := newFake()
		f.snap = c.snap
		d := sit(t, f, 80, 24)
		d.time = d.time.Add(time.Minute)
		if c.keys != "" {
			d.keys(c.keys)
		}
		if got := d.m.pace(); got != c.want {
			t.Errorf("%s: a frame stands for %v, want %v", c.name, got, c.want)
		}
		before := d.m.d
		if d.send(tickMsg{}); d.m.d == before {
			t.Errorf("%s: the tick loaded nothing", c.name)
		}
	}
}

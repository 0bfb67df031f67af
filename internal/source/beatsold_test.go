package source

import (
	"bufio"
	"bytes"
	"compress/zlib"
	wire "encoding/binary"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// window1 is what Logstash's lumberjack output sends at once: the size of the
// window, and its frames compressed together.
func window1(t testing.TB, seq uint32, packed bool, lines ...string) []byte {
	t.Helper()
	var frames []byte
	text := func(s string) { frames = append(wire.BigEndian.AppendUint32(frames, uint32(len(s))), s...) }
	for i, l := range lines {
		frames = append(frames, "1D"...)
		frames = wire.BigEndian.AppendUint32(frames, seq+uint32(i))
		frames = wire.BigEndian.AppendUint32(frames, 2)
		text("host")
		text("edge-1")
		text("line")
		text(l)
	}
	out := wire.BigEndian.AppendUint32([]byte("1W"), uint32(len(lines)))
	if !packed {
		return append(out, frames...)
	}
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(frames); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out = wire.BigEndian.AppendUint32(append(out, "1C"...), uint32(z.Len()))
	return append(out, z.Bytes()...)
}

// TestLogstashOutput speaks as Logstash's lumberjack output does: version 1,
// sequence numbers that go on from window to window, and not a byte more
// before the last one is acknowledged.
func TestLogstashOutput(t *testing.T) {
	f, addr := beating(t, true, nil)
	c := dial(t, "tcp", addr)
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line := func(i int) string { return strings.TrimSpace(logLine(i)) }
	whole, err := json.Marshal(map[string]any{"event": map[string]any{"original": line(3)}, "source": map[string]any{"ip": "192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	read := bufio.NewReader(c)
	acked := func() uint32 {
		var b [6]byte
		if _, err := io.ReadFull(read, b[:]); err != nil || string(b[:2]) != "1A" {
			t.Fatalf("%q, %v", b, err)
		}
		return wire.BigEndian.Uint32(b[2:])
	}
	release := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, b := range f.held {
			b.Release()
		}
		f.held = nil
	}
	if _, err := c.Write(window1(t, 1, true, line(0), line(1), line(2))); err != nil {
		t.Fatal(err)
	}
	f.wants(3)
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if b, err := read.ReadByte(); err == nil {
		t.Fatalf("%q before the events were judged", b)
	} else if nerr, ok := err.(net.Error); !ok || !nerr.Timeout() {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	release()
	if seq := acked(); seq != 3 {
		t.Errorf("acknowledged %d, want 3", seq)
	}
	if _, err := c.Write(window1(t, 4, false, string(whole), line(4))); err != nil {
		t.Fatal(err)
	}
	f.wants(5)
	release()
	if seq := acked(); seq != 5 {
		t.Errorf("acknowledged %d, want 5", seq)
	}
	if st := f.in.Status(); st.Lines != 5 || st.Malformed != 0 {
		t.Errorf("%+v", st)
	}
}

func FuzzLumberjackOne(f *testing.F) {
	f.Add(window1(f, 1, true, "a", "{}"))
	f.Add(window1(f, 7, false, "a"))
	f.Fuzz(func(t *testing.T, p []byte) {
		o := &old{r: bufio.NewReader(bytes.NewReader(p))}
		events, _, err := o.window()
		if err == nil && len(events) == 0 {
			t.Error("a window of nothing")
		}
		for _, e := range events {
			if _, ok := e.(map[string]any); !ok {
				t.Errorf("%T is no event", e)
			}
		}
	})
}

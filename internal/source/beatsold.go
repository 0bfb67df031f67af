package source

import (
	"bufio"
	"compress/zlib"
	"context"
	wire "encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/elastic/go-lumber/lj"
)

// Logstash's lumberjack output speaks version 1 of the protocol: frames of
// key and value, of which "line" is what its codec made. go-lumber's server
// for that version acknowledges a count where Logstash waits for its own
// sequence number, which goes on from window to window; so it is spoken here.
// https://github.com/elastic/logstash-forwarder/blob/master/PROTOCOL.md
const (
	oldPairs  = 256      // of one event
	oldText   = 1 << 20  // bytes of a key or value
	oldWindow = 64 << 20 // bytes of all keys and values of a window
)

// sorter gives each connection to who speaks its version of the protocol: the
// first byte says which. It is the listener of those who speak version 2.
type sorter struct {
	net.Listener
	in  chan<- *lj.Batch
	ctx context.Context // of Run: whatever hangs ends with it

	second chan net.Conn
	all    sync.WaitGroup
}

// newSorter begins to accept connections. wait returns once ctx ended, the listener
// is closed and everybody is gone.
func newSorter(ctx context.Context, l net.Listener, in chan<- *lj.Batch) (s *sorter, wait func()) {
	s = &sorter{Listener: l, in: in, ctx: ctx, second: make(chan net.Conn)}
	s.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.all.Go(func() { s.look(c.(*framed)) })
		}
	})
	return s, s.all.Wait
}

// Accept implements net.Listener for version 2.
func (s *sorter) Accept() (net.Conn, error) {
	select {
	case c := <-s.second:
		return c, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (s *sorter) look(c *framed) {
	var first [1]byte
	ended := context.AfterFunc(s.ctx, func() { _ = c.Close() })
	if err := c.Conn.SetReadDeadline(time.Now().Add(beatsTimeout)); err == nil {
		_, err = io.ReadFull(c.Conn, first[:])
		switch {
		case err != nil:
		case first[0] == '1':
			_ = s.first(c.Conn) // there is nobody to tell; what was not acknowledged is sent again
		default:
			c.ahead = first[:]
			select {
			case s.second <- c:
				ended()
				return
			case <-s.ctx.Done():
			}
		}
	}
	ended()
	_ = c.Close()
}

// first reads windows of version 1, whose first byte was read already, and
// acknowledges each when it was judged.
func (s *sorter) first(c net.Conn) error {
	r := &old{r: bufio.NewReaderSize(io.MultiReader(byteOf('1'), c), 64<<10)}
	for {
		// Within a window nobody may be silent for long.
		if err := c.SetReadDeadline(time.Now().Add(beatsIdle)); err != nil {
			return err
		}
		if _, err := r.r.Peek(1); err != nil {
			return err
		}
		if err := c.SetReadDeadline(time.Now().Add(beatsTimeout)); err != nil {
			return err
		}
		events, last, err := r.window()
		if err != nil {
			return err
		}
		b := lj.NewBatch(events)
		select {
		case s.in <- b:
		case <-s.ctx.Done():
			return nil
		}
		select {
		case <-b.Await():
		case <-s.ctx.Done():
			return nil
		}
		if err := c.SetWriteDeadline(time.Now().Add(beatsTimeout)); err != nil {
			return err
		}
		if _, err := c.Write(wire.BigEndian.AppendUint32([]byte("1A"), last)); err != nil {
			return err
		}
	}
}

// byteOf is a reader of one byte.
func byteOf(b byte) io.Reader { return &io.LimitedReader{R: repeated(b), N: 1} }

type repeated byte

func (b repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// old reads frames of version 1.
type old struct {
	r    *bufio.Reader
	room uint32 // bytes that may still come in this window
}

// window reads as many events as its first frame says, and the sequence
// number of the last.
func (o *old) window() (events []any, last uint32, err error) {
	o.room = oldWindow
	kind, err := frameKind(o.r)
	if err != nil {
		return nil, 0, err
	}
	n, err := number(o.r, beatsWindow)
	if err != nil || kind != 'W' || n == 0 {
		return nil, 0, errors.Join(err, fmt.Errorf("lumberjack frame %q of %d where a window begins", kind, n))
	}
	for len(events) < int(n) {
		kind, err := frameKind(o.r)
		if err != nil {
			return nil, 0, err
		}
		from := io.Reader(o.r)
		if kind == 'C' {
			size, err := number(o.r, beatsPayload)
			if err != nil {
				return nil, 0, err
			}
			packed := io.LimitReader(o.r, int64(size))
			z, err := zlib.NewReader(packed)
			if err != nil {
				return nil, 0, err
			}
			from = bufio.NewReader(z)
			for len(events) < int(n) {
				kind, err := frameKind(from)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return nil, 0, err
				}
				e, seq, err := o.event(kind, from)
				if err != nil {
					return nil, 0, err
				}
				events, last = append(events, e), seq
			}
			if _, err := io.Copy(io.Discard, packed); err != nil {
				return nil, 0, err
			}
			continue
		}
		e, seq, err := o.event(kind, from)
		if err != nil {
			return nil, 0, err
		}
		events, last = append(events, e), seq
	}
	return events, last, nil
}

func frameKind(r io.Reader) (byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	if head[0] != '1' {
		return 0, fmt.Errorf("lumberjack version %q within version 1", head[0])
	}
	return head[1], nil
}

// number reads one that may not be larger than most.
func number(r io.Reader, most uint32) (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	n := wire.BigEndian.Uint32(b[:])
	if n > most {
		return 0, fmt.Errorf("lumberjack claims %d where %d is the most", n, most)
	}
	return n, nil
}

// event reads the rest of a data frame: its sequence number and its pairs. The
// result is as of a Beat.
func (o *old) event(kind byte, r io.Reader) (e any, seq uint32, err error) {
	if kind != 'D' {
		return nil, 0, fmt.Errorf("lumberjack frame %q is not known", kind)
	}
	if seq, err = number(r, 1<<32-1); err != nil {
		return nil, 0, err
	}
	pairs, err := number(r, oldPairs)
	if err != nil {
		return nil, 0, err
	}
	line := ""
	for range pairs {
		var pair [2]string
		for i := range pair {
			n, err := number(r, min(oldText, o.room))
			if err != nil {
				return nil, 0, err
			}
			o.room -= n
			b := make([]byte, n)
			if _, err := io.ReadFull(r, b); err != nil {
				return nil, 0, err
			}
			pair[i] = string(b)
		}
		if pair[0] == "line" {
			line = pair[1]
		}
	}
	// With codec => json it is a whole event; else it is the line of the log.
	var whole map[string]any
	if json.Unmarshal([]byte(line), &whole) == nil {
		return whole, seq, nil
	}
	return map[string]any{"message": line}, seq, nil
}

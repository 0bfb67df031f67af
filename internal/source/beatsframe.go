package source

import (
	"bufio"
	"bytes"
	"compress/zlib"
	wire "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// What one sender may claim before anything is set aside for it. Beats send
// windows of 2,048 events, Logstash of 4,096.
const (
	beatsWindow  = 1 << 16
	beatsPayload = 32 << 20 // bytes of a compressed frame
	beatsEvent   = 16 << 20 // bytes of an event; Filebeat's own limit of a line is 10 MiB
	beatsRoom    = 64 << 20 // bytes of all events of a window
	beatsIdle    = 15 * time.Minute
)

// limited refuses connections past a number.
type limited struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.room <- struct{}{}:
			return &framed{Conn: c, most: beatsRoom, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = c.Close()
		}
	}
}

// framed is a connection of version 2 whose frames are looked at, and unpacked,
// on their way. The server behind it would set aside whatever a frame claims,
// also one within a compressed frame, where nothing else could see it.
type framed struct {
	net.Conn
	leave func()

	ahead  []byte // was read already, to see which version it is
	in     *bufio.Reader
	packed io.Reader // what is in the compressed frame that is being read; nil: none is
	rest   io.Reader // of that frame, as it comes

	out  []byte // the header that comes next
	head [10]byte
	body uint32 // bytes of payload still to come
	left uint32 // events still to come in this window
	most uint32 // bytes of payload that may come in a window
	room uint32 // of which may still come in this one
}

// Close implements net.Conn.
func (c *framed) Close() error {
	c.leave()
	return c.Conn.Close()
}

// SetReadDeadline implements net.Conn. Nobody may be silent for ever: places
// are few.
func (c *framed) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		t = time.Now().Add(beatsIdle)
	}
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn. What it returns has no compressed frames.
func (c *framed) Read(p []byte) (int, error) {
	if c.in == nil {
		c.in = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(c.ahead), c.Conn), 32<<10)
	}
	for len(p) > 0 {
		switch {
		case len(c.out) > 0:
			n := copy(p, c.out)
			c.out = c.out[n:]
			return n, nil
		case c.body > 0:
			n, err := c.from().Read(p[:min(uint32(len(p)), c.body)])
			c.body -= uint32(n)
			if n > 0 {
				return n, nil
			}
			if err != nil {
				return 0, torn(err)
			}
		default:
			if err := c.next(); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

func (c *framed) from() io.Reader {
	if c.packed != nil {
		return c.packed
	}
	return c.in
}

// torn is what an end within a frame is.
func torn(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next reads the header of the next frame. Within a window only events come,
// outside of it only windows.
func (c *framed) next() error {
	_, err := io.ReadFull(c.from(), c.head[:2])
	if c.packed != nil && errors.Is(err, io.EOF) {
		_, err = io.Copy(io.Discard, c.rest)
		c.packed, c.rest = nil, nil
		return err
	}
	if err != nil {
		return err
	}
	if c.head[0] != '2' {
		return fmt.Errorf("lumberjack version %q is not spoken here", c.head[0])
	}
	kind, size := c.head[1], 6
	switch {
	case kind == 'W' && c.left == 0 && c.packed == nil, kind == 'C' && c.left > 0 && c.packed == nil:
	case kind == 'J' && c.left > 0:
		size = 10
	default:
		return fmt.Errorf("lumberjack frame %q is not known, or not here", kind)
	}
	if _, err := io.ReadFull(c.from(), c.head[2:size]); err != nil {
		return torn(err)
	}
	n := wire.BigEndian.Uint32(c.head[size-4:])
	switch kind {
	case 'W':
		if n > beatsWindow {
			return fmt.Errorf("a window of %d events is too large", n)
		}
		c.left, c.room = n, c.most
	case 'C':
		if n > beatsPayload {
			return fmt.Errorf("a frame of %d bytes is too large", n)
		}
		c.rest = io.LimitReader(c.in, int64(n))
		if c.packed, err = zlib.NewReader(c.rest); err != nil {
			return fmt.Errorf("a compressed frame: %w", torn(err))
		}
		return nil
	case 'J':
		if n > min(beatsEvent, c.room) {
			return fmt.Errorf("an event of %d bytes is too large, or its window is", n)
		}
		c.left, c.room, c.body = c.left-1, c.room-n, n
	}
	c.out = c.head[:size]
	return nil
}

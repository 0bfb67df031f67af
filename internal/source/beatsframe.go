package source

import (
	wire "encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"
)

// What one sender may claim before anything is set aside for it. Beats send
// windows of 2,048 events, Logstash of 4,096.
const (
	beatsWindow  = 1 << 16
	beatsPayload = 32 << 20 // bytes of a frame
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
			return &framed{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
		default:
			_ = c.Close()
		}
	}
}

// framed is a connection whose frames are looked at on their way: the server
// behind it would set memory aside for whatever number a frame claims.
type framed struct {
	net.Conn
	leave func()

	ahead []byte // was read already, to see which version it is

	head [10]byte // of the frame that is being read
	n    int      // how much of head is there
	skip uint32   // bytes of payload still to come
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

// Read implements net.Conn.
func (c *framed) Read(p []byte) (int, error) {
	var n int
	var err error
	if len(c.ahead) > 0 {
		n = copy(p, c.ahead)
		c.ahead = c.ahead[n:]
	} else {
		n, err = c.Conn.Read(p)
	}
	if ferr := c.look(p[:n]); ferr != nil {
		return 0, ferr
	}
	return n, err
}

// look follows the frames in p.
func (c *framed) look(p []byte) error {
	for len(p) > 0 {
		if c.skip > 0 {
			k := min(uint32(len(p)), c.skip)
			c.skip -= k
			p = p[k:]
			continue
		}
		c.head[c.n] = p[0]
		c.n++
		p = p[1:]
		if c.n < 2 {
			continue
		}
		if c.head[0] != '2' {
			return fmt.Errorf("lumberjack version %q is not spoken here", c.head[0])
		}
		switch kind := c.head[1]; {
		case kind == 'W' && c.n == 6:
			if n := wire.BigEndian.Uint32(c.head[2:]); n > beatsWindow {
				return fmt.Errorf("a window of %d events is too large", n)
			}
			c.n = 0
		case kind == 'C' && c.n == 6, kind == 'J' && c.n == 10:
			if c.skip = wire.BigEndian.Uint32(c.head[c.n-4:]); c.skip > beatsPayload {
				return fmt.Errorf("a frame of %d bytes is too large", c.skip)
			}
			c.n = 0
		case kind != 'W' && kind != 'C' && kind != 'J':
			return fmt.Errorf("lumberjack frame %q is not known", kind)
		}
	}
	return nil
}

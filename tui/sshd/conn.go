package sshd

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// conn is a connection with its deadlines: one for signing in, one for each
// write. A client that stops reading can't hold anybody's answer up for long.
type conn struct {
	net.Conn
	s    *Server
	addr netip.Addr

	mu       sync.Mutex
	known    bool // signed in
	closed   bool
	sessions int
	patience *time.Timer // ends a connection without a session
}

// idleConn is how long a signed-in connection may stay without a session, as
// one that is shared by several does in between.
const idleConn = 10 * time.Minute

// start gives the client its time to sign in.
func (c *conn) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.patience = time.AfterFunc(c.s.limits.Handshake, func() { _ = c.Close() })
	}
}

// SetDeadline does nothing: the SSH library would take the write deadline away
// with it.
func (c *conn) SetDeadline(time.Time) error { return nil }

// Write bounds how long the client may take to read.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.s.limits.Write)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close may be called more than once, from anywhere.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	known := c.known
	if c.patience != nil {
		c.patience.Stop()
	}
	c.mu.Unlock()
	if !known {
		c.s.door.leave(c.addr)
	}
	c.s.gone(c)
	return c.Conn.Close()
}

// begin notes a session of somebody who signed in.
func (c *conn) begin() {
	c.mu.Lock()
	first := !c.known && !c.closed
	if first {
		c.known = true
	}
	c.sessions++
	if c.patience != nil {
		c.patience.Stop()
	}
	c.mu.Unlock()
	if first {
		c.s.door.welcome(c.addr)
	}
}

// end notes that a session ended.
func (c *conn) end() {
	wait := idleConn
	if c.s.ends() {
		wait = 100 * time.Millisecond // for the last words to arrive
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions--; c.sessions == 0 && !c.closed && c.patience != nil {
		c.patience.Reset(wait)
	}
}

// idle reports whether nobody has a session on the connection.
func (c *conn) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions == 0
}

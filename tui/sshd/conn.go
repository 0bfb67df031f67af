package sshd

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// conn is a connection with its deadlines: one for signing in, one for each
// write. A client that stops reading can't hold anybody's answer up for long.
type conn struct {
	net.Conn
	s    *Server
	addr netip.Addr

	ended chan struct{} // closed with the connection
	known chan struct{} // closed when queue is known

	refusing atomic.Int32 // channels that are being turned away

	mu       sync.Mutex
	user     string // who signed in; "" until the first session
	pace     *pace  // of that user's connections; nil until then
	read     int    // bytes of a stranger
	written  int    // messages to a stranger
	handed   int    // bytes since queueKnownAfter messages
	queue    <-chan []byte
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

// mostOfStranger is how many bytes a client may send before its first session;
// signing in takes a few thousand.
const mostOfStranger = 128 << 10

// Read bounds how much a client may have decrypted and looked at: all of it
// before anybody signed in, and per second afterwards.
func (c *conn) Read(p []byte) (int, error) {
	room := c.room(len(p))
	if room == 0 {
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p[:room])
	c.mu.Lock()
	pace := c.pace
	if pace == nil {
		c.read += n
	}
	if c.written >= queueKnownAfter {
		c.handed += n
	}
	tooMuch := pace == nil && c.read > mostOfStranger
	c.mu.Unlock()
	if tooMuch {
		_ = c.Close() // it is dropped, whatever closing says
		return 0, errTooMuch
	}
	if pace != nil && err == nil {
		c.wait(pace.take(n, c.s.now()))
	}
	return n, err
}

var errTooMuch = errors.New("more was sent than signing in takes")

// wait lets time pass, or the connection end.
func (c *conn) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ended:
	}
}

// Write bounds how long the client may take to read. After a write that failed
// the cipher is out of step and nothing more can be said: the connection ends.
func (c *conn) Write(p []byte) (int, error) {
	err := c.SetWriteDeadline(time.Now().Add(c.s.limits.Write))
	n := 0
	if err == nil {
		n, err = c.Conn.Write(p)
	}
	if err != nil {
		_ = c.Close() // the error that counts is the write's
	}
	c.mu.Lock()
	c.written++
	c.mu.Unlock()
	return n, err
}

// mostRefusing is how many channels may wait for being turned away at once. A
// client that reads its answers never has so many.
const mostRefusing = 64

// refuse turns a channel away. A client that asks for ever more of them and
// reads no answer is dropped before they pile up.
func (c *conn) refuse(nc gossh.NewChannel, reason gossh.RejectionReason, why string) {
	defer c.refusing.Add(-1)
	if c.refusing.Add(1) > mostRefusing {
		_ = c.Close()
		return
	}
	_ = nc.Reject(reason, why) // the client may be gone
}

// Close may be called more than once, from anywhere.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	close(c.ended)
	user, queue := c.user, c.queue
	if c.patience != nil {
		c.patience.Stop()
	}
	c.mu.Unlock()
	if user == "" {
		c.s.door.leave(c.addr)
	} else {
		c.s.door.part(user)
	}
	err := c.Conn.Close()
	if queue != nil {
		c.s.open.Add(1)
		go c.empty(queue)
	}
	c.s.gone(c)
	return err
}

// begin notes a session of somebody who signed in, or says why there is none.
func (c *conn) begin(user string) (why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return "it was closed meanwhile"
	case c.user == "":
		if c.pace, why = c.s.door.welcome(c.addr, user); why != "" {
			return why
		}
		c.user = user
	}
	c.sessions++
	if c.patience != nil {
		c.patience.Stop()
	}
	return ""
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

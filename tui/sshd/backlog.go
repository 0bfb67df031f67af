package sshd

import (
	"reflect"
	"unsafe"

	gossh "golang.org/x/crypto/ssh"
)

// The SSH library reads packets in one goroutine and works on them in another,
// with a queue of sixteen in between. When the worker gives up over a packet it
// can't read, the reader may wait for ever to hand over the next one, and stays
// for good together with the connection's ciphers: anybody could make levee grow,
// a stranger too (golang.org/x/crypto/ssh v0.58.0, readLoop in handshake.go).
// Nothing the library exports ends that, so the queue itself is emptied once the
// connection is closed. A test finds out when the queue is no longer there.

// backlog is the queue of a connection, nil when the library keeps none where
// it did.
func backlog(c gossh.ConnMetadata) <-chan []byte {
	v := reflect.ValueOf(c)
	for _, name := range []string{"transport", "incoming"} {
		for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return nil
		}
		if v = v.FieldByName(name); !v.IsValid() {
			return nil
		}
	}
	if v.Type() != reflect.TypeFor[chan []byte]() || !v.CanAddr() {
		return nil
	}
	return *(*chan []byte)(unsafe.Pointer(v.UnsafeAddr()))
}

// Before the queue is known no more than fits into it is handed to the library:
// packets take 26 bytes at least. They count from the server's fourth message,
// which is the last one of the first key exchange; until then nothing is queued.
const (
	queueKnownAfter = 4
	mostBefore      = 384
)

// know notes the queue of the connection.
func (c *conn) know(queue <-chan []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = queue
	close(c.known)
}

// room is how many of n bytes may be handed to the library now, none when the
// connection has ended. It waits when there is none, until the queue is known.
func (c *conn) room(n int) int {
	c.mu.Lock()
	left := n
	if c.written >= queueKnownAfter {
		left = min(n, mostBefore-c.handed)
	}
	c.mu.Unlock()
	select {
	case <-c.known:
		return n
	default:
	}
	if left > 0 {
		return left
	}
	select {
	case <-c.known:
		return n
	case <-c.ended:
		return 0
	}
}

// empty takes what nobody will read any more. The caller holds the server open
// for it.
func (c *conn) empty(queue <-chan []byte) {
	defer c.s.open.Done()
	for range queue { // the library's reader closes it once it can't read on
	}
}

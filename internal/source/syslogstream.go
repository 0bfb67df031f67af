package source

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"levee/detect/logline"
)

// accept takes streams until ctx ends.
func (s *syslog) accept(ctx context.Context, l net.Listener, readers *sync.WaitGroup) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	defer func() { _ = l.Close() }()
	room := make(chan struct{}, syslogConns)
	for {
		c, err := l.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if c != nil {
				_ = c.Close()
			}
			return
		}
		if err != nil {
			// Out of descriptors, most often: let some be closed first.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			s.set(Following, "too many syslog connections at once; the newest are refused until others end")
			_ = c.Close()
			continue
		}
		readers.Go(func() {
			defer func() { <-room }()
			s.stream(ctx, c)
		})
	}
}

// stream reads the messages of one connection until it ends.
func (s *syslog) stream(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer func() { _ = c.Close() }()
	if t, ok := c.(*tls.Conn); ok {
		hello, cancel := context.WithTimeout(ctx, syslogHello)
		err := t.HandshakeContext(hello)
		cancel()
		if err != nil {
			s.set(Following, "a sender's TLS handshake failed ("+logline.Clean(err.Error())+"); check its certificate and ours")
			return
		}
	}
	r := bufio.NewReaderSize(c, syslogMessage+16)
	for {
		if err := c.SetReadDeadline(time.Now().Add(syslogIdle)); err != nil {
			return
		}
		m, err := frame(r)
		s.put(m)
		if err != nil {
			return
		}
	}
}

// errFraming ends a stream that is neither framed by newlines nor by counts.
var errFraming = errors.New("not syslog")

// frame reads one message, framed by an octet count in front ("123 <14>…") or
// by the newline behind it. A message that is too long comes cut, one byte
// longer than may be, for put to refuse.
func frame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	if head[0] < '1' || head[0] > '9' {
		return line(r)
	}
	digits, err := r.ReadSlice(' ')
	if err != nil || len(digits) > 9 {
		return nil, errFraming
	}
	n, err := strconv.Atoi(string(digits[:len(digits)-1]))
	if err != nil {
		return nil, errFraming
	}
	keep := min(n, syslogMessage+1)
	m := make([]byte, keep)
	k, err := io.ReadFull(r, m)
	if err == nil {
		_, err = r.Discard(n - keep)
	}
	return m[:k], err
}

// line reads up to a newline.
func line(r *bufio.Reader) ([]byte, error) {
	m, err := r.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return m, err
	}
	m = append([]byte(nil), m...)
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	return m, err
}

package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"levee/detect/logline"
)

// Bounds of a syslog input. What is past them is dropped and counted.
const (
	syslogQueue   = 8 << 20          // bytes waiting to be judged
	syslogConns   = 256              // streams at a time
	syslogIdle    = 10 * time.Minute // how long a stream may be silent
	syslogHello   = 10 * time.Second // how long a TLS handshake may take
	syslogGather  = 20 * time.Millisecond
	syslogBuffer  = 4 << 20 // receive buffer asked of the kernel for datagrams, bytes
	syslogMessage = logline.MaxLine
)

// SyslogOptions says where to listen for log lines sent as syslog messages, of
// RFC 3164 or RFC 5424, as nginx (access_log syslog:) and HAProxy (log) send
// them. Streams may be framed by newlines or by octet counts (RFC 6587).
type SyslogOptions struct {
	Name  string          // what Status calls it; default: URL
	URL   string          // udp://, tcp:// or tls://host:port
	TLS   *tls.Config     // for tls://; with client certificates required, senders can be trusted
	Parse logline.Options // of the lines inside the messages
	Input int             // given to every Batch
	Queue int             // bytes that may wait to be judged; default 8 MiB
}

// syslog listens for messages.
type syslog struct {
	book
	o       SyslogOptions
	network string
	place   string

	qmu     sync.Mutex
	queue   []byte // whole messages, each ended by a newline
	tooLong int    // messages dropped for their length since last looked
	wake    chan struct{}

	ready chan struct{} // closed once listening
	addr  net.Addr      // set before ready is closed
}

// Syslog returns an Input that listens on o.URL. Where it can't, Run says so.
func Syslog(o SyslogOptions) (Input, error) {
	if _, err := logline.New(o.Parse); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Port() == "" || u.Path != "" {
		return nil, fmt.Errorf("syslog address %q is not one; write udp://127.0.0.1:5514, tcp://… or tls://…", o.URL)
	}
	s := &syslog{o: o, place: u.Host, wake: make(chan struct{}, 1), ready: make(chan struct{})}
	switch u.Scheme {
	case "udp", "tcp":
		s.network = u.Scheme
	case "tls":
		s.network = "tls"
		if o.TLS == nil || len(o.TLS.Certificates) == 0 && o.TLS.GetCertificate == nil {
			return nil, fmt.Errorf("syslog address %s needs a certificate; give tls: {cert: FILE, key: FILE}", o.URL)
		}
	default:
		return nil, fmt.Errorf("syslog address %q has no known transport; write udp://, tcp:// or tls://", o.URL)
	}
	if s.o.Queue <= 0 {
		s.o.Queue = syslogQueue
	}
	if s.o.Name == "" {
		s.o.Name = o.URL
	}
	s.st = Status{Name: s.o.Name, State: Waiting}
	return s, nil
}

// Run implements Input.
func (s *syslog) Run(ctx context.Context, emit func(*Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer func() {
		cancel()
		readers.Wait()
		s.set(Ended, s.Status().Problem)
	}()
	if err := s.listen(ctx, &readers); err != nil {
		err = fmt.Errorf("can't listen for syslog on %s (%w); choose a free port, above 1024 without privileges", s.o.URL, err)
		s.set(Failed, err.Error())
		return err
	}
	close(s.ready)
	s.set(Following, "")
	return s.drain(ctx, emit)
}

// listen opens the socket and starts reading from it.
func (s *syslog) listen(ctx context.Context, readers *sync.WaitGroup) error {
	if s.network == "udp" {
		c, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", s.place)
		if err != nil {
			return err
		}
		if u, ok := c.(*net.UDPConn); ok {
			_ = u.SetReadBuffer(syslogBuffer) // a smaller one works too
		}
		s.addr = c.LocalAddr()
		readers.Go(func() { s.datagrams(ctx, c) })
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.place)
	if err != nil {
		return err
	}
	if s.network == "tls" {
		l = tls.NewListener(l, s.o.TLS)
	}
	s.addr = l.Addr()
	readers.Go(func() { s.accept(ctx, l, readers) })
	return nil
}

// datagrams reads one message a datagram until ctx ends.
func (s *syslog) datagrams(ctx context.Context, c net.PacketConn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer func() { _ = c.Close() }()
	buf := make([]byte, syslogMessage+1)
	for {
		n, _, err := c.ReadFrom(buf)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			s.put(buf[:n])
		}
	}
}

// put queues a message, or sheds it when too much is waiting.
func (s *syslog) put(m []byte) {
	m = bytes.TrimRight(m, "\n\r\x00")
	if len(m) == 0 {
		return
	}
	s.qmu.Lock()
	full := len(s.queue)+len(m)+1 > s.o.Queue
	switch {
	case full:
	case len(m) > syslogMessage:
		s.tooLong++
	default:
		at := len(s.queue)
		s.queue = append(append(s.queue, m...), '\n')
		// One message is one line, whatever is in it.
		for i, c := range s.queue[at : at+len(m)] {
			if c == '\n' {
				s.queue[at+i] = ' '
			}
		}
	}
	s.qmu.Unlock()
	if full {
		s.mu.Lock()
		s.st.Shed++
		s.mu.Unlock()
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drain parses what is queued and hands it over.
func (s *syslog) drain(ctx context.Context, emit func(*Batch) error) error {
	p, err := logline.New(s.o.Parse)
	if err != nil {
		return err
	}
	var strange strangeness
	var text []byte
	gather := time.NewTimer(0)
	defer gather.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		// Messages come one by one; a batch of a few is cheaper to judge.
		gather.Reset(syslogGather)
		select {
		case <-ctx.Done():
			return nil
		case <-gather.C:
		}
		s.qmu.Lock()
		text, s.queue = s.queue, text[:0]
		dropped := s.tooLong
		s.tooLong = 0
		s.qmu.Unlock()
		for rest := text; len(rest) > 0 || dropped > 0; {
			b := newBatch(s.o.Input)
			n := copy(b.data, rest)
			n = bytes.LastIndexByte(b.data[:n], '\n') + 1
			rest = rest[n:]
			b.parse(p, b.data[:n])
			b.Lines += dropped
			b.Malformed += dropped
			dropped = 0
			if problem := strange.add(s.o.Name, b); problem != "" || s.Status().Problem != "" {
				s.set(Following, problem)
			}
			s.add(b)
			if err := emit(b); err != nil {
				return err
			}
		}
	}
}

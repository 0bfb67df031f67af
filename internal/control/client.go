package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Request is what a client asks of the daemon.
type Request struct {
	Args     []string
	Console  bool
	Terminal *Terminal
	In       io.Reader // nil: empty
	Out, Err io.Writer
	Resizes  <-chan Size // nil: the size stays
	From     netip.Addr  // see SSHFrom
}

// ErrNoDaemon is in the error of Do when no daemon listens.
var ErrNoDaemon = errors.New("no levee runs here")

// Do sends one call to the daemon that listens at path and returns its exit
// code. It returns when the daemon says so, the connection breaks, or ctx ends
// (which ends the call). A Read of In that never returns is left behind.
func Do(ctx context.Context, path string, q Request) (code int, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return 1, fmt.Errorf("%w (no daemon listens at %s): start levee serve, or name its state directory with --state", ErrNoDaemon, path)
	case errors.Is(err, fs.ErrPermission):
		return 1, fmt.Errorf("%s: you may not speak to this daemon; join its group, or use ssh", path)
	case err != nil:
		return 1, fmt.Errorf("reach the daemon: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the read below says so
	defer stop()
	defer func() { _ = conn.Close() }()

	head, err := json.Marshal(request{Args: q.Args, Console: q.Console, Terminal: q.Terminal, From: q.From})
	if err != nil {
		return 1, fmt.Errorf("reach the daemon: %w", err)
	}
	if len(head) > mostFrame {
		return 2, errors.New("the command line is too long; give a long list on standard input with -f -")
	}
	out := &clientSender{conn: conn}
	if err := out.send(frameCall, head); err != nil {
		return 1, fmt.Errorf("reach the daemon: %w", err)
	}
	go out.copyInput(q.In) // ends with the connection, or with In
	done := make(chan struct{})
	var resizer sync.WaitGroup
	resizer.Go(func() { out.copyResizes(q.Resizes, done) })
	defer resizer.Wait()
	defer close(done)
	return receiveOutput(ctx, conn, q)
}

func receiveOutput(ctx context.Context, conn net.Conn, q Request) (int, error) {
	for {
		kind, payload, err := readFrame(conn)
		if err != nil {
			if ctx.Err() != nil {
				return 1, ctx.Err()
			}
			return 1, errors.New("the daemon hung up before it said how the command ended; see levee decisions for what was done")
		}
		switch kind {
		case frameOut:
			_, err = q.Out.Write(payload)
		case frameErr:
			_, err = q.Err.Write(payload)
		case frameDone:
			if len(payload) != 4 {
				return 1, nil
			}
			return int(binary.BigEndian.Uint32(payload)), nil
		default:
			return 1, errFrame
		}
		if err != nil {
			return 1, fmt.Errorf("write results: %w", err)
		}
	}
}

// clientSender writes frames, one at a time.
type clientSender struct {
	mu   sync.Mutex
	conn net.Conn
}

func (s *clientSender) send(kind byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return writeFrame(s.conn, kind, payload)
}

func (s *clientSender) copyInput(in io.Reader) {
	if in != nil {
		if _, err := io.Copy(frameWriter{frameInput, s.send}, in); err != nil {
			return
		}
	}
	_ = s.send(frameEnd, nil) // a daemon that is done already needs it no more
}

func (s *clientSender) copyResizes(sizes <-chan Size, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case size, ok := <-sizes:
			if !ok {
				return
			}
			b, err := json.Marshal(size)
			if err != nil || s.send(frameResize, b) != nil {
				return
			}
		}
	}
}

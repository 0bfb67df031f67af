package control

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Limits of a server. Tests lower them.
const (
	mostCalls     = 64               // at once; more are turned away
	helloWithin   = 5 * time.Second  // the first frame must come
	writeWithin   = 15 * time.Second // a client that does not read is dropped
	mostSocketLen = 104              // of a path, on the systems that allow least
)

// Options says what a server does with calls.
type Options struct {
	// Handle carries one call out and returns its exit code. Its context ends
	// when the client goes away or the server stops.
	Handle func(ctx context.Context, c *Call) int
	Mode   os.FileMode // of the socket; 0: 0660
}

// SocketPath is where the daemon with that state directory listens.
func SocketPath(stateDir string) string { return filepath.Join(stateDir, "levee.sock") }

// Listen opens the socket. One that a daemon which died left behind is
// replaced; the caller holds the state's lock, so no other daemon has it.
func Listen(ctx context.Context, path string, mode os.FileMode) (net.Listener, error) {
	if len(path) > mostSocketLen {
		return nil, fmt.Errorf("listen on %s: the path is longer than %d bytes, more than a socket's may be; name a shorter directory with --state", path, mostSocketLen)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("listen on %s: something that is no socket is in the way; move it", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", path, err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; name another directory with --state", path, err)
	}
	if mode == 0 {
		mode = 0o660
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), l.Close())
	}
	return l, nil
}

// Serve answers calls on l until ctx ends, then waits for those under way,
// whose contexts end with it. It closes l.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	var calls sync.WaitGroup
	defer calls.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept says so
	defer stop()
	places := make(chan struct{}, mostCalls)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("control socket: %w", err)
			}
			select { // out of descriptors, most likely: they come back
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			refuse(conn, "too many calls at once; try again")
			continue
		}
		calls.Go(func() {
			defer func() { <-places }()
			serveCall(ctx, conn, o)
		})
	}
}

// refuse answers a call that is not taken. The client may be gone already.
func refuse(conn net.Conn, why string) {
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_ = writeFrame(conn, frameErr, []byte("levee: "+why+"\n"))
	_ = writeFrame(conn, frameDone, []byte{0, 0, 0, 1})
	_ = conn.Close()
}

// serveCall reads a call, has it carried out and says how it ended.
func serveCall(ctx context.Context, conn net.Conn, o Options) {
	defer func() { _ = conn.Close() }()
	peer, err := peerOf(conn)
	if err != nil {
		refuse(conn, err.Error())
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(helloWithin)) // a closed connection says so at the next read
	r := bufio.NewReader(conn)
	q, err := readCall(r)
	if err != nil {
		refuse(conn, err.Error())
		return
	}
	_ = conn.SetReadDeadline(time.Time{})

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &sender{conn: conn, gone: cancel}
	in, feed := io.Pipe()
	sizes := make(chan Size, 1)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer cancel() // a client that went away wants nothing any more
		receive(r, feed, sizes)
	})
	code := o.Handle(ctx, &Call{Peer: peer, Args: q.Args, Console: q.Console, Terminal: q.Terminal, From: q.From, In: in,
		Out: frameWriter{frameOut, out.send}, Err: frameWriter{frameErr, out.send}, Resizes: sizes})
	_ = out.send(frameDone, binary.BigEndian.AppendUint32(nil, uint32(code))) // if it fails, nobody is there to be told
	_ = in.CloseWithError(io.ErrClosedPipe)
	_ = conn.Close()
	reader.Wait()
}

func readCall(r io.Reader) (request, error) {
	var q request
	kind, payload, err := readFrame(r)
	if err != nil {
		return q, errFrame
	}
	if kind != frameCall {
		return q, errFrame
	}
	if err := json.Unmarshal(payload, &q); err != nil {
		return q, errFrame
	}
	if t := q.Terminal; t != nil {
		t.Env = cleanEnv(t.Env)
		t.Size = t.sane()
	}
	return q, nil
}

// taken are the variables of a terminal that a session may bring.
var taken = []string{"TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR"}

func cleanEnv(env []string) []string {
	var out []string
	for _, name := range taken {
		for _, e := range env {
			if v, ok := strings.CutPrefix(e, name+"="); ok && len(v) <= 64 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				out = append(out, e)
				break
			}
		}
	}
	return out
}

// sane bounds a size to what a terminal can have.
func (s Size) sane() Size { return Size{min(max(s.Width, 0), 1000), min(max(s.Height, 0), 1000)} }

// receive takes the frames that follow a call until the client goes away.
func receive(r io.Reader, feed *io.PipeWriter, sizes chan Size) {
	defer func() { _ = feed.Close() }()
	for {
		kind, payload, err := readFrame(r)
		if err != nil {
			return
		}
		switch kind {
		case frameInput:
			if _, err := feed.Write(payload); err != nil {
				return
			}
		case frameEnd:
			_ = feed.Close() // never fails
		case frameResize:
			var s Size
			if json.Unmarshal(payload, &s) == nil {
				latest(sizes, s.sane())
			}
		default:
			return
		}
	}
}

// latest puts s in the channel in place of what nobody took yet.
func latest(sizes chan Size, s Size) {
	select {
	case <-sizes:
	default:
	}
	select {
	case sizes <- s:
	default:
	}
}

// sender writes frames, one at a time, each within a deadline.
type sender struct {
	mu   sync.Mutex
	conn net.Conn
	gone func()
}

func (s *sender) send(kind byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWithin)) // the write says so
	if err := writeFrame(s.conn, kind, payload); err != nil {
		s.gone()
		return err
	}
	return nil
}

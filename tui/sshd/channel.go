package sshd

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/ssh"
	gossh "golang.org/x/crypto/ssh"

	"levee/tui/remote"
)

// mostCommand bounds a command line, in bytes.
const mostCommand = 128 << 10

// visitKey finds a channel's visit in its context.
type visitKey struct{}

// visit is one session channel on its way through the SSH library.
type visit struct {
	ssh.Context
	conn   *conn
	ctx    context.Context
	cancel context.CancelFunc
	sizes  chan remote.Size

	mu   sync.Mutex
	env  []string
	term string
	size remote.Size
	tty  bool
	done chan struct{} // closed when the handler returned; nil before it began
}

// Value answers for the channel first, then for the connection.
func (v *visit) Value(key any) any {
	if key == (visitKey{}) {
		return v
	}
	return v.Context.Value(key)
}

// openSession takes a session channel: it looks at every request before the
// library does, and lets through only what levee has a use for.
func (s *Server) openSession(srv *ssh.Server, sc *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	c, ok := ctx.Value(connKey{}).(*conn)
	if !ok || !s.holds(c) {
		return // it was closed meanwhile
	}
	defer s.open.Done()
	if why := s.door.enter(sc.User()); why != "" {
		s.stats.refused.Add(1)
		c.refuse(nc, gossh.ResourceShortage, why)
		return
	}
	defer s.door.exit(sc.User())
	if why := c.begin(sc.User()); why != "" {
		s.stats.refused.Add(1)
		c.refuse(nc, gossh.ResourceShortage, why)
		return
	}
	defer c.end()
	v := &visit{Context: ctx, conn: c, sizes: make(chan remote.Size, 1)}
	v.ctx, v.cancel = context.WithCancel(ctx)
	defer v.cancel()
	ssh.DefaultSessionHandler(srv, sc, &guarded{nc, v}, v)
	v.cancel()
	if done := v.handled(); done != nil {
		<-done
	}
}

// refuseChannel turns away channels of any other kind.
func (s *Server) refuseChannel(_ *ssh.Server, _ *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.refuse(nc, gossh.UnknownChannelType, "levee has sessions and nothing else")
	}
}

// handled returns the channel that closes when the handler has returned, nil
// when there is none.
func (v *visit) handled() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.done
}

// guarded is a channel whose requests are looked at first.
type guarded struct {
	gossh.NewChannel
	v *visit
}

// Accept opens the channel.
func (g *guarded) Accept() (gossh.Channel, <-chan *gossh.Request, error) {
	ch, reqs, err := g.NewChannel.Accept()
	if err != nil {
		return nil, nil, err
	}
	through := make(chan *gossh.Request)
	// A session that asks for nothing holds a place for nothing.
	patience := time.AfterFunc(g.v.conn.s.limits.Handshake, func() {
		if g.v.handled() == nil {
			_ = g.v.conn.Close() // it is dropped, whatever closing says
		}
	})
	go func() { // ends when the client closes the channel or the connection
		defer close(through)
		defer g.v.cancel()
		defer patience.Stop()
		for r := range reqs {
			if g.v.take(r) {
				through <- r
			}
		}
	}()
	return ch, through, nil
}

// take looks at a request and reports whether the library may have it.
func (v *visit) take(r *gossh.Request) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	ok := false
	switch r.Type {
	case "pty-req":
		term, size, good := parsePty(r.Payload)
		if good && !v.tty && v.done == nil {
			v.term, v.size, v.tty = term, size, true
			return true
		}
	case "shell", "exec":
		if v.done == nil && len(r.Payload) <= mostCommand {
			v.done = make(chan struct{})
			return true
		}
	case "window-change":
		if size, good := parseSize(r.Payload); good && v.tty {
			latest(v.sizes, size)
			ok = true
		}
	case "env":
		ok = v.takeEnv(r.Payload)
	}
	_ = r.Reply(ok, nil) // the client may be gone; the next request says so
	return false
}

// envTaken are the variables a session may bring.
var envTaken = []string{"COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR"}

func (v *visit) takeEnv(payload []byte) bool {
	var kv struct{ Name, Value string }
	if gossh.Unmarshal(payload, &kv) != nil || !slices.Contains(envTaken, kv.Name) || len(v.env) >= len(envTaken) || !plain(kv.Value) {
		return false
	}
	v.env = append(v.env, kv.Name+"="+kv.Value)
	return true
}

// environ is the session's environment.
func (v *visit) environ() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	env := slices.Clone(v.env)
	if v.term != "" {
		env = append(env, "TERM="+v.term)
	}
	return env
}

// plain reports whether s is short and holds nothing but printable ASCII.
func plain(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// parsePty reads TERM and the size of a pty-req (RFC 4254, section 6.2).
func parsePty(b []byte) (term string, size remote.Size, ok bool) {
	if len(b) < 4 {
		return "", size, false
	}
	n := binary.BigEndian.Uint32(b)
	if n > 64 || int(n)+4 > len(b) {
		return "", size, false
	}
	term = string(b[4 : 4+n])
	size, ok = parseSize(b[4+n:])
	return term, size, ok && plain(term)
}

// Larger terminals than any screen shows get a picture of this size.
const (
	mostColumns = 600
	mostRows    = 200
)

// parseSize reads a size (RFC 4254, section 6.7).
func parseSize(b []byte) (remote.Size, bool) {
	if len(b) < 16 {
		return remote.Size{}, false
	}
	return remote.Size{Width: int(min(binary.BigEndian.Uint32(b), mostColumns)), Height: int(min(binary.BigEndian.Uint32(b[4:]), mostRows))}, true
}

// latest puts s in the channel in place of what nobody took yet: a flood of
// resizes costs one.
func latest(sizes chan remote.Size, s remote.Size) {
	select {
	case <-sizes:
	default:
	}
	select {
	case sizes <- s:
	default:
	}
}

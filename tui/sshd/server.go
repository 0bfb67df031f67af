package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/ssh"
	"github.com/charmbracelet/wish"
	gossh "golang.org/x/crypto/ssh"
)

// Options says what a server works with. HostKey and Handle are required.
type Options struct {
	HostKey gossh.Signer
	// Handle carries a session out and returns its exit code. Its context ends
	// when the client goes away, may not be here any more, or the server stops.
	Handle func(ctx context.Context, s *Session) int
	Limits Limits
	Log    *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
}

// Server is an SSH server.
type Server struct {
	o         Options
	limits    Limits
	log       *slog.Logger
	now       func() time.Time
	door      *door
	directory atomic.Pointer[Directory]
	srv       *ssh.Server
	stats     struct{ refused, failed atomic.Uint64 }

	mu       sync.Mutex
	conns    map[*conn]struct{}
	sessions map[*ending]struct{}
	stopping bool
	open     sync.WaitGroup // connections, and what they started
}

// ending is how to end a session whose key is removed.
type ending struct {
	user string
	key  gossh.PublicKey
	conn *conn
	end  context.CancelCauseFunc
}

// connKey finds a connection in its context.
type connKey struct{}

// stopWithin is how long sessions have to end by themselves.
const stopWithin = 3 * time.Second

// New returns a server that lets d in.
func New(o Options, d *Directory) (*Server, error) {
	s := &Server{o: o, limits: o.Limits.withDefaults(), log: o.Log, now: o.Now, conns: map[*conn]struct{}{}, sessions: map[*ending]struct{}{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.door = newDoor(s.limits, s.now)
	s.directory.Store(d)
	var err error
	s.srv, err = wish.NewServer(
		wish.WithVersion("levee"),
		wish.WithPublicKeyAuth(s.authenticate),
		func(srv *ssh.Server) error {
			srv.AddHostKey(o.HostKey)
			srv.Handler = s.handle
			srv.ConnCallback = s.connect
			srv.ConnectionFailedCallback = s.failed
			srv.ServerConfigCallback = func(ctx ssh.Context) *gossh.ServerConfig {
				conf := modernConfig()
				if c, ok := ctx.Value(connKey{}).(*conn); ok {
					conf.PreAuthConnCallback = func(pre gossh.ServerPreAuthConn) { c.know(backlog(pre)) }
				}
				return conf
			}
			srv.ChannelHandlers = map[string]ssh.ChannelHandler{"session": s.openSession, "default": s.refuseChannel}
			srv.RequestHandlers = map[string]ssh.RequestHandler{}
			srv.SubsystemHandlers = map[string]ssh.SubsystemHandler{}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("ssh: %w", err)
	}
	return s, nil
}

// modernConfig allows what has no known weakness, and nothing for the sake of
// old clients.
func modernConfig() *gossh.ServerConfig {
	c := &gossh.ServerConfig{
		MaxAuthTries: 10,
		PublicKeyAuthAlgorithms: []string{
			gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
			gossh.KeyAlgoSKECDSA256, gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256,
		}, // certificates of such keys too
	}
	c.KeyExchanges = []string{gossh.KeyExchangeMLKEM768X25519, gossh.KeyExchangeCurve25519}
	c.Ciphers = []string{gossh.CipherChaCha20Poly1305, gossh.CipherAES256GCM, gossh.CipherAES128GCM}
	c.MACs = []string{gossh.HMACSHA256ETM, gossh.HMACSHA512ETM}
	return c
}

// authenticate is asked about every key a client offers. Its yes is not yet
// an identity: who it is is asked again, for the key that was proved.
func (s *Server) authenticate(ctx ssh.Context, key ssh.PublicKey) bool {
	from := addrOf(ctx.RemoteAddr())
	_, err := s.directory.Load().check(ctx.User(), key, from, s.now())
	if why := (refusedCertificate{}); errors.As(err, &why) {
		s.log.Warn("certificate refused", "user", ctx.User(), "address", from, "key", Fingerprint(key), "why", why)
	}
	return err == nil
}

// mostUnread is how many bytes the kernel keeps for a client that does not read
// them, instead of the megabytes it would take by itself.
const mostUnread = 256 << 10

// connect lets a connection in, or returns nil.
func (s *Server) connect(ctx ssh.Context, nc net.Conn) net.Conn {
	addr := addrOf(nc.RemoteAddr())
	if why := s.door.knock(addr); why != "" {
		s.stats.refused.Add(1)
		s.log.Debug("connection refused", "address", addr, "why", why)
		return nil
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(mostUnread) // a larger one works too
	}
	c := &conn{Conn: nc, s: s, addr: addr, ended: make(chan struct{}), known: make(chan struct{})}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		_ = c.Close() // nothing was said yet
		return nil
	}
	s.conns[c] = struct{}{}
	s.open.Add(1)
	s.mu.Unlock()
	c.start()
	ctx.SetValue(connKey{}, c)
	return c
}

// gone is told of each connection that was closed.
func (s *Server) gone(c *conn) {
	s.mu.Lock()
	_, ok := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if ok {
		s.open.Done()
	}
}

// holds keeps the server waiting for what a connection started, unless the
// connection was closed already. Whoever gets true calls open.Done.
func (s *Server) holds(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.conns[c]
	if ok {
		s.open.Add(1)
	}
	return ok
}

// ends reports whether the server is stopping.
func (s *Server) ends() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *Server) failed(c net.Conn, err error) {
	s.stats.failed.Add(1)
	s.log.Debug("nobody signed in", "address", addrOf(c.RemoteAddr()), "error", err)
}

// remember keeps how to end a session, and returns how to forget it.
func (s *Server) remember(user string, key gossh.PublicKey, c *conn, end context.CancelCauseFunc) func() {
	x := &ending{user, key, c, end}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[x] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, x)
	}
}

// SetDirectory replaces who may sign in. Sessions of keys that may not any
// more end at once; the others go on, each with its role as it is now.
func (s *Server) SetDirectory(d *Directory) {
	s.directory.Store(d)
	s.Recheck()
}

// Recheck ends the sessions of those who may not be here any more, such as
// those whose certificate has run out meanwhile.
func (s *Server) Recheck() {
	d := s.directory.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for x := range s.sessions {
		if _, err := d.check(x.user, x.key, x.conn.addr, s.now()); err != nil {
			x.end(errRemoved)
		}
	}
}

// Serve lets people in on l until ctx ends, then tells the sessions, gives
// them a few seconds, and closes what is left. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.srv.Serve(l) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	s.stop()
	if cerr := s.srv.Close(); err == nil && ctx.Err() == nil {
		err = cerr
	}
	if ctx.Err() != nil {
		<-served
		err = nil
	}
	if err != nil && !errors.Is(err, ssh.ErrServerClosed) {
		return fmt.Errorf("ssh: %w", err)
	}
	return nil
}

// stop ends all sessions and waits for them.
func (s *Server) stop() {
	s.mu.Lock()
	s.stopping = true
	for x := range s.sessions {
		x.end(errStopping)
	}
	idle := s.listed(func(c *conn) bool { return c.idle() })
	s.mu.Unlock()
	closeAll(idle)
	ended := make(chan struct{})
	go func() { s.open.Wait(); close(ended) }()
	grace := time.NewTimer(stopWithin)
	defer grace.Stop()
	select {
	case <-ended:
		return
	case <-grace.C:
	}
	s.mu.Lock()
	left := s.listed(func(*conn) bool { return true })
	s.mu.Unlock()
	closeAll(left)
	<-ended
}

// listed returns the connections that fit. The caller holds mu, which closing
// one takes.
func (s *Server) listed(fits func(*conn) bool) []*conn {
	var out []*conn
	for c := range s.conns {
		if fits(c) {
			out = append(out, c)
		}
	}
	return out
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		_ = c.Close() // whatever it says, it is closed
	}
}

// Figures are counters for metrics.
type Figures struct {
	Sessions    int
	Connections int
	Refused     uint64 // connections and sessions turned away by a limit
	Failed      uint64 // connections on which nobody signed in
}

// Figures returns the server's counters.
func (s *Server) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Figures{Sessions: len(s.sessions), Connections: len(s.conns), Refused: s.stats.refused.Load(), Failed: s.stats.failed.Load()}
}

package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/anmitsu/go-shlex"
	"github.com/charmbracelet/ssh"
	gossh "golang.org/x/crypto/ssh"

	"levee/actions"
	"levee/tui/remote"
)

// Session is somebody who signed in, with one command or for the console.
type Session struct {
	Actor actions.Actor
	// Who returns the actor as they are now, or why they may not act any more.
	Who      func() (actions.Actor, error)
	Args     []string         // empty: the console
	Terminal *remote.Terminal // nil: none
	In       io.Reader
	Out, Err io.Writer
}

// handle is the library's handler: it finds out who this is and which
// terminal they have, and hands over.
func (s *Server) handle(sess ssh.Session) {
	v, ok := sess.Context().Value(visitKey{}).(*visit)
	if !ok {
		return // can't happen: every channel is guarded
	}
	defer close(v.handled())
	out := &patient{w: sess, after: s.limits.Write, drop: func() { _ = v.conn.Close() }}
	errs := &patient{w: sess.Stderr(), after: s.limits.Write, drop: out.drop}
	code, err := s.visit(v, sess, out, errs)
	if err != nil {
		_, _ = fmt.Fprintf(errs, "levee: %v\n", err) // nobody is left to be told
	}
	// It is over when the client says so too. One that does not gives its place
	// back all the same.
	last := time.AfterFunc(s.limits.Write, out.drop)
	context.AfterFunc(v.ctx, func() { last.Stop() })
	_ = sess.Exit(code) // the same
}

func (s *Server) visit(v *visit, sess ssh.Session, out, errs io.Writer) (int, error) {
	key := sess.PublicKey() // the one that was proved
	who := s.identity(sess.User(), key, v.conn)
	actor, err := who()
	if err != nil {
		return 1, err
	}
	args, err := shlex.Split(sess.RawCommand(), true)
	if err != nil {
		return 2, errors.New("the command line has a quote that is not closed")
	}
	x := &Session{Actor: actor, Who: who, Args: args, In: sess, Out: out, Err: errs}
	v.mu.Lock()
	tty, size := v.tty, v.size
	v.mu.Unlock()
	if tty {
		x.Terminal = &remote.Terminal{In: sess, Out: out, Env: v.environ(), Size: size, Resizes: v.sizes, Idle: s.limits.Idle}
	}
	ctx, end := context.WithCancelCause(v.ctx)
	defer end(nil)
	forget := s.remember(sess.User(), key, v.conn, end)
	defer forget()
	s.log.Info("session begins", "user", actor.Name, "role", actor.Role, "address", actor.Addr, "key", actor.Key, "command", len(args) > 0)
	code := s.o.Handle(ctx, x)
	s.log.Info("session ended", "user", actor.Name, "address", actor.Addr, "code", code)
	if cause := context.Cause(ctx); errors.Is(cause, errRemoved) || errors.Is(cause, errStopping) {
		return 1, cause
	}
	return code, nil
}

// Why the server itself ends sessions.
var (
	errRemoved  = errors.New("your key may not sign in any more; ask whoever keeps levee.yaml")
	errStopping = errors.New("levee is stopping; blocks stand, and what was decided is kept")
)

// identity returns how to look a person up, as the directory is at that moment.
// Everybody who looks at a console asks that of everybody who is here: what a
// plain key proved by a directory, it proves until there is another one. A
// certificate is checked each time, since it runs out.
func (s *Server) identity(user string, key gossh.PublicKey, c *conn) func() (actions.Actor, error) {
	if key == nil {
		return func() (actions.Actor, error) { return actions.Actor{}, errRemoved } // nobody gets in without one
	}
	type proof struct {
		by    *Directory
		actor actions.Actor
	}
	var last atomic.Pointer[proof]
	_, expires := key.(*gossh.Certificate)
	fingerprint := Fingerprint(key)
	return func() (actions.Actor, error) {
		d := s.directory.Load()
		if p := last.Load(); p != nil && p.by == d {
			return p.actor, nil
		}
		u, err := d.check(user, key, c.addr, s.now())
		if err != nil {
			return actions.Actor{}, errRemoved
		}
		a := actions.Actor{Name: u.Name, Role: u.Role, Via: "ssh", Key: fingerprint, Addr: c.addr}
		if !expires {
			last.Store(&proof{d, a})
		}
		return a, nil
	}
}

// patient writes to a client that must go on reading.
type patient struct {
	w     io.Writer
	after time.Duration
	drop  func()
}

func (p *patient) Write(b []byte) (int, error) {
	t := time.AfterFunc(p.after, p.drop)
	defer t.Stop()
	return p.w.Write(b)
}

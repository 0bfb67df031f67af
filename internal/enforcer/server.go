package enforcer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"levee/actions"
	"levee/detect"
)

// Options describes a Server. Socket, Guardrails and Enforcers are required.
type Options struct {
	Limits
	Socket    string             // path; its directory must not be writable by strangers
	Enforcers []actions.Enforcer // by their names
	Users     []uint32           // who may ask; default: root and the user this process runs as
	Group     int                // group of the socket; 0: this process's own
	MaxTTL    time.Duration      // longest block taken; default 7 days
	Idle      time.Duration      // how long a connection may take to ask, or to take its answer; default 10s
	Work      time.Duration      // how long one request may be worked on; default 2m
	Log       *slog.Logger       // default: discard
	Now       func() time.Time   // default time.Now
}

// Limits are what every apply is checked against again. Guardrails is required.
type Limits struct {
	Guardrails *actions.Guardrails
	Facts      func(netip.Addr) detect.Facts // for the allow list's ASNs; nil: they are not checked here
	Blocks     int                           // how many blocks each enforcer holds at most; 0: any number
}

// Server answers an unprivileged levee.
type Server struct {
	o        Options
	limits   atomic.Pointer[Limits]
	tally    tally
	listener *net.UnixListener
	slots    chan struct{} // connections at a time
}

const connectionsMost = 16

// Listen opens the socket: mode 0660, a stale one of a dead process replaced.
func Listen(o Options) (*Server, error) {
	switch {
	case o.Guardrails == nil:
		return nil, errors.New("enforcer: no guardrails")
	case len(o.Enforcers) == 0:
		return nil, errors.New("enforcer: nothing to enforce with; configure actions: nft or denylist")
	case !filepath.IsAbs(o.Socket):
		return nil, fmt.Errorf("enforcer: socket %q is no absolute path", o.Socket)
	}
	if len(o.Users) == 0 {
		o.Users = []uint32{0, uint32(os.Geteuid())}
	}
	o.MaxTTL = cmp.Or(o.MaxTTL, 7*24*time.Hour)
	o.Idle = cmp.Or(o.Idle, 10*time.Second)
	o.Work = cmp.Or(o.Work, 2*time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := clear(o.Socket); err != nil {
		return nil, err
	}
	// Until the mode is set nobody else may connect.
	old := unix.Umask(0o177)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: o.Socket, Net: "unix"})
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("enforcer: listen: %w", err)
	}
	if o.Group > 0 {
		err = os.Chown(o.Socket, -1, o.Group)
	}
	if err == nil {
		err = os.Chmod(o.Socket, 0o660)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("enforcer: open the socket to its group: %w", err)
	}
	s := &Server{o: o, listener: l, slots: make(chan struct{}, connectionsMost)}
	s.limits.Store(&o.Limits)
	return s, nil
}

// SetLimits changes what every apply is checked against from now on. It may be
// called while Run runs.
func (s *Server) SetLimits(l Limits) { s.limits.Store(&l) }

// clear removes what a dead process left; anything else at the path stays and
// is an error.
func clear(path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("enforcer: the socket's directory: %w", err)
	}
	if dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("enforcer: anybody may write to %s; choose a directory of levee's own", filepath.Dir(path))
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("enforcer: %w", err)
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("enforcer: %s is no socket; move it away or choose another path", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	if c, err := d.DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return fmt.Errorf("enforcer: another one answers at %s; stop it first", path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("enforcer: remove a dead socket: %w", err)
	}
	return nil
}

// Run answers until ctx ends, and waits for what is under way.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	var work sync.WaitGroup
	defer work.Wait()
	for {
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("enforcer: accept: %w", err)
		}
		select {
		case s.slots <- struct{}{}:
		default:
			_ = conn.Close() // one levee asks a few things at a time; whoever floods waits
			continue
		}
		work.Go(func() {
			defer func() { <-s.slots }()
			s.serve(ctx, conn)
		})
	}
}

func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	defer func() { _ = conn.Close() }()
	uid, err := peer(conn)
	if err != nil || !slices.Contains(s.o.Users, uid) {
		s.o.Log.Warn("enforcer: a stranger asked", "uid", uid, "error", err)
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(s.o.Idle))
	var q request
	var a answer
	if err := receive(conn, frameMost, &q); err != nil {
		a.Error = "the request can't be read: " + err.Error()
	} else {
		work, cancel := context.WithTimeout(ctx, s.o.Work)
		a = s.handle(work, q)
		cancel()
	}
	_ = conn.SetWriteDeadline(time.Now().Add(s.o.Idle))
	if err := send(conn, a); err != nil {
		s.o.Log.Warn("enforcer: the answer was not taken", "error", err)
	}
}

// peer returns the user at the other end, as the kernel knows it.
func peer(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}

func (s *Server) handle(ctx context.Context, q request) answer {
	if q.Version != version {
		return answer{Error: fmt.Sprintf("version %d of the conversation is not spoken here; restart both", q.Version)}
	}
	if len(q.Items) > itemsMost {
		return answer{Error: fmt.Sprintf("%d decisions in one request, %d are the most", len(q.Items), itemsMost)}
	}
	i := slices.IndexFunc(s.o.Enforcers, func(e actions.Enforcer) bool { return e.Name() == q.Enforcer })
	if i < 0 {
		return answer{Error: fmt.Sprintf("there is no enforcer %q here", q.Enforcer)}
	}
	e := s.o.Enforcers[i]
	if len(q.Items) > 0 {
		s.o.Log.Info("enforcer: asked", "verb", q.Verb, "enforcer", q.Enforcer, "decisions", len(q.Items), "first", q.Items[0].ID)
	}
	switch q.Verb {
	case apply:
		return s.apply(ctx, e, q.Items)
	case revoke:
		ds := make([]actions.Decision, len(q.Items))
		for i := range q.Items {
			ds[i] = q.Items[i].decision()
		}
		receipts, err := e.Revoke(ctx, ds)
		if err == nil {
			s.tally.note(e, ds, receipts, true)
		}
		return answer{Receipts: receipts, Error: text(err)}
	case list:
		held, err := e.List(ctx)
		return answer{Held: held, Error: text(err), NoList: errors.Is(err, actions.ErrNoList)}
	case check:
		return answer{Error: text(e.Check(ctx))}
	case keep:
		door, ok := e.(actions.Doorkeeper)
		switch {
		case !ok:
			return answer{Error: q.Enforcer + " has no doors to keep open"}
		case len(q.From) > actions.DoorsMost:
			return answer{Error: fmt.Sprintf("%d addresses to keep SSH open for, %d are the most", len(q.From), actions.DoorsMost)}
		}
		return answer{Error: text(door.KeepOpen(ctx, q.From))}
	}
	return answer{Error: fmt.Sprintf("there is no verb %q", q.Verb)}
}

// apply carries out what the guardrails here let pass.
func (s *Server) apply(ctx context.Context, e actions.Enforcer, items []item) answer {
	var a answer
	var ds []actions.Decision
	coming := 0
	for _, it := range items {
		d := it.decision()
		why := s.refuse(e, d)
		fresh := false
		if why == "" {
			fresh, why = s.tally.room(ctx, e, d.Target.Prefix, coming, s.limits.Load().Blocks, s.o.Now())
		}
		if why != "" {
			s.o.Log.Warn("enforcer: refused", "decision", d.ID, "target", d.Target.Key(), "why", why)
			a.Receipts = append(a.Receipts, actions.Receipt{Decision: d.ID, Enforcer: e.Name(), At: s.o.Now(), Note: "the enforcer refuses: " + why})
			continue
		}
		if fresh {
			coming++
		}
		ds = append(ds, d)
	}
	if len(ds) > 0 {
		receipts, err := e.Apply(ctx, ds)
		s.tally.note(e, ds, receipts, false) // on an error it may hold them
		a.Receipts, a.Error = append(a.Receipts, receipts...), text(err)
	}
	return a
}

// refuse says why d is not carried out here, "" when it is.
func (s *Server) refuse(e actions.Enforcer, d actions.Decision) string {
	now := s.o.Now()
	switch {
	case d.ID == "" || len(d.ID) > 128:
		return "the decision has no proper ID"
	case !e.Handles(d):
		return fmt.Sprintf("%s does not carry out this %s", e.Name(), d.Verb)
	case d.Expires.IsZero():
		return "it has no end; every block has a TTL"
	case d.Expires.Sub(now) > s.o.MaxTTL:
		return fmt.Sprintf("it lasts longer than %s", s.o.MaxTTL)
	}
	l := s.limits.Load()
	no := l.Guardrails.Check(d.Target, actions.Actor{}, &detect.Suspect{})
	if p := d.Target.Prefix; no == nil && l.Facts != nil && p.IsValid() {
		no = l.Guardrails.CheckFacts(d.Target, l.Facts(p.Addr()))
	}
	if no != nil {
		return no.String()
	}
	return ""
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"levee/actions"
	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/control"
	"levee/internal/station"
	"levee/internal/status"
	"levee/tui"
	"levee/tui/remote"
	"levee/tui/sshd"
)

// visitor is somebody at one of the doors.
type visitor struct {
	actor    actions.Actor
	who      func() (actions.Actor, error)
	args     []string
	console  bool
	terminal *remote.Terminal
	in       io.Reader
	out, err io.Writer
}

// local carries out a call on the control socket.
func (d *Daemon) local(ctx context.Context, c *control.Call) int {
	via := "cli"
	if c.Console {
		via = "console"
	}
	who := func() (actions.Actor, error) {
		a, err := d.identify(c.Peer, via)
		if a.Role == actions.Operator || a.Role == actions.Admin {
			a.Addr = c.From // never blocked; who may not act protects nobody either
		}
		return a, err
	}
	a, err := who()
	if err != nil {
		return tell(c.Err, err)
	}
	v := &visitor{actor: a, who: who, args: c.Args, console: c.Console, in: c.In, out: c.Out, err: c.Err}
	if c.Terminal != nil {
		sizes := make(chan remote.Size, 1)
		go forward(ctx, c.Resizes, sizes) // ends with the call
		v.terminal = &remote.Terminal{In: c.In, Out: c.Out, Env: c.Terminal.Env, Size: remote.Size(c.Terminal.Size), Resizes: sizes}
	}
	return d.visit(ctx, v)
}

// forward hands sizes on in the console's own type.
func forward(ctx context.Context, from <-chan control.Size, to chan<- remote.Size) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-from:
			select {
			case to <- remote.Size(s):
			case <-ctx.Done():
				return
			}
		}
	}
}

// remote carries out an SSH session.
func (d *Daemon) remote(ctx context.Context, s *sshd.Session) int {
	return d.visit(ctx, &visitor{actor: s.Actor, who: s.Who, args: s.Args, console: len(s.Args) == 0,
		terminal: s.Terminal, in: s.In, out: s.Out, err: s.Err})
}

// visit runs one command or the console for somebody. What goes wrong inside
// ends their session and nothing else.
func (d *Daemon) visit(ctx context.Context, v *visitor) (code int) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("a session broke", "user", v.actor.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			code = tell(v.err, errors.New("something inside broke; the log of levee says what. levee itself goes on"))
		}
	}()
	op, leave := d.st.JoinAs(v.actor, v.who)
	defer leave()
	if !v.console {
		return d.command(ctx, op, v)
	}
	if v.terminal == nil {
		_ = tell(v.err, errors.New("the console needs a terminal: use ssh -t, or name a command; `help` lists them"))
		return command.ExitUsage
	}
	v.terminal.Drawn, v.terminal.Share = d.frames.Took, d.share(v.actor.Name)
	opt := ConsoleOptions(d.conf.Load().Console)
	opt.Shared = &d.common
	err := remote.Console(ctx, *v.terminal, view{d.st, v.actor.Name}, operator{op, d.reloadFor(op)}, opt)
	switch {
	case errors.Is(err, remote.ErrIdle):
		return tell(v.err, fmt.Errorf("%w: the console is closed; everything else goes on", err))
	case err != nil:
		return tell(v.err, err)
	}
	return 0
}

// share is what that person's consoles share of the processor. There are no
// more names than people of levee.yaml and of this machine.
func (d *Daemon) share(name string) *remote.Share {
	s, _ := d.shares.LoadOrStore(name, &remote.Share{})
	return s.(*remote.Share)
}

// ConsoleOptions are the console's options that levee.yaml holds. Save stays
// unset: nobody from outside writes files with the daemon's rights.
func ConsoleOptions(c config.Console) tui.Options {
	return tui.Options{Theme: string(c.Theme), Chart: string(c.Chart), Mouse: c.Mouse, Columns: c.Columns, Keys: c.Keys, Filters: c.Filters}
}

func (d *Daemon) command(ctx context.Context, op *station.Operator, v *visitor) int {
	s := command.Streams{In: v.in, Out: v.out, Err: v.err}
	if t := v.terminal; t != nil {
		s.Width = t.Size.Width
	}
	if word := v.args[0]; word == "console" || word == "attach" {
		_ = tell(v.err, fmt.Errorf("%s is no command here: name none for the console", word))
		return command.ExitUsage
	}
	return command.Execute(ctx, command.Host{Station: d.st, Operator: op, Reload: d.reloadFor(op)}, s, v.args)
}

// reloadFor lets admins, and nobody else, reload the configuration.
func (d *Daemon) reloadFor(op *station.Operator) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		a := op.Actor()
		if a.Role != actions.Admin {
			return "", fmt.Errorf("reload: %s is %s; only an admin may change who may", a.Name, cmp.Or(string(a.Role), "nobody known"))
		}
		said, err := d.Reload(ctx)
		if err == nil {
			err = d.st.Record(ctx, a, "reload", said)
		}
		return said, err
	}
}

func tell(w io.Writer, err error) int {
	_, _ = fmt.Fprintf(w, "levee: %s\n", strings.ReplaceAll(err.Error(), "\n", "; ")) // nobody else is left to be told
	return command.ExitFailed
}

// operator is somebody at a console of the daemon.
type operator struct {
	*station.Operator
	reload func(context.Context) (string, error)
}

// Reload reads levee.yaml again, for whoever may.
func (o operator) Reload(ctx context.Context) (string, error) { return o.reload(ctx) }

// view is the station as one person sees it.
type view struct {
	*station.Station
	me string
}

// Status marks which of the people is the one who looks.
func (v view) Status() status.Status {
	st := v.Station.Status()
	for i := range st.People {
		st.People[i].You = st.People[i].Name == v.me
	}
	return st
}

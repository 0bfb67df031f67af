package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/control"
	"levee/internal/metrics"
	"levee/internal/station"
	"levee/tui"
	"levee/tui/sshd"
)

// Options says what a daemon works with. Station.Config and Station.StateDir
// are required.
type Options struct {
	Station station.Options
	// Load reads levee.yaml again for a reload. Nil: nothing can be reloaded.
	Load    func() (config.Config, error)
	Reload  <-chan struct{} // asks for a reload, as SIGHUP does; may be nil
	Limits  sshd.Limits
	Profile bool // serve pprof with the metrics
	// Notify tells the service manager; nil: nobody is told.
	Notify Notifier
	// Ready is told where SSH and metrics listen, once they do. May be nil.
	Ready func(Addresses)

	opened func(*Daemon) // for tests: told before Ready
}

// Addresses is where a daemon listens; "" where it does not.
type Addresses struct {
	Socket, SSH, Metrics string
	Fingerprint          string // of the SSH host key
}

// Daemon is a running levee and its doors.
type Daemon struct {
	o      Options
	log    *slog.Logger
	st     *station.Station
	ssh    *sshd.Server // nil: no SSH
	conf   atomic.Pointer[config.Config]
	reload sync.Mutex // one at a time
	frames *metrics.Frames
	shares sync.Map   // of the processor, by person: *remote.Share
	common tui.Shared // by all consoles
}

// HostKeyPath is where the daemon with that state directory keeps its SSH
// host key.
func HostKeyPath(stateDir string) string { return filepath.Join(stateDir, "ssh_host_ed25519_key") }

// Run works until ctx ends. On the way out sessions are told, then positions,
// baseline and ledger are saved; blocks stand until their TTL ends, or are
// lifted where actions.on_stop says so.
func Run(ctx context.Context, o Options) error {
	d := &Daemon{o: o, log: o.Station.Log, frames: metrics.NewFrames()}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	conf := o.Station.Config
	d.conf.Store(&conf)
	directory, err := newDirectory(conf.SSH)
	if err != nil {
		return err
	}
	if d.st, err = station.Open(ctx, o.Station); err != nil {
		return err
	}
	doors, addresses, err := d.open(ctx, directory)
	if err != nil {
		d.st.Close()
		return err
	}
	// The station outlives the doors: what sessions still do is recorded.
	stationCtx, stopStation := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStation()
	ended := make(chan error, 1)
	doorCtx, stopDoors := context.WithCancelCause(ctx)
	defer stopDoors(nil)
	go func() {
		err := d.st.Run(stationCtx)
		stopDoors(err) // without a station there is nothing to serve
		ended <- err
	}()
	d.log.Info("levee serves", "socket", addresses.Socket, "ssh", addresses.SSH, "host_key", addresses.Fingerprint, "metrics", addresses.Metrics)
	if o.opened != nil {
		o.opened(d)
	}
	if o.Ready != nil {
		o.Ready(addresses)
	}
	o.Notify.tell("READY=1")
	err = d.serve(doorCtx, stopDoors, doors)
	o.Notify.tell("STOPPING=1")
	d.lift(stationCtx)
	stopStation()
	if serr := <-ended; err == nil {
		err = serr
	}
	d.log.Info("levee stopped")
	return err
}

// liftWithin bounds how long a stop waits for enforcers to let go.
const liftWithin = 10 * time.Second

// lift undoes what stands when levee.yaml wants that of a stop.
func (d *Daemon) lift(ctx context.Context) {
	if d.conf.Load().Actions.OnStop != "lift" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, liftWithin)
	defer cancel()
	n, err := d.st.LiftAll(ctx)
	if err != nil {
		d.log.Error("not everything was lifted: what stands ends with its TTL", "error", err)
		return
	}
	d.log.Info("what stood was lifted, as actions.on_stop wants", "decisions", n)
}

// door is one way in.
type door struct {
	name  string
	serve func(ctx context.Context) error
	close func() error
}

// open opens all doors, or none.
func (d *Daemon) open(ctx context.Context, directory *sshd.Directory) (doors []door, a Addresses, err error) {
	defer func() {
		if err != nil {
			for _, x := range doors {
				_ = x.close() // what matters is why it could not start
			}
		}
	}()
	conf := d.conf.Load()
	a.Socket = control.SocketPath(d.o.Station.StateDir)
	l, err := control.Listen(ctx, a.Socket, 0)
	if err != nil {
		return doors, a, err
	}
	doors = append(doors, door{"control socket", func(ctx context.Context) error {
		return control.Serve(ctx, l, control.Options{Handle: d.local})
	}, l.Close})
	if conf.SSH.Listen != "" {
		key, err := sshd.HostKey(HostKeyPath(d.o.Station.StateDir))
		if err != nil {
			return doors, a, err
		}
		if d.ssh, err = sshd.New(sshd.Options{HostKey: key, Handle: d.remote, Limits: d.o.Limits, Log: d.log, Now: d.o.Station.Now}, directory); err != nil {
			return doors, a, err
		}
		l, err := listen(ctx, "ssh", string(conf.SSH.Listen))
		if err != nil {
			return doors, a, err
		}
		a.SSH, a.Fingerprint = l.Addr().String(), sshd.Fingerprint(key.PublicKey())
		doors = append(doors, door{"ssh", func(ctx context.Context) error { return d.ssh.Serve(ctx, l) }, l.Close})
	}
	if conf.Metrics.Listen != "" {
		l, err := listen(ctx, "metrics", string(conf.Metrics.Listen))
		if err != nil {
			return doors, a, err
		}
		a.Metrics = l.Addr().String()
		o := metrics.Options{Station: d.st, Profile: d.o.Profile, Frames: d.frames}
		if d.ssh != nil {
			o.People = func() metrics.People { return metrics.People(d.ssh.Figures()) }
		}
		doors = append(doors, door{"metrics", func(ctx context.Context) error { return metrics.Serve(ctx, l, o) }, l.Close})
	}
	return doors, a, nil
}

func listen(ctx context.Context, what, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: listen on %s: %w; give another address under %s.listen in levee.yaml", what, addr, err, what)
	}
	return l, nil
}

// serve keeps the doors open until ctx ends or one of them breaks.
func (d *Daemon) serve(ctx context.Context, stop context.CancelCauseFunc, doors []door) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, x := range doors {
		all.Go(func() {
			if err := x.serve(ctx); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
				stop(err)
			}
		})
	}
	all.Go(func() { d.attend(ctx) })
	all.Wait()
	return failed
}

// bySignal is who asked for a reload with SIGHUP: whoever may signal this
// process may do what its user may.
var bySignal = actions.Actor{Name: "SIGHUP", Role: actions.Admin, Via: "signal"}

// attend looks after signals and the service manager.
func (d *Daemon) attend(ctx context.Context) {
	beat := time.NewTicker(d.o.Notify.every())
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.o.Reload:
			d.o.Notify.tell("RELOADING=1\n" + monotonic())
			said, err := d.Reload(ctx)
			if err == nil {
				err = d.st.Record(ctx, bySignal, "reload", said)
			}
			if err != nil {
				d.log.Error("the configuration was not reloaded", "error", err)
				// A message line is short: what is wrong comes as soon as it can.
				d.st.Announce("error", "not reloaded, nothing changed: "+strings.TrimPrefix(err.Error(), unchanged))
			} else {
				d.log.Info(said)
				d.st.Announce("info", said)
			}
			d.o.Notify.tell("READY=1")
		case <-beat.C:
			// The judge publishes while it lives; a snapshot that can be read
			// under its lock is the sign of life.
			d.st.Source(zeroPrefix)
			d.o.Notify.tell("WATCHDOG=1")
			if d.ssh != nil {
				d.ssh.Recheck() // certificates run out
			}
		}
	}
}

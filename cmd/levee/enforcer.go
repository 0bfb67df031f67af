package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/enforcer"
	"levee/internal/station"
)

func newEnforcer(g *global) *cobra.Command {
	var socket, group string
	var users []string
	var untilEOF bool
	c := &cobra.Command{
		Use:   "enforcer",
		Short: "the small process that holds the rights for nftables and deny lists",
		Long:  "Carries out blocks for a levee that has no rights of its own. It takes typed requests over a Unix socket from\nthe users it was told of, and checks each against the guardrails of levee.yaml again. SIGHUP reads those anew.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := g.loadWithoutSecrets()
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(g.streams.Err, nil))
			o, err := enforcerOptions(conf, socket, group, users, log)
			if err != nil {
				return command.Wrong(err)
			}
			o.Log = log
			s, err := enforcer.Listen(o)
			if err != nil {
				return err
			}
			o.Log.Info("levee enforcer listens", "socket", o.Socket)
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			defer onHangup(func() { rereadGuardrails(g, s, o.Log) })()
			if untilEOF {
				go func() {
					defer stop()
					_, _ = io.Copy(io.Discard, g.streams.In) // its end is what counts
				}()
			}
			return s.Run(ctx)
		},
	}
	f := c.Flags()
	f.StringVar(&socket, "socket", "", "listen here (default: actions.enforcer of levee.yaml)")
	f.StringVar(&group, "group", "", "group that may open the socket")
	f.StringSliceVar(&users, "user", nil, "user that may ask, besides root and this one (repeatable)")
	f.BoolVar(&untilEOF, "until-eof", false, "end when standard input does")
	if err := f.MarkHidden("until-eof"); err != nil {
		panic(err) // the flag stands one line above
	}
	return c
}

// enforcerLimits is what the enforcer checks again by itself. The budget of
// active blocks has a tenth to spare: hosts of a fleet begin at the same time.
func enforcerLimits(c config.Config, log *slog.Logger) (enforcer.Limits, error) {
	most := c.Auto.Budget.ActiveBlocks
	l := enforcer.Limits{Blocks: most + most/10}
	var err error
	if l.Guardrails, err = station.Guardrails(c); err != nil {
		return l, err
	}
	if len(c.Detect.GeoIP) > 0 && slices.ContainsFunc(c.Allow, func(a config.Allow) bool { return a.ASN != 0 }) {
		facts, err := station.Facts(c)
		if err != nil {
			log.Warn("the enforcer does not check the allow list's ASNs, levee does", "error", err)
			return l, nil
		}
		l.Facts = facts.Facts
	}
	return l, nil
}

// rereadGuardrails takes over allow list, trusted proxies and the budget of
// active blocks of levee.yaml as they are now. A mistake changes nothing.
func rereadGuardrails(g *global, s *enforcer.Server, log *slog.Logger) {
	conf, err := g.loadWithoutSecrets()
	if err == nil {
		var limits enforcer.Limits
		if limits, err = enforcerLimits(conf, log); err == nil {
			s.SetLimits(limits)
			log.Info("the guardrails of levee.yaml are reloaded")
			return
		}
	}
	log.Error("the guardrails were not reloaded: nothing changed", "error", err)
}

func enforcerOptions(c config.Config, socket, group string, users []string, log *slog.Logger) (enforcer.Options, error) {
	o := enforcer.Options{Socket: socket}
	if o.Socket == "" {
		o.Socket = c.Actions.Enforcer
	}
	if o.Socket == "" {
		return o, errors.New("no socket; give --socket, or actions.enforcer in levee.yaml")
	}
	var err error
	if o.Limits, err = enforcerLimits(c, log); err != nil {
		return o, err
	}
	if o.Enforcers, err = station.Privileged(c, time.Now, nil); err != nil {
		return o, err
	}
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return o, fmt.Errorf("--group %s: %w", group, err)
		}
		if o.Group, err = strconv.Atoi(g.Gid); err != nil {
			return o, fmt.Errorf("--group %s has no numeric id: %w", group, err)
		}
	}
	o.Users = []uint32{0, uint32(os.Geteuid())}
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			return o, fmt.Errorf("--user %s: %w", name, err)
		}
		id, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return o, fmt.Errorf("--user %s has no numeric id: %w", name, err)
		}
		o.Users = append(o.Users, uint32(id))
	}
	return o, nil
}

// ownEnforcer starts `levee enforcer` for a demo or a try-out as root, and
// returns c with its socket. What it returns ends the process and waits for it.
func ownEnforcer(ctx context.Context, c config.Config, state string) (config.Config, func() error, error) {
	nothing := func() error { return nil }
	if c.File == "" || c.Actions.Enforcer != "" || !c.Actions.Nft.Enabled && len(c.Actions.Denylist) == 0 {
		return c, nothing, nil
	}
	self, err := os.Executable()
	if err != nil {
		return c, nothing, fmt.Errorf("start the enforcer: %w", err)
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return c, nothing, fmt.Errorf("make state directory %s: %w; name another with --state", state, err)
	}
	c.Actions.Enforcer = filepath.Join(state, "enforcer.sock")
	// It ends with its standard input, also when this process is killed.
	p := exec.CommandContext(context.WithoutCancel(ctx), self, "enforcer", "--config", c.File, "--socket", c.Actions.Enforcer, "--until-eof")
	alive, err := p.StdinPipe()
	if err != nil {
		return c, nothing, fmt.Errorf("start the enforcer: %w", err)
	}
	p.SysProcAttr = ownGroup()
	if err := p.Start(); err != nil {
		return c, nothing, fmt.Errorf("start the enforcer: %w", err)
	}
	end := func() error { return errors.Join(alive.Close(), p.Wait()) }
	if err := listens(ctx, c.Actions.Enforcer); err != nil {
		return c, nothing, errors.Join(err, end())
	}
	return c, end, nil
}

// listens waits until somebody answers on a Unix socket, for five seconds.
func listens(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the enforcer did not start: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"

	"levee/actions"
	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/control"
	"levee/internal/daemon"
	"levee/internal/station"
	"levee/tui"
)

// show says how a station is shown: on the console or as text.
type show struct {
	headless bool
	ascii    bool
	limit    time.Duration // 0: until asked to stop
	ends     string        // what ends with the console
}

func (s *show) add(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&s.headless, "headless", false, "print the run as text instead of opening the console")
	f.DurationVar(&s.limit, "for", 0, "stop after this long, such as 60s")
	f.BoolVar(&s.ascii, "ascii", false, "draw with ASCII only")
}

func newWatch(g *global) *cobra.Command {
	var logs logFlags
	var view show
	c := &cobra.Command{
		Use:   "watch [SOURCE…]",
		Short: "detector and console in this terminal, on growing logs",
		Long:  "Follows logs and opens the console. A SOURCE is a file or glob, - for standard input, or the name of a\nsource in levee.yaml; without any, all sources of levee.yaml are followed.",
		RunE: func(c *cobra.Command, args []string) error {
			o, err := logs.parse()
			if err != nil {
				return err
			}
			conf, err := g.load()
			if err != nil {
				return err
			}
			if conf, err = command.WatchSources(conf, args, o); err != nil {
				return err
			}
			view.ends = "the watch ends with this console"
			state := config.StateDir(g.state, os.Getenv)
			end := func() error { return nil }
			if os.Geteuid() == 0 { // a try-out: what parses hostile lines still needs no rights
				if conf, end, err = ownEnforcer(c.Context(), conf, state); err != nil {
					return err
				}
			}
			err = view.run(c.Context(), g, station.Options{
				Config: conf, StateDir: state, Stdin: g.streams.In, Resolver: net.DefaultResolver, AutoOn: true,
			}, nil)
			return errors.Join(err, end())
		},
	}
	logs.add(c)
	view.add(c)
	return c
}

// run opens a station and shows it until the person quits, ctx ends or the
// limit is reached. beside, if any, runs as long as the station does.
func (s *show) run(ctx context.Context, g *global, o station.Options, beside func(context.Context) error) error {
	if s.limit < 0 {
		return command.Usagef("--for %s is negative; give how long to run, such as 60s", s.limit)
	}
	if s.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	st, err := station.Open(ctx, o)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	ended := make(chan error, 2)
	n := 1
	go func() { defer quit(); ended <- st.Run(ctx) }()
	if beside != nil {
		n++
		go func() { defer quit(); ended <- beside(ctx) }()
	}
	err = s.look(ctx, g, st, o.Config)
	quit()
	for range n {
		if rerr := <-ended; err == nil {
			err = rerr
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && s.limit > 0 {
		return nil // the run was to end now
	}
	return err
}

// look shows the station on the console, or as text where there is no
// terminal.
func (s *show) look(ctx context.Context, g *global, st *station.Station, conf config.Config) error {
	if s.headless || !isTerminal(g.streams.Out) {
		return command.Headless(ctx, g.streams.Out, st)
	}
	var more []tea.ProgramOption
	if !isTerminal(g.streams.In) {
		more = append(more, tea.WithInputTTY()) // standard input brings log lines
	}
	op, leave := st.Join(actions.Actor{Name: username(), Role: actions.Admin, Via: "console", Addr: control.SSHFrom(os.Getenv)})
	defer leave()
	opt := daemon.ConsoleOptions(conf.Console)
	opt = opt.On(os.Getenv)
	opt.NoColor, opt.ASCII, opt.QuitEnds = g.noColor, opt.ASCII || s.ascii, s.ends
	opt.Terminal, opt.Tmux = os.Stdout, os.Getenv("TMUX") != ""
	opt.Save = tui.SaveNew // it runs with this person's own rights
	if err := tui.Run(ctx, st, op, opt, more...); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// username is who sits at this terminal.
func username() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "local"
}

// loadWithoutSecrets is load for the process that needs no secrets and runs
// where the service manager hands none over.
func (g *global) loadWithoutSecrets() (config.Config, error) {
	return loadWithoutSecrets(config.Find(g.config, os.Getenv))
}

func loadWithoutSecrets(path string) (config.Config, error) {
	if path == "" {
		return config.Default(), nil
	}
	c, err := config.LoadWithoutSecrets(path)
	return c, command.Wrong(err)
}

// load reads levee.yaml where there is one.
func (g *global) load() (config.Config, error) { return loadFile(config.Find(g.config, os.Getenv)) }

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/daemon"
	"levee/internal/station"
)

func newServe(g *global) *cobra.Command {
	var logs logFlags
	var format, ssh, metrics string
	var profile bool
	c := &cobra.Command{
		Use:   "serve [SOURCE…]",
		Short: "the daemon: sources, detector, auto mode, SSH, metrics",
		Long:  "Runs levee without a terminal. Engineers reach it with ssh, or on this machine with levee attach and the verbs\n(levee block, decisions, …). SIGHUP reads levee.yaml again; SIGTERM stops it, and blocks stand until their TTL ends.",
		RunE: func(c *cobra.Command, args []string) error {
			log, err := newLog(g.streams.Err, format)
			if err != nil {
				return err
			}
			lo, err := logs.parse()
			if err != nil {
				return err
			}
			path := config.Find(g.config, os.Getenv)
			load := func() (config.Config, error) {
				conf, err := loadFile(path)
				if err != nil {
					return conf, err
				}
				if ssh != "" {
					conf.SSH.Listen = config.Listen(ssh)
				}
				if metrics != "" {
					conf.Metrics.Listen = config.Listen(metrics)
				}
				return command.WatchSources(conf, args, lo)
			}
			conf, err := load()
			if err != nil {
				return err
			}
			return serve(c.Context(), log, daemon.Options{
				Station: station.Options{Config: conf, StateDir: config.StateDir(g.state, os.Getenv), Stdin: g.streams.In, Resolver: net.DefaultResolver, Log: log, AutoOn: true},
				Load:    load, Profile: profile, Notify: daemon.NewNotifier(os.Getenv),
			})
		},
	}
	logs.add(c)
	f := c.Flags()
	f.StringVar(&ssh, "ssh", "", "serve SSH here, such as :2222 (else ssh.listen of levee.yaml)")
	f.StringVar(&metrics, "metrics", "", "serve metrics and health here (else metrics.listen of levee.yaml)")
	f.StringVar(&format, "log", "text", "log on standard error as text or json")
	f.BoolVar(&profile, "pprof", false, "serve Go's profiles beside the metrics")
	return c
}

func newLog(w io.Writer, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, command.Usagef("--log %s: no such format; use text or json", format)
}

// serve runs the daemon with SIGHUP as the wish to reload.
func serve(ctx context.Context, log *slog.Logger, o daemon.Options) error {
	reload := make(chan struct{}, 1)
	defer onHangup(func() {
		select {
		case reload <- struct{}{}:
		default: // one waits already
		}
	})()
	o.Reload = reload
	if err := daemon.Run(ctx, o); err != nil {
		log.Error("levee ends", "error", err)
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// onHangup calls f for each SIGHUP until what it returns is called.
func onHangup(f func()) (stop func()) {
	hups, quit, done := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(hups, syscall.SIGHUP)
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-hups:
				f()
			}
		}
	}()
	return func() { signal.Stop(hups); close(quit); <-done }
}

// loadFile reads levee.yaml; without one the defaults apply.
func loadFile(path string) (config.Config, error) {
	if path == "" {
		return config.Default(), nil
	}
	c, err := config.Load(path)
	if err == nil {
		if err = daemon.ConsoleOptions(c.Console).Check(); err != nil {
			err = fmt.Errorf("%s:%d: console: %w", path, c.Console.Line, err)
		}
	}
	return c, command.Wrong(err)
}

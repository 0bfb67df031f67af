package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/config"
	"levee/internal/control"
)

// newVerbs are the commands that work against the running daemon.
func newVerbs(g *global) []*cobra.Command {
	return command.Verbs(func(c *cobra.Command, args []string, _ command.Act) (err error) {
		in, done, err := input(g, c)
		if err != nil {
			return err
		}
		defer func() {
			if derr := done(); err == nil {
				err = derr
			}
		}()
		code, err := control.Do(c.Context(), control.SocketPath(g.running()), control.Request{
			Args: command.Line(c, args), In: in, Out: g.streams.Out, Err: g.streams.Err, From: control.SSHFrom(os.Getenv),
		})
		if err != nil {
			return err
		}
		return exit(code)
	})
}

// running is the state directory of the levee that runs on this machine.
func (g *global) running() string {
	return config.FindState(g.state, os.Getenv, filepath.Base(control.SocketPath("")), func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

// input is what the verb reads of standard input: nothing unless it was asked
// to, so that a loop over lines keeps its own. A file of -f is opened here,
// with this person's rights, and sent on.
func input(g *global, c *cobra.Command) (io.Reader, func() error, error) {
	nothing := func() error { return nil }
	f := c.Flags().Lookup("file")
	if f == nil || !f.Changed {
		return nil, nothing, nil
	}
	name := f.Value.String()
	if name == "-" {
		return g.streams.In, nothing, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nothing, fmt.Errorf("-f %s: %w; check the path", name, errors.Unwrap(err))
	}
	if err := f.Value.Set("-"); err != nil {
		return nil, nothing, errors.Join(err, file.Close())
	}
	return file, file.Close, nil
}

// exit turns the daemon's exit code into ours. What went wrong was told by
// the daemon already.
func exit(code int) error {
	if code == command.ExitDone {
		return nil
	}
	return command.Told(code)
}

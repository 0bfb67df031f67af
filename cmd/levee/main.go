// Command levee detects attacks on a service in its access logs, shows them in
// a terminal and stops them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"levee/internal/command"
	"levee/internal/station"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(command.ExitCode(err))
}

// run is main with its edges as parameters, for tests.
func run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) error {
	g := &global{streams: command.Streams{In: in, Out: out, Err: errw, Progress: isTerminal(errw), Color: isTerminal(out), Width: width(out)}}
	root := newRoot(g)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	var mistake *station.ConfigError
	if errors.As(err, &mistake) {
		err = command.Wrong(err)
	}
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	if !command.IsTold(err) {
		fmt.Fprintf(errw, "levee: %v\n", err)
	}
	return err
}

// global is what every command shares.
type global struct {
	streams command.Streams
	config  string
	state   string
	noColor bool
}

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:           "levee",
		Short:         "the terminal console for a service under attack",
		Long:          "levee watches a service's traffic, says who is attacking it and how, and stops them:\nby an on-call engineer's keystroke, or unattended inside strict guardrails.\n\nNew here? `levee demo` needs nothing installed or configured.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetFlagErrorFunc(command.UsageError)
	root.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return command.Usagef("no command %q; see `levee --help`", args[0])
		}
		return nil
	}
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	f := root.PersistentFlags()
	f.StringVar(&g.config, "config", "", "read this levee.yaml (else $LEVEE_CONFIG, ./levee.yaml, $XDG_CONFIG_HOME/levee, /etc/levee)")
	f.StringVar(&g.state, "state", "", "keep ledger, positions and baseline here (else $LEVEE_STATE, $XDG_STATE_HOME/levee)")
	f.BoolVar(&g.noColor, "no-color", false, "no colours (also NO_COLOR)")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		if g.noColor || os.Getenv("NO_COLOR") != "" {
			g.noColor = true
			g.streams.Color = false
		}
	}
	root.AddCommand(newDemo(g), newBench(g), newWatch(g), newServe(g), newAttach(g), newDoctor(g), newInit(g), newScan(g), newBacktest(g), newParse(g), newElastic(g), newElastalert(g), newEnforcer(g), newNotify(g), newVersion(g))
	root.AddCommand(newVerbs(g)...)
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.Args, c.RunE = unknownShell, func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	return root
}

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(g.streams.Out, "levee %s\n", version())
			return err
		},
	}
}

// version is the module's version as the Go toolchain recorded it.
func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

func unknownShell(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return command.Usagef("no completion for %q; there is bash, fish, powershell and zsh", args[0])
	}
	return nil
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return command.Usagef("%s takes no arguments, got %q", c.CommandPath(), args[0])
	}
	return nil
}

func someArgs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return command.Usagef("%s needs at least one %s; see `%s --help`", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

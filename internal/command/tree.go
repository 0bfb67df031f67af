package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"levee/internal/station"
)

// Host is what the verbs of the tree act on: a running station, for one
// authenticated person.
type Host struct {
	Station  *station.Station
	Operator *station.Operator
	// Reload reads the configuration again, all or nothing, and says what
	// changed. Nil: it can't be reloaded here.
	Reload func(context.Context) (string, error)
}

// Act is a parsed verb, ready to run.
type Act func(ctx context.Context, h Host, s Streams) error

// Runner runs a parsed verb: here, or by asking the daemon for it.
type Runner func(c *cobra.Command, args []string, act Act) error

// verbs of the tree, in the order help shows them.
var verbs = []func(Runner) *cobra.Command{
	blockVerb, unblockVerb, allowVerb, scaleVerb, hardenVerb,
	decisionsVerb, incidentsVerb, auditVerb, whyVerb,
	autoVerb, stopVerb, armVerb, approveVerb, expectVerb, ackVerb, muteVerb,
	sessionsVerb, sayVerb, reloadVerb,
}

// Verbs returns the commands that work against a running daemon. Their flags
// are read here; run does the rest.
func Verbs(run Runner) []*cobra.Command {
	out := make([]*cobra.Command, 0, len(verbs))
	for _, v := range verbs {
		out = append(out, v(run))
	}
	return out
}

// Line gives back the command line of a parsed verb, for a daemon to parse
// again: every flag as --name=value, then the arguments.
func Line(c *cobra.Command, args []string) []string {
	words := strings.Fields(c.CommandPath())[1:]
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "help" && c.Root().PersistentFlags().Lookup(f.Name) == nil {
			words = append(words, "--"+f.Name+"="+f.Value.String())
		}
	})
	return append(append(words, "--"), args...)
}

// mostArguments bounds what one command line may hold, in bytes. Longer lists
// come on standard input.
const mostArguments = 128 << 10

// Execute parses args as one verb, runs it on h and returns its exit code. What
// goes wrong is told on s.Err. It reads no file: args may come from a stranger
// to this machine.
func Execute(ctx context.Context, h Host, s Streams, args []string) int {
	err := execute(ctx, h, s, args)
	if err != nil {
		fmt.Fprintf(s.Err, "levee: %s\n", oneLine(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	return ExitCode(err)
}

func execute(ctx context.Context, h Host, s Streams, args []string) error {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	if size > mostArguments {
		return Usagef("the command line is %d bytes long, at most %d are taken; give a long list on standard input with -f -", size, mostArguments)
	}
	root := &cobra.Command{Use: "levee", SilenceUsage: true, SilenceErrors: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(UsageError)
	root.Args = UnknownVerb
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	root.AddCommand(Verbs(func(_ *cobra.Command, _ []string, act Act) error { return act(ctx, h, s) })...)
	root.SetArgs(args)
	root.SetIn(emptyInput{})
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	return root.ExecuteContext(ctx)
}

// UnknownVerb is the check of a root command's arguments: there are none.
func UnknownVerb(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("no command %q; see `levee --help`", args[0])
	}
	return nil
}

// UsageError is what is wrong with a command's flags, in the words of whoever
// typed them.
func UsageError(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		switch f := bad.GetFlag(); f.Value.Type() {
		case "duration":
			return Usagef("--%s %s: no length of time; write for instance 30m", f.Name, bad.GetValue())
		case "int", "int64", "uint64":
			return Usagef("--%s %s: no whole number", f.Name, bad.GetValue())
		}
	}
	return Usagef("%v; see `%s --help`", err, c.CommandPath())
}

// oneLine makes what a message may quote of the command line harmless.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			return '?'
		}
		return r
	}, text)
}

// emptyInput is what cobra may read of standard input: nothing.
type emptyInput struct{}

func (emptyInput) Read([]byte) (int, error) { return 0, io.EOF }

// verb begins a command of the tree: act is called once the flags are read.
func verb(run Runner, use, short, long string, args cobra.PositionalArgs, act func(ctx context.Context, h Host, s Streams, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: args, SilenceUsage: true, SilenceErrors: true, DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			return run(c, args, func(ctx context.Context, h Host, s Streams) error { return act(ctx, h, s, args) })
		},
	}
}

func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%s takes no arguments, got %q", c.CommandPath(), args[0])
	}
	return nil
}

func oneArgument(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return Usagef("%s needs one %s; see `%s --help`", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// output adds -o.
func output(c *cobra.Command, format *string) {
	c.Flags().StringVarP(format, "output", "o", "table", "table, json or jsonl")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"levee/internal/control"
)

func newAttach(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "attach",
		Short: "open the console of the daemon on this machine",
		Long:  "Opens the console of the levee that serves on this machine. Leaving it stops nothing.",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return attach(c.Context(), g) },
	}
}

// attach hands this terminal to the daemon's console.
func attach(ctx context.Context, g *global) (err error) {
	in, ok := g.streams.In.(*os.File)
	if !ok || !isTerminal(in) || !isTerminal(g.streams.Out) {
		return errors.New("attach needs a terminal; scripts use the verbs, such as levee decisions -o json")
	}
	size, err := sizeOf(in)
	if err != nil {
		return err
	}
	was, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("attach: the terminal can't be set: %w", err)
	}
	defer func() {
		if rerr := term.Restore(int(in.Fd()), was); err == nil && rerr != nil {
			err = fmt.Errorf("attach: the terminal can't be set back: %w; type reset", rerr)
		}
	}()
	sizes, stop := resizes(in)
	defer stop()
	code, err := control.Do(ctx, control.SocketPath(g.running()), control.Request{
		Console: true, Terminal: &control.Terminal{Size: size, Env: terminalEnv(g)},
		In: in, Out: g.streams.Out, Err: rawLines{g.streams.Err}, Resizes: sizes, From: control.SSHFrom(os.Getenv),
	})
	if err != nil {
		return err
	}
	return exit(code)
}

func sizeOf(f *os.File) (control.Size, error) {
	w, h, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return control.Size{}, fmt.Errorf("attach: the terminal says not how large it is: %w", err)
	}
	return control.Size{Width: w, Height: h}, nil
}

// terminalEnv is what the daemon may know of this terminal.
func terminalEnv(g *global) []string {
	var env []string
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR":
			env = append(env, e)
		}
	}
	if g.noColor {
		env = append(env, "NO_COLOR=1")
	}
	return env
}

// resizes follows the terminal's size until stop is called.
func resizes(f *os.File) (<-chan control.Size, func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	sizes := make(chan control.Size)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-changed:
			}
			if s, err := sizeOf(f); err == nil { // else the old one stays
				select {
				case sizes <- s:
				case <-quit:
					return
				}
			}
		}
	}()
	return sizes, func() { signal.Stop(changed); close(quit); <-done }
}

// rawLines writes lines to a terminal that is raw.
type rawLines struct{ w io.Writer }

func (r rawLines) Write(p []byte) (int, error) {
	if _, err := r.w.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

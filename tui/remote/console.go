// Package remote shows the console on a terminal that is somewhere else: at
// the other end of an SSH channel or of the control socket.
//
// Concurrency: Console waits for what it starts, except for a Read of the
// input, which ends when the caller closes it.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"levee/tui"
)

// Size is a terminal's size in cells.
type Size struct{ Width, Height int }

// Terminal is a terminal that is somewhere else.
type Terminal struct {
	In      io.Reader
	Out     io.Writer
	Env     []string // NAME=value: TERM, COLORTERM, LANG, LC_ALL, NO_COLOR
	Size    Size
	Resizes <-chan Size // nil: the size stays
	Idle    time.Duration
	Drawn   func(time.Duration) // told how long each frame took to draw; nil: nobody
	Share   *Share              // of the processor; nil: all it takes
}

// ErrIdle is what Console returns when nobody pressed a key for Terminal.Idle.
var ErrIdle = errors.New("nobody pressed a key for a long time")

// Console shows the console until the person leaves, the terminal goes away,
// nobody presses a key for Idle (0: never), or ctx ends.
func Console(ctx context.Context, t Terminal, feed tui.Feed, op tui.Operator, opt tui.Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	opt.Renderer = Renderer(t.Out, t.Env)
	opt.NoColor = opt.NoColor || opt.Renderer.ColorProfile() == termenv.Ascii
	opt = opt.On(environ(t.Env).Getenv)
	opt.Terminal = t.Out
	keys := &keyWatch{in: t.In}
	var model tea.Model = tui.New(feed, op, opt).WithContext(ctx)
	model = timed{model, ctx, t.Share, t.Drawn, threadTime}
	p := tea.NewProgram(model,
		tea.WithContext(ctx), tea.WithAltScreen(), tea.WithFPS(30), tea.WithoutSignalHandler(),
		tea.WithInput(keys), tea.WithOutput(t.Out), tea.WithEnvironment(t.Env))

	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel(nil)
	beside.Go(func() { follow(ctx, p, t) })
	if t.Idle > 0 {
		beside.Go(func() { watchIdle(ctx, cancel, keys, t.Idle) })
	}
	_, err := p.Run()
	switch cause := context.Cause(ctx); {
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("console: %w", err)
	case errors.Is(cause, ErrIdle):
		return ErrIdle
	case err != nil && ctx.Err() == nil:
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// timed is a model that keeps to its share of the processor and tells how long
// its frames took to draw.
type timed struct {
	tea.Model
	ctx   context.Context
	share *Share
	drawn func(time.Duration)
	clock func() time.Duration // processor time of the calling thread
}

// charged takes the processor time of f from the share. Time in which others had
// the processor is nobody's use of it: where everything is slow, as under
// attack, whoever looks on must not be slowed once more.
func (m timed) charged(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := m.clock()
	f()
	m.share.spend(m.clock() - began)
}

// Update waits first when the share is used up: a flood of keys, resizes or
// mouse events then waits in the client, and slows nobody else.
func (m timed) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.share.await(m.ctx)
	var cmd tea.Cmd
	m.charged(func() { m.Model, cmd = m.Model.Update(msg) })
	return m, cmd
}

func (m timed) View() (view string) {
	began := time.Now()
	m.charged(func() { view = m.Model.View() })
	if m.drawn != nil {
		m.drawn(time.Since(began))
	}
	return view
}

// follow hands the terminal's size on, first and whenever it changes.
func follow(ctx context.Context, p *tea.Program, t Terminal) {
	size := t.Size
	for {
		if size.Width > 0 && size.Height > 0 {
			p.Send(tea.WindowSizeMsg{Width: size.Width, Height: size.Height}) // returns when the program ended
		}
		select {
		case <-ctx.Done():
			return
		case s, ok := <-t.Resizes:
			if !ok {
				return
			}
			size = s
		}
	}
}

// watchIdle ends the console when no key came for that long. What is painted
// does not count: a screen repaints for ever.
func watchIdle(ctx context.Context, cancel context.CancelCauseFunc, keys *keyWatch, after time.Duration) {
	var seen uint64
	for {
		wait := time.NewTimer(after)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		n := keys.count.Load()
		if n == seen {
			cancel(ErrIdle)
			return
		}
		seen = n
	}
}

// keyWatch counts what is read.
type keyWatch struct {
	in    io.Reader
	count atomic.Uint64
}

func (k *keyWatch) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	if n > 0 {
		k.count.Add(1)
	}
	return n, err
}

// Renderer builds a renderer from a session's own environment. The terminal is
// never asked: a client that does not answer would hold the session up.
func Renderer(out io.Writer, env []string) *lipgloss.Renderer {
	r := lipgloss.NewRenderer(out, termenv.WithUnsafe(), termenv.WithEnvironment(environ(env)))
	r.SetColorProfile(profile(env))
	r.SetHasDarkBackground(true)
	return r
}

// profile is what colours a terminal with that environment shows.
func profile(env []string) termenv.Profile {
	e := environ(env)
	term := e.Getenv("TERM")
	switch {
	case e.Getenv("NO_COLOR") != "", term == "", term == "dumb":
		return termenv.Ascii
	case e.Getenv("COLORTERM") == "truecolor", e.Getenv("COLORTERM") == "24bit":
		return termenv.TrueColor
	case strings.Contains(term, "256color"), strings.Contains(term, "kitty"), strings.Contains(term, "alacritty"):
		return termenv.ANSI256
	}
	return termenv.ANSI
}

// environ is a session's environment, as termenv asks for it.
type environ []string

func (e environ) Environ() []string { return slices.Clone(e) }

func (e environ) Getenv(name string) string {
	for _, v := range e {
		if text, ok := strings.CutPrefix(v, name+"="); ok {
			return text
		}
	}
	return ""
}

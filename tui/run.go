package tui

import (
	"context"
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

// Run shows a console on this terminal until the person leaves or ctx ends. It
// leaves signals to the caller: end ctx on the first one.
//
// A panic inside the console restores the terminal and is returned as an error;
// the station goes on.
func Run(ctx context.Context, feed Feed, op Operator, opt Options, more ...tea.ProgramOption) error {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // after a panic Bubble Tea leaves its goroutines waiting for this
	m := New(feed, op, opt)
	m.ctx = ctx
	options := append([]tea.ProgramOption{
		tea.WithContext(ctx), tea.WithAltScreen(), tea.WithFPS(30), tea.WithoutSignalHandler(),
	}, more...)
	if _, err := tea.NewProgram(m, options...).Run(); err != nil {
		if outer.Err() != nil && !errors.Is(err, tea.ErrProgramPanic) {
			return nil
		}
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// WithContext binds what the console starts to ctx: the end of an SSH session
// ends its calls. Call it before the program runs.
func (m *Model) WithContext(ctx context.Context) *Model {
	m.ctx = ctx
	return m
}

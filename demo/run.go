package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// tick is how often Run writes what became due and looks at the deny file.
const tick = 50 * time.Millisecond

// Prepare writes the history: the ordinary traffic before the run goes live.
// It takes well under a second for the default ten minutes and lets the
// detector learn what is usual before the first drill. Run calls it when
// nobody did.
func (s *Simulator) Prepare(ctx context.Context) error {
	w, done, err := s.open()
	if err != nil {
		return err
	}
	err = s.history(ctx, w)
	if cerr := done(); err == nil {
		err = cerr
	}
	return err
}

// Run writes lines as their moment comes, twenty times a second, until ctx
// ends. It returns nil when ctx ended it and an error when writing failed.
func (s *Simulator) Run(ctx context.Context) error {
	w, done, err := s.open()
	if err != nil {
		return err
	}
	err = s.live(ctx, w)
	if cerr := done(); err == nil {
		err = cerr
	}
	return err
}

func (s *Simulator) live(ctx context.Context, w io.Writer) error {
	if err := s.history(ctx, w); err != nil {
		return err
	}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		if s.deny != nil {
			s.deny.Reload()
		}
		if _, err := s.Advance(w, s.o.Now()); err != nil {
			return fmt.Errorf("write demo traffic to %s: %w", s.where(), err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// history writes in steps of a simulated second, to keep memory flat and stop
// soon when asked to.
func (s *Simulator) history(ctx context.Context, w io.Writer) error {
	s.mu.Lock()
	at := time.Unix(0, s.now)
	s.mu.Unlock()
	for at.Before(s.Live()) && ctx.Err() == nil {
		at = at.Add(time.Second)
		if at.After(s.Live()) {
			at = s.Live()
		}
		if _, err := s.Advance(w, at); err != nil {
			return fmt.Errorf("write demo history to %s: %w", s.where(), err)
		}
	}
	return nil
}

func (s *Simulator) where() string {
	if s.o.Path != "" {
		return s.o.Path
	}
	return "its output"
}

func (s *Simulator) open() (io.Writer, func() error, error) {
	switch {
	case s.o.Path != "":
		f, err := os.OpenFile(s.o.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("open demo log: %w", err)
		}
		return f, f.Close, nil
	case s.o.Out != nil:
		return s.o.Out, func() error { return nil }, nil
	}
	return nil, nil, fmt.Errorf("the demo has nowhere to write; give Options.Out or Options.Path")
}

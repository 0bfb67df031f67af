package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// tick is how often Run writes what became due and looks at the deny file.
const tick = 50 * time.Millisecond

// Prepare writes the history: the ordinary traffic before the run goes live.
// It takes well under a second for the default ten minutes and lets the
// detector learn what is usual before the first drill. Run calls it when
// nobody did.
func (s *Simulator) Prepare(ctx context.Context) error {
	return s.writing(func(w io.Writer) error { return s.history(ctx, w) })
}

// Run writes lines as their moment comes, twenty times a second, until ctx
// ends. It returns nil when ctx ended it and an error when writing failed.
func (s *Simulator) Run(ctx context.Context) error {
	return s.writing(func(w io.Writer) error { return s.live(ctx, w) })
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
			return fmt.Errorf("write demo traffic: %w", err)
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
			return fmt.Errorf("write demo history: %w", err)
		}
	}
	return nil
}

// writing runs write on the output Options named.
func (s *Simulator) writing(write func(io.Writer) error) error {
	switch {
	case s.o.Path != "":
		f, err := openLog(s.o.Path, s.o.RotateAt)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	case s.o.Out != nil:
		return write(s.o.Out)
	}
	return errors.New("the demo has nowhere to write; give Options.Out or Options.Path")
}

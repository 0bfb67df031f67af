package station

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"levee/detect"
	"levee/internal/durable"
)

// baselineEvery is how often the learnt baseline is saved.
const baselineEvery = time.Minute

func (s *Station) baselinePath() string { return filepath.Join(s.o.StateDir, "baseline") }

// keepBaseline saves what was learnt now and then, so that a crash forgets a
// minute at most.
func (s *Station) keepBaseline(ctx context.Context) error {
	tick := time.NewTicker(baselineEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := saveBaseline(s.judge.save(), s.baselinePath()); err != nil {
				s.o.Log.Warn("the baseline was not saved", "error", err)
			}
		}
	}
}

func (j *judge) save() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.engine.Save(nil)
}

func loadBaseline(e *detect.Engine, path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read baseline: %w", err)
	}
	if err := e.Load(b); err != nil {
		return fmt.Errorf("read baseline %s: %w", path, err)
	}
	return nil
}

func saveBaseline(b []byte, path string) error {
	if err := durable.Replace(path, b); err != nil {
		return fmt.Errorf("save baseline %s: %w", path, err)
	}
	return nil
}

package station

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/durable"
)

// Expected is a planned event: a tournament, a launch, a load test.
type Expected struct {
	Service string    `json:"service,omitempty"` // "" all
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Factor  float64   `json:"factor"` // times the usual rate
	By      string    `json:"by"`
}

func (s *Station) expectedPath() string { return filepath.Join(s.o.StateDir, "expected.json") }

// readExpected reads the events that are not over.
func (s *Station) readExpected() ([]Expected, error) {
	b, err := os.ReadFile(s.expectedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read planned events: %w", err)
	}
	var list []Expected
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("read planned events %s: %w; remove the file and announce them again", s.expectedPath(), err)
	}
	now := s.o.Now()
	return slices.DeleteFunc(list, func(x Expected) bool { return now.After(x.To) }), nil
}

func (s *Station) recallExpected(e *detect.Engine) error {
	list, err := s.readExpected()
	for _, x := range list {
		e.Expect(x.Service, x.From, x.To, x.Factor)
	}
	return err
}

// Expected lists the planned events that are not over.
func (s *Station) Expected() ([]Expected, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readExpected()
}

// Expect tells the baseline of a planned event, in the audit and across
// restarts.
func (o *Operator) Expect(ctx context.Context, x Expected) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	switch {
	case a.Role != actions.Operator && a.Role != actions.Admin:
		return fmt.Errorf("expect: %s may look, not act; ask an operator", a.Name)
	case !x.To.After(x.From):
		return errors.New("expect: it ends before it begins; mend --from and --to")
	case !(x.Factor > 0 && x.Factor <= 1000):
		return fmt.Errorf("expect: a rate of %gx makes no sense; give for instance --rate 5x", x.Factor)
	}
	x.By = a.Name
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.readExpected()
	if err != nil {
		return err
	}
	b, err := json.Marshal(append(list, x))
	if err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	value, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	entry := actions.Entry{Kind: actions.Set, At: s.o.Now(), Actor: a, Key: "expected", Value: string(value)}
	if err := s.ledger.Record(ctx, []actions.Entry{entry}); err != nil {
		return fmt.Errorf("expect: nothing was done: %w", err)
	}
	if err := durable.Replace(s.expectedPath(), b); err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	s.judge.mu.Lock()
	defer s.judge.mu.Unlock()
	s.judge.engine.Expect(x.Service, x.From, x.To, x.Factor)
	return nil
}

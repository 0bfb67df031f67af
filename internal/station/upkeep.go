package station

import (
	"context"
	"time"
)

// Retention of the ledger. Its chain of hashes goes on over the cut.
const (
	keepDecisions = 400 * 24 * time.Hour
	pruneEvery    = 24 * time.Hour
)

// prune takes from the ledger what is older than its retention, at the start
// and once a day.
func (s *Station) prune(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if _, err := s.ledger.Prune(ctx, s.o.Now().Add(-keepDecisions)); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("the ledger was not pruned", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

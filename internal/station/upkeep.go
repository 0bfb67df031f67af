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

// tryLedger is how often it is made sure that decisions can be written down.
const tryLedger = 15 * time.Second

// watchLedger makes sure that decisions can be written down before one is
// needed, and tells people when they can't.
func (s *Station) watchLedger(ctx context.Context) error {
	tick := time.NewTicker(tryLedger)
	defer tick.Stop()
	for ill := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			ill = s.ledgerIll(ctx, ill)
		}
	}
}

// ledgerIll reports whether the ledger can't be written, and tells people when
// that is no longer as it was.
func (s *Station) ledgerIll(ctx context.Context, was bool) bool {
	err := s.ledger.Try(ctx)
	switch {
	case ctx.Err() != nil || (err != nil) == was:
		return was
	case err != nil:
		s.tell("error", "nothing can be decided: "+err.Error())
		s.o.Log.Error("nothing can be decided", "error", err)
	default:
		s.tell("info", "the ledger can be written again")
		s.o.Log.Info("the ledger can be written again")
	}
	return err != nil
}

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

package station

import (
	"context"

	"levee/actions"
	"levee/actions/ledger"
)

// Decisions reads the ledger: those that q chooses, latest first.
func (s *Station) Decisions(ctx context.Context, q ledger.Query) ([]actions.Decision, error) {
	return s.ledger.Decisions(ctx, q)
}

// Audit returns at most limit rows after the row numbered after, oldest first;
// with a negative after, the latest.
func (s *Station) Audit(ctx context.Context, after int64, limit int) ([]ledger.AuditRow, error) {
	return s.ledger.Audit(ctx, after, limit)
}

// VerifyAudit compares every row with its hash, and with heads published
// before.
func (s *Station) VerifyAudit(ctx context.Context, heads ...ledger.Head) (ledger.Report, error) {
	return s.ledger.Verify(ctx, heads...)
}

// Record notes in the audit what a person set outside the dispatcher, such as
// a reload of the configuration.
func (s *Station) Record(ctx context.Context, a actions.Actor, key, value string) error {
	return s.ledger.Record(ctx, []actions.Entry{{Kind: actions.Set, At: s.o.Now(), Actor: a, Key: key, Value: value}})
}

package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"levee/actions"
)

// Kinds of rows that retention writes.
const (
	kindRetention = "retention"
	kindCarried   = "carried"
)

// cut is the body of a retention's row: what was dropped, and the head it
// leaves, from which the chain goes on.
type cut struct {
	Seq       int64  `json:"seq"` // the last row dropped
	Head      string `json:"head"`
	Decisions int64  `json:"decisions"` // dropped
	Carried   int    `json:"carried"`   // still needed, written again
}

// Prune drops what ended before the given time, with its audit, and returns
// how many decisions went. What is in force stays however old it is: it is
// written again at the end of the audit. The chain of hashes goes on; Verify
// knows of the cut by the row that Prune writes.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (int64, error) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	n, err := l.prune(ctx, before.UnixNano())
	if err != nil {
		return 0, fmt.Errorf("prune ledger %s: %w%s", l.path, err, mend(err))
	}
	return n, nil
}

func (l *Ledger) prune(ctx context.Context, before int64) (int64, error) {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	var last sql.NullInt64
	// Rows are cut in order: the first that is young enough keeps all after it.
	if err := tx.QueryRowContext(ctx, `SELECT min(seq) - 1 FROM audit WHERE at >= ?`, before).Scan(&last); err != nil {
		return 0, err
	}
	if !last.Valid {
		last.Int64 = l.head.Seq
	}
	c := cut{Seq: last.Int64}
	var hash []byte
	if err := tx.QueryRowContext(ctx, `SELECT hash FROM audit WHERE seq = ?`, c.Seq).Scan(&hash); err != nil {
		if err == sql.ErrNoRows {
			return 0, nil // nothing is old enough
		}
		return 0, err
	}
	h := Head{Seq: c.Seq}
	copy(h.Hash[:], hash)
	c.Head = h.String()
	res, err := tx.ExecContext(ctx, `DELETE FROM decisions WHERE active = 0 AND changed < ?
		AND NOT EXISTS (SELECT 1 FROM audit WHERE decision = id AND seq > ?)`, before, c.Seq)
	if err != nil {
		return 0, err
	}
	if c.Decisions, err = res.RowsAffected(); err != nil {
		return 0, err
	}
	b, err := newBatch(ctx, tx, l.head)
	if err != nil {
		return 0, err
	}
	if c.Carried, err = l.carry(ctx, tx, b, c.Seq); err != nil {
		return 0, err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	if err := b.append(ctx, &row{At: l.now().UnixNano(), Kind: kindRetention, Actor: "levee", Body: body}); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE seq <= ?`, c.Seq); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	l.head = b.head
	return c.Decisions, nil
}

// carry writes again what stays although its beginning is cut off: decisions
// as they are now, and settings.
func (l *Ledger) carry(ctx context.Context, tx *sql.Tx, b *batch, cut int64) (int, error) {
	ds, err := selectDecisions(ctx, tx, `EXISTS (SELECT 1 FROM audit WHERE decision = id AND kind IN ('intent', 'carried') AND seq <= ?) ORDER BY created`, cut)
	if err != nil {
		return 0, err
	}
	now := l.now()
	for i := range ds {
		d := &ds[i]
		body, err := json.Marshal(d)
		if err != nil {
			return 0, err
		}
		if err := b.append(ctx, &row{At: now.UnixNano(), Kind: kindCarried, Decision: d.ID, Actor: d.Actor.Name, Body: body}); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE decisions SET opened = ?, state = ? WHERE id = ?`, body, []byte{}, d.ID); err != nil {
			return 0, err
		}
	}
	settings, err := settingsOf(ctx, tx)
	if err != nil {
		return 0, err
	}
	for key, value := range settings {
		e := actions.Entry{Kind: actions.Set, At: now, Actor: actions.Actor{Name: "levee", Via: kindRetention}, Key: key, Value: value}
		if err := b.add(ctx, &e); err != nil {
			return 0, err
		}
	}
	return len(ds), nil
}

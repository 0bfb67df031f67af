package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"levee/actions"
)

const (
	recentWithin = 24 * time.Hour
	recentMost   = 500
	pastWithin   = 48 * time.Hour
	scaledWithin = 7 * 24 * time.Hour
)

// Recall returns what a dispatcher must know after a start.
func (l *Ledger) Recall(ctx context.Context) (actions.Memory, error) {
	var m actions.Memory
	err := l.recall(ctx, &m)
	if err != nil {
		return actions.Memory{}, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return m, nil
}

func (l *Ledger) recall(ctx context.Context, m *actions.Memory) error {
	// One transaction: all of it is of one moment.
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	now := l.now()
	m.Active, err = selectDecisions(ctx, tx, `active = 1 ORDER BY created`)
	if err != nil {
		return err
	}
	m.Recent, err = selectDecisions(ctx, tx, `active = 0 AND changed >= ? ORDER BY changed DESC LIMIT ?`,
		now.Add(-recentWithin).UnixNano(), recentMost)
	if err != nil {
		return err
	}
	m.Scaled, err = selectDecisions(ctx, tx, `active = 0 AND changed >= ? AND verb IN ('scale_up', 'scale_down') ORDER BY changed DESC LIMIT ?`,
		now.Add(-scaledWithin).UnixNano(), recentMost)
	if err != nil {
		return err
	}
	if m.Past, err = selectPast(ctx, tx, now.Add(-pastWithin)); err != nil {
		return err
	}
	m.Settings, err = settingsOf(ctx, tx)
	return err
}

func settingsOf(ctx context.Context, q selecter) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT key, value FROM settings`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what matters
	out := map[string]string{}
	for rows.Next() {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, rows.Err()
}

type selecter interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// selectDecisions returns the decisions for which where holds. where is this
// package's own text; values are bound.
func selectDecisions(ctx context.Context, q selecter, where string, args ...any) ([]actions.Decision, error) {
	rows, err := q.QueryContext(ctx, `SELECT opened, changed, state FROM decisions WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what matters
	var out []actions.Decision
	var opened, state sql.RawBytes
	for rows.Next() {
		var at int64
		if err := rows.Scan(&opened, &at, &state); err != nil {
			return nil, err
		}
		d, err := assemble(opened, at, state)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func assemble(opened []byte, at int64, state []byte) (actions.Decision, error) {
	var d actions.Decision
	if err := json.Unmarshal(opened, &d); err != nil {
		return d, fmt.Errorf("%w: a decision: %w", ErrCorrupt, err)
	}
	if len(state) > 0 {
		var c change
		if err := json.Unmarshal(state, &c); err != nil {
			return d, fmt.Errorf("%w: the state of decision %s: %w", ErrCorrupt, d.ID, err)
		}
		c.apply(&d)
	}
	d.Changed = time.Unix(0, at).UTC()
	return d, nil
}

// selectPast returns how the last block of each target ended.
func selectPast(ctx context.Context, q selecter, since time.Time) ([]actions.Past, error) {
	rows, err := q.QueryContext(ctx, `SELECT opened, changed, state, max(changed) FROM decisions
		WHERE active = 0 AND changed >= ? AND verb IN ('block', 'throttle') GROUP BY target`, since.UnixNano())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what matters
	var out []actions.Past
	var opened, state sql.RawBytes
	for rows.Next() {
		var at, newest int64
		if err := rows.Scan(&opened, &at, &state, &newest); err != nil {
			return nil, err
		}
		d, err := assemble(opened, at, state)
		if err != nil {
			return nil, err
		}
		if d.State == actions.Failed {
			continue // it never stood
		}
		p := actions.Past{Key: d.Target.Key(), TTL: d.TTL, Returns: d.Returns, Ended: d.Changed, State: d.State}
		var c changed
		if d.State == actions.Undone && json.Unmarshal(state, &c) == nil {
			p.By = c.Actor
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// ByID returns, by ID, those of the decisions that there are. It asks once.
func (l *Ledger) ByID(ctx context.Context, ids []string) (map[string]actions.Decision, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	ds, err := selectDecisions(ctx, l.read, `id IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	out := make(map[string]actions.Decision, len(ds))
	for _, d := range ds {
		out[d.ID] = d
	}
	return out, nil
}

// Decision returns the decision with the given ID, or an error that wraps
// sql.ErrNoRows.
func (l *Ledger) Decision(ctx context.Context, id string) (actions.Decision, error) {
	ds, err := selectDecisions(ctx, l.read, `id = ?`, id)
	if err == nil && len(ds) == 0 {
		err = sql.ErrNoRows
	}
	if errors.Is(err, sql.ErrNoRows) {
		return actions.Decision{}, fmt.Errorf("decision %q: %w: see levee decisions", id, err)
	}
	if err != nil {
		return actions.Decision{}, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return ds[0], nil
}

package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"levee/actions"
)

// Query chooses decisions. Its zero value chooses the latest hundred.
type Query struct {
	Active   bool         // only those that may be in force
	Target   netip.Prefix // only those whose prefix covers it or lies inside it
	Key      string       // only those of this Target.Key
	Incident string
	Actor    string // by name
	Request  string
	Verb     actions.Verb
	Since    time.Time // begun at or after
	Until    time.Time // begun before: with the Created of a page's last, the next page
	Limit    int       // at most so many; default 100, at most 100,000
}

// Decisions returns the decisions that q chooses, latest first.
func (l *Ledger) Decisions(ctx context.Context, q Query) ([]actions.Decision, error) {
	var where []string
	var args []any
	add := func(cond string, vs ...any) {
		where = append(where, cond)
		args = append(args, vs...)
	}
	if q.Active {
		add(`active = 1`)
	}
	if q.Target.IsValid() {
		first, last := bounds(q.Target)
		add(`first <= ? AND last >= ?`, last, first)
	}
	for _, c := range []struct{ column, value string }{
		{"target", q.Key}, {"incident", q.Incident}, {"actor", q.Actor}, {"request", q.Request}, {"verb", string(q.Verb)},
	} {
		if c.value != "" {
			add(c.column+` = ?`, c.value)
		}
	}
	if !q.Since.IsZero() {
		add(`created >= ?`, q.Since.UnixNano())
	}
	if !q.Until.IsZero() {
		add(`created < ?`, q.Until.UnixNano())
	}
	if len(where) == 0 {
		add(`1`)
	}
	if q.Limit <= 0 {
		q.Limit = 100
	}
	args = append(args, min(q.Limit, 100_000))
	ds, err := selectDecisions(ctx, l.read, strings.Join(where, ` AND `)+` ORDER BY created DESC, id LIMIT ?`, args...)
	if err != nil {
		return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return ds, nil
}

// AuditRow is one row of the audit, for people and scripts to read.
type AuditRow struct {
	Seq      int64           `json:"seq"`
	Time     time.Time       `json:"@timestamp"`
	Kind     string          `json:"kind"` // committed, set, renewed, carried, retention, or a decision's state
	Decision string          `json:"decision,omitempty"`
	Actor    string          `json:"actor"`
	Body     json.RawMessage `json:"body"`
	Hash     string          `json:"hash"`
}

// Audit returns at most limit rows after the row numbered after, oldest first;
// with a negative after, the latest limit rows.
func (l *Ledger) Audit(ctx context.Context, after int64, limit int) ([]AuditRow, error) {
	if after < 0 {
		head, err := readHead(ctx, l.read)
		if err != nil {
			return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
		}
		after = max(0, head.Seq-int64(limit))
	}
	out, err := l.audit(ctx, `seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return out, nil
}

// History returns every audit row of one decision, oldest first.
func (l *Ledger) History(ctx context.Context, id string) ([]AuditRow, error) {
	out, err := l.audit(ctx, `decision = ? ORDER BY seq`, id)
	if err != nil {
		return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return out, nil
}

func (l *Ledger) audit(ctx context.Context, where string, args ...any) ([]AuditRow, error) {
	rows, err := l.read.QueryContext(ctx, `SELECT seq, at, kind, decision, actor, body, hash FROM audit WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what matters
	var out []AuditRow
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.Seq, &r.At, &r.Kind, &r.Decision, &r.Actor, &r.Body, &r.Hash); err != nil {
			return nil, err
		}
		out = append(out, AuditRow{Seq: r.Seq, Time: time.Unix(0, r.At).UTC(), Kind: r.Kind, Decision: r.Decision,
			Actor: r.Actor, Body: r.Body, Hash: hex.EncodeToString(r.Hash)})
	}
	return out, rows.Err()
}

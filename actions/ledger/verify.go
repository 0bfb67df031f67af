package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"levee/actions"
)

// Report is what Verify found in order.
type Report struct {
	Rows      int64 // of the audit, checked
	Decisions int
	Head      Head
	First     int64 // the first row still kept; older ones went by retention
	Heads     int   // published heads compared
	Older     int   // published heads from before First, which can't be compared
}

// TamperError says where the ledger is not what it was when it was written.
type TamperError struct {
	Path     string
	Seq      int64  // row of the audit, 0 when it is not about one
	Decision string // "" when it is not about one
	What     string
}

// Error names the place.
func (e *TamperError) Error() string {
	at := ""
	if e.Seq > 0 {
		at += fmt.Sprintf(", audit row %d", e.Seq)
	}
	if e.Decision != "" {
		at += ", decision " + e.Decision
	}
	return fmt.Sprintf("ledger %s%s: %s; it was changed by something else than levee: compare with a backup", e.Path, at, e.What)
}

// Verify reads the whole ledger and compares every row of the audit with its
// hash, the decisions and settings with what the audit adds up to, and the
// audit with heads that were published before. The first difference is a
// *TamperError.
//
// Somebody who can write the file can also make a new chain of hashes; heads
// kept elsewhere are what shows that.
func (l *Ledger) Verify(ctx context.Context, heads ...Head) (Report, error) {
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, fmt.Errorf("verify ledger %s: %w", l.path, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	v := verifier{path: l.path, heads: map[int64]Head{}, sums: map[string][sha256.Size]byte{}, settings: map[string]string{}}
	for _, h := range heads {
		v.heads[h.Seq] = h
	}
	err = v.audit(ctx, tx)
	if err == nil {
		err = v.compareHeads()
	}
	if err == nil {
		err = v.decisions(ctx, tx)
	}
	if err == nil {
		err = v.compareSettings(ctx, tx)
	}
	var tampered *TamperError
	if err != nil && !errors.As(err, &tampered) {
		err = fmt.Errorf("verify ledger %s: %w", l.path, err)
	}
	return v.report, err
}

type verifier struct {
	path     string
	report   Report
	heads    map[int64]Head
	sums     map[string][sha256.Size]byte // of what each decision should be
	settings map[string]string
	retained int64 // the row of the last retention
}

func (v *verifier) tampered(seq int64, decision, what string, args ...any) error {
	return &TamperError{v.path, seq, decision, fmt.Sprintf(what, args...)}
}

func (v *verifier) audit(ctx context.Context, tx *sql.Tx) error {
	prev, err := v.anchor(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT seq, at, kind, decision, actor, body, hash FROM audit ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()                       //nolint:errcheck // rows.Err says what matters
	opened := map[string][sha256.Size]byte{} // hashes of how decisions began
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.Seq, &r.At, &r.Kind, &r.Decision, &r.Actor, &r.Body, &r.Hash); err != nil {
			return err
		}
		if r.Seq != prev.Seq+1 {
			return v.tampered(prev.Seq+1, "", "%d rows are missing", r.Seq-prev.Seq-1)
		}
		hash := r.chain(prev.Hash)
		if !bytes.Equal(hash[:], r.Hash) {
			return v.tampered(r.Seq, r.Decision, "the row (%s by %s) does not match its hash", r.Kind, r.Actor)
		}
		if h, ok := v.heads[r.Seq]; ok && h.Hash != hash {
			return v.tampered(r.Seq, r.Decision, "the history up to here is not the one whose head was published")
		}
		prev = Head{r.Seq, hash}
		v.report.Rows++
		if err := v.replay(&r, opened); err != nil {
			return err
		}
	}
	v.report.Head = prev
	return rows.Err()
}

// anchor returns the head before the first row that is kept: zero, or what the
// last retention wrote down.
func (v *verifier) anchor(ctx context.Context, tx *sql.Tx) (Head, error) {
	var first sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT min(seq) FROM audit`).Scan(&first); err != nil {
		return Head{}, err
	}
	v.report.First = max(1, first.Int64)
	if first.Int64 <= 1 {
		return Head{}, nil
	}
	var body []byte
	err := tx.QueryRowContext(ctx, `SELECT seq, body FROM audit WHERE kind = ? ORDER BY seq DESC LIMIT 1`, kindRetention).Scan(&v.retained, &body)
	var c cut
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil || c.Seq != first.Int64-1 {
		return Head{}, v.tampered(1, "", "%d rows are missing and no retention says so", first.Int64-1)
	}
	h, err := ParseHead(c.Head)
	if err != nil {
		return Head{}, v.tampered(first.Int64, "", "the retention's head can't be read: %v", err)
	}
	return h, nil
}

// replay adds r to what the decisions and settings should be.
func (v *verifier) replay(r *row, opened map[string][sha256.Size]byte) error {
	switch r.Kind {
	case string(actions.Committed), kindRetention:
		return nil
	case string(actions.Set):
		var s setting
		if err := json.Unmarshal(r.Body, &s); err != nil {
			return v.tampered(r.Seq, "", "a setting can't be read: %v", err)
		}
		v.settings[s.Key] = s.Value
		return nil
	case string(actions.Opened), kindCarried:
		var d actions.Decision
		if err := json.Unmarshal(r.Body, &d); err != nil {
			return v.tampered(r.Seq, r.Decision, "the decision can't be read: %v", err)
		}
		opened[r.Decision] = sha256.Sum256(r.Body)
		v.sums[r.Decision] = sum(opened[r.Decision], d.Changed.UnixNano(), nil)
		return nil
	}
	began, ok := opened[r.Decision]
	if !ok && r.Seq < v.retained {
		return nil // its beginning was cut off; it is carried further on
	}
	if !ok {
		return v.tampered(r.Seq, r.Decision, "it changes without an intent")
	}
	v.sums[r.Decision] = sum(began, r.At, r.Body)
	return nil
}

// sum is what a decision is: how it began, and its last change.
func sum(began [sha256.Size]byte, changed int64, state []byte) [sha256.Size]byte {
	r := row{At: changed, Body: state}
	return r.chain(began)
}

func (v *verifier) compareHeads() error {
	for seq, h := range v.heads {
		switch {
		case seq > v.report.Head.Seq:
			return v.tampered(v.report.Head.Seq+1, "", "the last %d rows are missing: a head with %d rows was published", seq-v.report.Head.Seq, h.Seq)
		case seq < v.report.First:
			v.report.Older++
		default:
			v.report.Heads++
		}
	}
	return nil
}

func (v *verifier) decisions(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT id, request, verb, target, first, last, actor, incident, created, opened, active, changed, state FROM decisions`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what matters
	for rows.Next() {
		var id, request, verb, target, actor, incident string
		var first, last, opened, state []byte
		var created, at int64
		var active bool
		if err := rows.Scan(&id, &request, &verb, &target, &first, &last, &actor, &incident, &created, &opened, &active, &at, &state); err != nil {
			return err
		}
		want, ok := v.sums[id]
		if !ok {
			return v.tampered(0, id, "the audit knows nothing of it")
		}
		delete(v.sums, id)
		if sum(sha256.Sum256(opened), at, state) != want {
			return v.tampered(0, id, "it is not what the audit says")
		}
		d, err := assemble(opened, at, state)
		if err != nil {
			return v.tampered(0, id, "it can't be read: %v", err)
		}
		lo, hi := bounds(d.Target.Prefix)
		if id != d.ID || request != d.Request || verb != string(d.Verb) || target != d.Target.Key() || actor != d.Actor.Name ||
			incident != d.Incident || created != d.Created.UnixNano() || active != d.State.Active() ||
			!bytes.Equal(first, lo) || !bytes.Equal(last, hi) {
			return v.tampered(0, id, "its index columns are not what it says")
		}
		v.report.Decisions++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id := range v.sums {
		return v.tampered(0, id, "the audit has it and the decisions do not")
	}
	return nil
}

func (v *verifier) compareSettings(ctx context.Context, tx *sql.Tx) error {
	settings, err := settingsOf(ctx, tx)
	if err != nil {
		return err
	}
	for key, value := range settings {
		if want, ok := v.settings[key]; !ok || want != value {
			return v.tampered(0, "", "the setting %s is not what the audit says", key)
		}
		delete(v.settings, key)
	}
	for key := range v.settings {
		return v.tampered(0, "", "the setting %s is missing", key)
	}
	return nil
}

package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"

	"levee/actions"
)

// waiting is a caller of Record whose entries are not written yet.
type waiting struct {
	entries []actions.Entry
	done    chan error
}

// Record writes entries in one transaction, with those of other callers that
// wait at the same time, and returns when they are on disk. On an error none
// of them is.
func (l *Ledger) Record(ctx context.Context, entries []actions.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiting{entries: entries, done: make(chan error, 1)}
	l.mu.Lock()
	l.pending = append(l.pending, w)
	l.mu.Unlock()
	// From here on the outcome is awaited whatever ctx says: an entry that may
	// or may not be written would be worse than a late answer.
	select {
	case err := <-w.done:
		return err
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
		l.flush()
		return <-w.done
	}
}

// flush writes all that waits. The caller holds the turn.
func (l *Ledger) flush() {
	l.mu.Lock()
	group := l.pending
	l.pending = nil
	l.mu.Unlock()
	if len(group) == 0 {
		return
	}
	err := l.transact(group)
	if err != nil && len(group) > 1 {
		// One caller's bad entry must not fail its neighbours.
		for _, w := range group {
			w.done <- l.transact([]*waiting{w})
		}
		return
	}
	for _, w := range group {
		w.done <- err
	}
}

func (l *Ledger) transact(group []*waiting) (err error) {
	// Not the callers' contexts: see Record.
	ctx := context.Background()
	defer func() {
		if err != nil {
			err = l.failed(err)
			return
		}
		l.trouble.Store(nil)
	}()
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	head, err := readHead(ctx, tx)
	if err != nil {
		return err
	}
	if head != l.head {
		return fmt.Errorf("another program wrote it (audit row %d, expected %d): only one levee may use a ledger; stop the other", head.Seq, l.head.Seq)
	}
	b, err := newBatch(ctx, tx, head)
	if err != nil {
		return err
	}
	for _, w := range group {
		for i := range w.entries {
			if err := b.add(ctx, &w.entries[i]); err != nil {
				return err
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	l.head = b.head
	return nil
}

// failed tells where err happened and the mend, and keeps it for Trouble when it
// is the disk's and not the entries'.
func (l *Ledger) failed(err error) error {
	what := mend(err)
	err = fmt.Errorf("write ledger %s: %w%s", l.path, err, what)
	if what != "" {
		text := err.Error()
		l.trouble.Store(&text)
	}
	return err
}

// Trouble says why the ledger could not be written when that was last tried, ""
// when it could.
func (l *Ledger) Trouble() string {
	if t := l.trouble.Load(); t != nil {
		return *t
	}
	return ""
}

// Try writes what stands there already, to find out whether it can be written
// before a decision depends on it. The audit is as it was.
func (l *Ledger) Try(ctx context.Context) (err error) {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	}
	if _, err := l.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations))); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return l.failed(err)
	}
	l.trouble.Store(nil)
	return nil
}

// batch writes entries within one transaction.
type batch struct {
	head                        Head
	audit, open, update, assign *sql.Stmt
}

func newBatch(ctx context.Context, tx *sql.Tx, head Head) (*batch, error) {
	b := &batch{head: head}
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&b.audit, `INSERT INTO audit (seq, at, kind, decision, actor, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&b.open, `INSERT INTO decisions (id, request, verb, target, first, last, actor, incident, created, opened, active, changed, state)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&b.update, `UPDATE decisions SET active = ?, changed = ?, state = ? WHERE id = ?`},
		{&b.assign, `INSERT INTO settings (key, value, at) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at`},
	} {
		var err error
		if *s.stmt, err = tx.PrepareContext(ctx, s.text); err != nil { //nolint:sqlclosecheck // the transaction's end closes it
			return nil, err
		}
	}
	return b, nil
}

func (b *batch) add(ctx context.Context, e *actions.Entry) error {
	r, err := encode(e)
	if err != nil {
		return err
	}
	if err := b.append(ctx, &r); err != nil {
		return err
	}
	d := &e.Decision
	switch e.Kind {
	case actions.Opened:
		first, last := bounds(d.Target.Prefix)
		_, err = b.open.ExecContext(ctx, d.ID, d.Request, d.Verb, d.Target.Key(), first, last, d.Actor.Name,
			d.Incident, d.Created.UnixNano(), r.Body, d.State.Active(), r.At, []byte{})
		return err
	case actions.Changed, actions.Renewed:
		res, err := b.update.ExecContext(ctx, d.State.Active(), r.At, r.Body, d.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("decision %s has no intent in it", d.ID), err)
		}
	case actions.Set:
		_, err = b.assign.ExecContext(ctx, e.Key, e.Value, r.At)
		return err
	}
	return nil
}

func (b *batch) append(ctx context.Context, r *row) error {
	r.Seq = b.head.Seq + 1
	hash := r.chain(b.head.Hash)
	if _, err := b.audit.ExecContext(ctx, r.Seq, r.At, r.Kind, r.Decision, r.Actor, r.Body, hash[:]); err != nil {
		return err
	}
	b.head = Head{Seq: r.Seq, Hash: hash}
	return nil
}

// bounds returns the first and last address of p as 16 bytes, v4 mapped into
// v6, so that SQLite can compare ranges. Nil for the zero prefix.
func bounds(p netip.Prefix) (first, last []byte) {
	if !p.IsValid() {
		return nil, nil
	}
	lo := p.Masked().Addr().As16()
	hi := lo
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		hi[i/8] |= 0x80 >> (i % 8)
	}
	return lo[:], hi[:]
}

package ledger

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations bring a ledger from the version of their index to the next. Each
// runs in a transaction with the version's change; never edit one that shipped.
var migrations = []string{
	`CREATE TABLE audit (
		seq      INTEGER PRIMARY KEY,
		at       INTEGER NOT NULL, -- nanoseconds since the epoch
		kind     TEXT NOT NULL,
		decision TEXT NOT NULL,
		actor    TEXT NOT NULL,
		body     BLOB NOT NULL,    -- JSON
		hash     BLOB NOT NULL     -- over the predecessor's hash and the columns above
	);
	CREATE INDEX audit_decision ON audit (decision) WHERE decision <> '';
	CREATE TABLE decisions (
		id       TEXT PRIMARY KEY,
		request  TEXT NOT NULL,
		verb     TEXT NOT NULL,
		target   TEXT NOT NULL,
		first    BLOB,             -- first and last address of a prefix, 16 bytes each
		last     BLOB,
		actor    TEXT NOT NULL,
		incident TEXT NOT NULL,
		created  INTEGER NOT NULL,
		opened   BLOB NOT NULL,    -- the decision as it began, JSON
		active   INTEGER NOT NULL, -- 1 while it may be in force
		changed  INTEGER NOT NULL,
		state    BLOB NOT NULL     -- the body of its last change in the audit; empty before the first
	) WITHOUT ROWID;
	CREATE INDEX decisions_created ON decisions (created);
	CREATE INDEX decisions_target ON decisions (target);
	CREATE INDEX decisions_incident ON decisions (incident) WHERE incident <> '';
	CREATE INDEX decisions_active ON decisions (created) WHERE active = 1;
	CREATE INDEX decisions_ended ON decisions (changed) WHERE active = 0;
	CREATE TABLE settings (
		key   TEXT PRIMARY KEY,
		value TEXT NOT NULL,
		at    INTEGER NOT NULL
	) WITHOUT ROWID;`,
}

// migrate brings db to the newest schema. A ledger written by a newer levee is
// refused: writing it could lose what this version does not know of.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	var version int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("it was written by a newer levee (schema %d, this one knows %d): upgrade levee", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return fmt.Errorf("migrate schema %d: %w", version, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version+1)); err != nil {
			return fmt.Errorf("migrate schema %d: %w", version, err)
		}
	}
	return tx.Commit()
}

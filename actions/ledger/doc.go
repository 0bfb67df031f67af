// Package ledger keeps decisions on disk, in SQLite: what was decided, by
// whom, why, and what became of it.
//
// Two tables tell it twice. The audit is append-only and each of its rows
// carries a hash over the row and its predecessor, so that a rewrite shows;
// the decisions table is what the audit adds up to, kept for quick queries.
// Verify compares them, and both with heads published elsewhere.
//
// Writers gather: whoever comes while a transaction is being synced joins the
// next one, so that a thousand callers a second cost tens of fsyncs. A Ledger
// starts no goroutine and may be used from several.
package ledger

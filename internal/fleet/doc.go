// Package fleet makes the levees of several hosts one: what one decides all
// enforce, one of them leads auto mode, and a stop stops them all.
//
// They share an index of documents and nothing else. Each document is a record
// that is signed with the fleet's key; see Record for what it may hold and
// merge.go for which of two records wins. Whoever can write the index can
// withhold records, but not make any: what is not signed, of another fleet, old
// or forbidden by a host's own guardrails is counted and never carried out.
//
// A Node's methods may be called from several goroutines. Run is the one
// goroutine that reads the index; Claim, Arm and Run write it, each write bound
// to the version it replaces. The lock is never held while the index or the
// dispatcher is asked.
package fleet

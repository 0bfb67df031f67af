// Package station wires levee together and owns its life: sources → detector
// → auto mode → actions → ledger, and what a console reads of all of it.
//
// Goroutines: one a source reads and parses; one judges (it owns the engine's
// writes and publishes snapshots); one carries auto mode's wishes to the
// dispatcher; the dispatcher has its own. Run owns them all and waits for
// them. Every method of Feed and Operator may be called from anywhere.
package station

package actions

import (
	"context"
	"time"
)

// Ledger keeps what was decided. Record returns when every entry is on disk,
// or with an error and none of them: nothing is half written. Its methods may
// be called from several goroutines. The package levee/actions/ledger is one.
type Ledger interface {
	Record(ctx context.Context, entries []Entry) error
	// Recall returns what a dispatcher must know after a start.
	Recall(ctx context.Context) (Memory, error)
}

// EntryKind says what an Entry reports. A change of a decision's state has the
// state's name.
type EntryKind string

// Entry kinds. Committed comes before the intents it led to.
const (
	Committed EntryKind = "committed" // a plan was confirmed; Commitment is set
	Opened    EntryKind = "intent"    // a decision begins; Decision is complete
	Changed   EntryKind = "changed"   // a decision's state, end, receipts or effect changed
	Renewed   EntryKind = "renewed"   // auto mode moved a decision's end
	Set       EntryKind = "set"       // a switch was set: Key, Value
)

// Entry is one thing to write down.
type Entry struct {
	Kind       EntryKind
	At         time.Time
	Actor      Actor // who did it; for Changed by an end of TTL, the decision's own
	Decision   Decision
	Commitment *Commitment
	Key, Value string // of Set
}

// Commitment is a confirmed plan, as the ledger keeps it: what was asked, what
// the guardrails said, and how it was confirmed.
type Commitment struct {
	Request    string       `json:"request"`
	Verb       Verb         `json:"verb"`
	Targets    int          `json:"targets"`
	Reason     string       `json:"reason"`
	Incident   string       `json:"incident,omitempty"`
	Evidence   []string     `json:"evidence,omitempty"`
	Undoes     string       `json:"undoes,omitempty"`
	Impact     Impact       `json:"impact"`
	Refused    int          `json:"refused"`
	Refusals   []string     `json:"refusals,omitempty"` // the first few, in words
	Needs      Confirmation `json:"needs"`
	Second     *Actor       `json:"second,omitempty"`
	BreakGlass bool         `json:"break_glass,omitempty"`
}

// Memory is what a dispatcher must know after a start.
type Memory struct {
	Active   []Decision        // every decision that may still be in force
	Recent   []Decision        // ended within the last day, latest first, at most 500
	Scaled   []Decision        // scale-ups and scale-downs of the last week that ended, latest first
	Past     []Past            // how blocks of the last two days ended, one for each target
	Settings map[string]string // the last value of every switch
}

// Past is how the last block of a target ended.
type Past struct {
	Key     string // Target.Key
	TTL     time.Duration
	Returns int
	Ended   time.Time
	By      Actor // who ended it; the zero Actor when its TTL did
	State   State
}

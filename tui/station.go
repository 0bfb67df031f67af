package tui

import (
	"context"
	"net/netip"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// Feed is what a console reads. Every method returns at once with immutable
// data; none does I/O.
type Feed interface {
	Snapshot() *detect.Snapshot
	Board() *actions.Board
	Source(p netip.Prefix) detect.SourceView
	Notices(since uint64) []actions.Notice
	Status() Status
}

// Historian is a Feed that remembers traffic beyond the seconds that a snapshot
// carries. Points may be coarser than a second; each is a mean a second. Like a
// Feed's methods it returns at once, with data that is never written again.
type Historian interface {
	History(span time.Duration) []detect.Point // oldest first
}

// Fleeter is a Feed that knows what Elasticsearch last counted for all hosts. It
// asks in the background; Fleet returns at once.
type Fleeter interface {
	Fleet() Fleet
}

// Rememberer is a Feed that knows what Elasticsearch remembers of a source. It
// asks in the background; Past returns at once.
type Rememberer interface {
	Past(p netip.Prefix) Past
}

// Operator is how a console acts, bound to one authenticated actor. Its
// methods may take long and are called from commands, never from Update.
type Operator interface {
	Actor() actions.Actor
	Plan(ctx context.Context, r actions.Request) (actions.Plan, error)
	Commit(ctx context.Context, token string, a actions.Answer) ([]actions.Decision, error)
	Undo(ctx context.Context, decision string) (actions.Plan, error) // a plan to commit
	SetAuto(ctx context.Context, on bool) error
	Disarm(ctx context.Context) error // stop all automation at once; needs no confirmation
	Arm(ctx context.Context) error
}

// Undoer is an Operator who can undo all that came of one request, what the
// board no longer lists as well.
type Undoer interface {
	UndoMany(ctx context.Context, f actions.UndoFilter) (actions.Plan, error) // a plan to commit
}

// Casebook is a Feed that keeps whose an incident is and what was noted.
type Casebook interface {
	Case(incident string) Case
}

// Caseworker is an Operator who takes incidents and writes about them. Own
// gives an incident that belongs to from ("": nobody) to the person to and fails
// when it belongs to somebody else by now.
type Caseworker interface {
	Own(ctx context.Context, incident, from, to string) error
	Note(ctx context.Context, incident, text string) error
}

// Muter is an Operator who keeps the messages about an incident back, for at most
// a day; 0 lets them go again.
type Muter interface {
	Mute(ctx context.Context, incident string, d time.Duration) error
}

// Waiter is a Feed that knows which plans wait for a second person.
type Waiter interface {
	Waiting() []Waiting
}

// Pair is an Operator who can ask for a second person and be one. AskApproval
// returns when somebody approved, the plan expired or ctx ended; a Commit of
// the plan then carries the approval.
type Pair interface {
	AskApproval(ctx context.Context, p actions.Plan, code func(string)) error
	GiveApproval(code string) error
}

// Speaker is an Operator who can tell everybody something. It does not wait.
type Speaker interface {
	Say(text string) error
}

// Reloader is an Operator who can have levee.yaml read again: all of it, or
// nothing with every mistake on a line of its own. It says what changed and what
// waits for a restart.
type Reloader interface {
	Reload(ctx context.Context) (string, error)
}

// The station describes itself in these words.
type (
	Status = status.Status
	Link   = status.Link
	Person = status.Person
	Input  = status.Input
	Host   = status.Host

	Case    = status.Case
	Note    = status.Note
	Waiting = status.Waiting
	Fleet   = status.Fleet
	Past    = status.Past
)

package tui

import (
	"context"
	"net/netip"
	"time"

	"levee/actions"
	"levee/detect"
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

// Status is what the status bar and the health screen show of the station.
type Status struct {
	Name     string        // of this levee: the host's, or "demo"
	Now      time.Time     // wall clock
	DataAge  time.Duration // since the newest log line was judged; negative: no data yet
	Elastic  Link
	Jenkins  Link
	People   []Person
	Inputs   []Input
	QueueLen int    // requests read and not judged yet
	Shed     uint64 // lines dropped because the queue was full
}

// Link is the state of a connection: not configured, ok, or down with a reason.
type Link struct {
	Configured, OK bool
	Note           string
}

// Person is a session on this levee.
type Person struct {
	Name string
	Role actions.Role
	You  bool
}

// Input is one source of log lines.
type Input struct {
	Name      string
	Format    string // as recognised; "" so far unknown
	Lines     uint64
	Malformed uint64
	Lag       time.Duration // bytes behind, in time; negative unknown
	State     string        // following, waiting, ended, error
	Note      string        // the last problem, in one line with its mend
	MayAct    bool
}

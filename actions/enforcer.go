package actions

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Enforcer carries decisions out somewhere: a packet filter, a deny list, a
// Jenkins job. Its methods may be called from several goroutines.
//
// Apply and Revoke take batches and are idempotent: a decision already in
// force is taken again without a second effect, except that a later Expires
// moves its end (auto mode renews so). An error says that nothing can be said
// of the whole batch; what failed for single decisions is in the receipts.
type Enforcer interface {
	Name() string
	// Handles reports whether this enforcer carries out d at all.
	Handles(d Decision) bool
	Apply(ctx context.Context, ds []Decision) ([]Receipt, error)
	Revoke(ctx context.Context, ds []Decision) ([]Receipt, error)
	// List returns what the enforcer really holds, for reconciliation.
	// ErrNoList when it can't tell (a Jenkins job).
	List(ctx context.Context) ([]Held, error)
	// Check says in one line what is wrong and the mend, or nil.
	Check(ctx context.Context) error
}

// Held is one entry an enforcer really holds.
type Held struct {
	Prefix  netip.Prefix
	Key     string    // for what is no prefix: the signature's key
	Expires time.Time // zero when the enforcer does not know
	Dropped uint64    // packets or requests it turned away, if counted
}

// ErrNoList is what List returns when an enforcer can't tell what it holds.
var ErrNoList = errors.New("this enforcer keeps no list")

// Resumer is an enforcer without a list that can still find out, after a
// restart, what became of decisions it may have been sent before: OK (it has
// it), Unknown (it can't tell), or neither (it never arrived and may be sent
// again). Without it such decisions read UNKNOWN until they end.
type Resumer interface {
	Resume(ctx context.Context, ds []Decision) ([]Receipt, error)
}

// Excuser is an enforcer that says why it leaves a decision to others although
// it takes its kind: a signature that its server can't match. "" when it takes
// it, or has nothing to do with its kind.
type Excuser interface {
	WhyNot(d Decision) string
}

// Doorkeeper is an enforcer that keeps the SSH ports of this host open for
// addresses, whatever it blocks: those who can lift a block must get in. It is
// given all of them each time, now and then again; at most DoorsMost count.
type Doorkeeper interface {
	KeepOpen(ctx context.Context, from []netip.Addr) error
}

// DoorsMost is how many addresses a Doorkeeper keeps SSH open for.
const DoorsMost = 256

// JobLister is an enforcer whose work goes on after Apply returned, as builds
// do. Jobs returns those it knows of, latest first, at once and without I/O;
// the slice is the caller's.
type JobLister interface {
	Jobs() []Job
}

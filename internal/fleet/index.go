package fleet

import (
	"context"
	"time"

	"levee/actions"
)

// Doc is a document of the index as it was read.
type Doc struct {
	ID      string
	Seq     int64 // grows with every write to the index (_seq_no)
	Primary int64 // _primary_term, which Seq goes with
	Record  []byte
	MAC     string
}

// Put writes one document.
type Put struct {
	ID       string
	Seq      int64 // of the version it replaces; with Primary 0 there must be none
	Primary  int64
	Kind     Kind
	Record   []byte
	MAC      string
	Until    time.Time         // to when it may matter; zero: for good
	Decision *actions.Decision // OfPlace: as it stands, for people and dashboards; nobody acts on it
	Quiet    bool              // no other host waits for it
}

// Stored is what became of a Put.
type Stored struct {
	Seq, Primary int64
	Conflict     bool  // another version is there
	Err          error // anything else
	Never        bool  // with Err: trying again is no use
}

// Index is where the hosts of a fleet meet. An error means that it could not
// be asked.
type Index interface {
	// Get returns those of the documents that exist, newest version at once.
	Get(ctx context.Context, ids []string) ([]Doc, error)
	// Put writes each document unless another version is there, and returns
	// what became of each, in order. What it wrote, Since finds at once, unless
	// all of it was quiet: then within seconds.
	Put(ctx context.Context, puts []Put) ([]Stored, error)
	// Since returns documents written after seq, by Seq, at most limit, without
	// those numbered within skip. With a time, only those that may still matter
	// then.
	Since(ctx context.Context, seq int64, skip []Span, matter time.Time, limit int) ([]Doc, error)
}

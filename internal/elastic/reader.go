package elastic

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// mappingFor is how long an index is believed to map its fields as before.
const mappingFor = time.Minute

// Reader asks for fleet figures and history again and again. It remembers how
// the index maps its fields, and looks again after a failure.
type Reader struct {
	c *Client
	q FleetQuery

	mu   sync.Mutex
	m    mapped
	read time.Time // when m was; zero: not yet
}

// NewReader returns a Reader of what q says. It asks nothing yet.
func NewReader(c *Client, q FleetQuery) *Reader { return &Reader{c: c, q: q} }

// Fleet is Client.Fleet.
func (r *Reader) Fleet(ctx context.Context, now time.Time) (*Fleet, error) {
	return withMapping(ctx, r, now, func(m mapped) (*Fleet, error) { return r.c.fleet(ctx, r.q, m, now) })
}

// History is Client.History over the time before now.
func (r *Reader) History(ctx context.Context, source netip.Prefix, over time.Duration, now time.Time) (*Past, error) {
	q := r.q
	q.Window = over
	return withMapping(ctx, r, now, func(m mapped) (*Past, error) { return r.c.history(ctx, q, m, source, now) })
}

// withMapping calls ask with a fresh enough mapping; what goes wrong makes it
// stale.
func withMapping[T any](ctx context.Context, r *Reader, now time.Time, ask func(mapped) (T, error)) (T, error) {
	r.mu.Lock()
	m, old := r.m, r.read.IsZero() || now.Sub(r.read) > mappingFor || now.Before(r.read)
	r.mu.Unlock()
	if old {
		var err error
		if m, err = r.c.mapping(ctx, r.q); err != nil {
			var none T
			return none, err
		}
	}
	out, err := ask(m)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.read = time.Time{}
	case old:
		r.m, r.read = m, now
	}
	return out, err
}

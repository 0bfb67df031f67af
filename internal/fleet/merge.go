package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"levee/actions"
)

const (
	// pageMost is how many documents are read at once.
	pageMost = 1000
	// settles is how long a write may become visible after one that is numbered
	// later.
	settles = 5 * time.Second
)

// top is the highest number seen at a time.
type top struct {
	at  time.Time
	seq int64
}

// cursor returns the number after which documents are to be read: a little is
// read twice, so that nothing that was being written is passed over.
func (n *Node) cursor(now time.Time) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.tops) > 1 && now.Sub(n.tops[1].at) >= settles {
		n.tops = n.tops[1:]
	}
	switch {
	case len(n.tops) == 0:
		return -1
	case now.Sub(n.tops[0].at) < settles:
		return max(-1, n.tops[0].seq-pageMost)
	}
	return n.tops[0].seq
}

// pull reads what was written since it last did; the first time, and after the
// index was out of reach, all that matters.
func (n *Node) pull(ctx context.Context) error {
	now := n.now()
	n.mu.Lock()
	whole := !n.joined || n.doubt
	if whole {
		n.tops, n.read, n.doubt = nil, seen{}, false
		n.gen++
	}
	n.mu.Unlock()
	after, matter := n.cursor(now), time.Time{}
	if after < 0 {
		matter = now
	}
	skip := n.skip(after)
	highest, from := after, after
	var got news
	for looks := 1; ; {
		began := n.reading()
		one, cancel := within(ctx, pageMost)
		docs, err := n.o.Index.Since(one, from, skip, matter, pageMost)
		cancel()
		if err != nil {
			return errors.Join(err, n.carryOut(ctx, &got))
		}
		for i := range docs {
			highest = max(highest, docs[i].Seq)
		}
		n.learnAll(&got, docs, began, whole)
		switch {
		case len(docs) == pageMost:
			from = highest
			if !whole {
				continue
			}
		case !whole && len(docs) > 0 && got.many() && looks < looksMost:
			looks++
			from, skip = after, n.skip(after)
			n.rest(ctx)
			continue
		}
		if err := n.carryOut(ctx, &got); err != nil {
			return err
		}
		if len(docs) < pageMost {
			break
		}
	}
	n.mu.Lock()
	if len(n.tops) == 0 || highest > n.tops[len(n.tops)-1].seq {
		n.tops = append(n.tops, top{now, highest})
	}
	n.mu.Unlock()
	if whole {
		n.missing(now)
		n.compare()
		n.back()
	}
	n.sweep(now)
	return nil
}

// missing puts back what is known and was not there when the index was read as
// a whole: somebody deleted it.
func (n *Node) missing(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, h := range n.known {
		if h.gen == n.gen || h.rec == nil {
			continue
		}
		if until := h.rec.until(); h.rec.Kind == OfSwitches || h.rec.Kind == OfPlace && (until.IsZero() || until.After(now)) {
			h.version = version{}
			n.wanted(id).restore = true
		}
	}
}

// sweep forgets, once a minute, what matters no more.
func (n *Node) sweep(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.swept) < time.Minute {
		return
	}
	n.swept = now
	for id, h := range n.known {
		if h.rec != nil && h.rec.Kind == OfPlace && !h.rec.until().IsZero() && now.Sub(h.rec.until()) > time.Minute && n.out[id] == nil {
			delete(n.known, id)
		}
	}
}

// reading returns what observe must know of a reading that begins now.
func (n *Node) reading() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.turn
}

func (n *Node) skip(after int64) []Span {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.read.skip(after)
}

// news is what follows for this host from what it read.
type news struct{ stand, ended []*Record }

const (
	// many are so many that more of them may be on the way: what is written at
	// once can be read in parts, and an enforcer that is told of the first part
	// may not hear of the next for a second. rests is how long to wait for it,
	// looksMost how often to look.
	many      = 50
	rests     = 100 * time.Millisecond
	looksMost = 4
)

func (x *news) many() bool { return len(x.stand)+len(x.ended) >= many }

func (n *Node) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(rests):
	}
}

// observe merges documents that were read into what is known, and carries out
// here what follows; see learnAll.
func (n *Node) observe(ctx context.Context, docs []Doc, began uint64, sure bool) error {
	var got news
	n.learnAll(&got, docs, began, sure)
	return n.carryOut(ctx, &got)
}

// learnAll merges documents that were read into what is known, and adds to got
// what follows. began is when they were asked for. sure is an answer that no
// writing of before can be missing in: what is older in it than what is known is
// of an index that was made anew.
func (n *Node) learnAll(got *news, docs []Doc, began uint64, sure bool) {
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range docs {
		h, v := n.known[d.ID], version{d.Seq, d.Primary}
		n.read.add(v)
		if h != nil && (h.version == v || v.before(h.version) && (!sure || h.turn > began)) {
			h.gen = n.gen
			continue // read before, or an answer from before what is known
		}
		r, err := n.o.Keys.open(n.o.Name, d, now)
		if err == nil {
			err = n.fresh(r, h)
		}
		if err != nil {
			n.bad.note(now, d, err)
			var rec *Record
			if h != nil && h.rec != nil {
				rec = h.rec
				n.wanted(d.ID).restore = true
			}
			n.learn(d.ID, rec, v)
			continue
		}
		news := h == nil || h.rec == nil || r.Rev != h.rec.Rev
		n.learn(d.ID, r, v)
		if !news {
			continue
		}
		n.hear(r, now)
		if r.Kind == OfPlace && r.Ended != nil {
			got.ended = append(got.ended, r)
		} else if r.Kind == OfPlace && r.stands(now) && (r.Only == "" || r.Only == n.o.Host) {
			got.stand = append(got.stand, r)
		}
	}
}

// fresh says what is wrong with r beside its signature: it is older than what
// is known, or was decided by a leader that others had followed. The caller
// holds mu.
func (n *Node) fresh(r *Record, h *held) error {
	if h != nil && h.rec != nil && r.Rev < h.rec.Rev {
		return fmt.Errorf("an old record (version %d, known is %d) was put back", r.Rev, h.rec.Rev)
	}
	switch {
	case r.Kind == OfLease && r.Lease.Term < n.lease.most:
		return fmt.Errorf("a lease of the old term %d, known is %d", r.Lease.Term, n.lease.most)
	case r.Kind == OfPlace && r.Ended == nil && r.Decision.Actor.Via == actions.Auto.Via && r.Decision.Term != 0:
		if t := n.lease.rec; t != nil && r.Decision.Term < t.Term && r.Decision.Created.After(t.Since) {
			return fmt.Errorf("%s decided %s in term %d, which had ended: term is %d", r.Decision.Host, r.Decision.ID, r.Decision.Term, t.Term)
		}
	}
	return nil
}

// hear takes over what is no decision. The caller holds mu.
func (n *Node) hear(r *Record, now time.Time) {
	switch r.Kind {
	case OfLease:
		n.lease.heard(r.Lease, now)
	case OfHost:
		n.sawHost(r, now)
	case OfWish:
		if r.By != n.o.Host && now.Sub(r.At) < wishLasts {
			n.heard(wished{r.By, *r.Wish, now})
		}
	}
}

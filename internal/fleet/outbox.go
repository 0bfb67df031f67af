package fleet

import (
	"context"
	"fmt"
	"time"
)

const (
	// putMost is how many documents are written at once: as many as others read
	// at once.
	putMost = pageMost
	// putLeast is how many are written at once at least, however slow the index.
	putLeast = 50
	// showAfter is how long a new state waits to be shown: of a thousand blocks,
	// what other hosts must know comes first, and most change once more at once.
	showAfter = time.Second
	// roundsMost is how often a write that met another version is tried at once.
	roundsMost = 4
)

// flush brings the index what it has to learn, for so long: the lease and the
// others' news must not wait behind it. The rest is for the next look.
func (n *Node) flush(ctx context.Context, lasts time.Duration) error {
	if err := n.flushSwitches(ctx); err != nil {
		return err
	}
	for began, quiet := n.now(), false; !quiet; {
		var taken map[string]*want
		var drafts []*draft
		if taken, drafts, quiet = n.due(); len(drafts) == 0 {
			continue
		}
		met, err := n.write(ctx, drafts)
		n.mu.Lock()
		for id, w := range taken {
			switch {
			case err != nil || met[id]:
				n.again(id, w)
			case w.end != nil && w.open: // it was ended, and decided anew
				w.end = nil
				n.again(id, w)
			}
		}
		n.mu.Unlock()
		if err != nil {
			return err
		}
		if n.now().Sub(began) >= lasts {
			n.nudge()
			return nil
		}
	}
	return nil
}

// due takes what has to be written next: what others wait for, else what is
// only shown, and no more than can be written at once.
func (n *Node) due() (taken map[string]*want, drafts []*draft, quiet bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	taken = map[string]*want{}
	for {
		for id, w := range n.out {
			if len(drafts) == n.most {
				return taken, drafts, quiet
			}
			if w.quiet() != quiet || quiet && now.Sub(w.show) < showAfter {
				continue
			}
			delete(n.out, id)
			if r, x := n.build(id, w, now); r != nil {
				taken[id] = w
				d := n.draft(r, x)
				d.quiet = quiet
				drafts = append(drafts, d)
			}
		}
		if quiet || len(drafts) > 0 {
			return taken, drafts, quiet
		}
		quiet = true
	}
}

// write puts drafts and returns which of them met another version; that version
// is known then. An error means that nothing can be said of any.
func (n *Node) write(ctx context.Context, drafts []*draft) (map[string]bool, error) {
	puts := make([]Put, len(drafts))
	for i, x := range drafts {
		var err error
		if puts[i], err = n.seal(x); err != nil {
			return nil, err
		}
	}
	one, cancel := within(ctx, len(puts))
	done, err := n.o.Index.Put(one, puts)
	late := one.Err() != nil
	cancel()
	n.paced(err, late)
	if err != nil {
		return nil, err
	}
	met := map[string]bool{}
	var failed error
	for i, s := range done {
		switch {
		case s.Conflict:
			met[drafts[i].rec.ID] = true
		case s.Err != nil && s.Never:
			n.tell("error", fmt.Sprintf("the fleet can't be told of %s: %s", drafts[i].rec.ID, s.Err))
		case s.Err != nil:
			failed = s.Err
		default:
			n.wrote(drafts[i], s)
		}
	}
	if failed != nil {
		return nil, failed
	}
	return met, n.look(ctx, met)
}

// paced fits how much is written at once to the index: what takes too long is
// written all the same, and sending it again as it was makes it slower still.
func (n *Node) paced(err error, late bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case err == nil:
		n.most = min(2*n.most, putMost)
	case late:
		n.most = max(n.most/2, putLeast)
	}
}

// look reads the documents of ids as they are now.
func (n *Node) look(ctx context.Context, ids map[string]bool) error {
	if len(ids) == 0 {
		return nil
	}
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	ctx, cancel := within(ctx, len(list))
	defer cancel()
	began := n.reading()
	docs, err := n.o.Index.Get(ctx, list)
	if err != nil {
		return err
	}
	n.mu.Lock()
	for _, id := range list {
		if h := n.known[id]; h != nil && h.turn <= began {
			h.version = version{} // unless it is among docs, it is gone
		}
	}
	n.doubt = n.doubt || len(docs) < len(list)
	n.mu.Unlock()
	return n.observe(ctx, docs, began, true)
}

// compare queues, once the whole index was read, what stands here and not
// there: decided while this host was alone, or never sent.
func (n *Node) compare() {
	standing := n.local.Standing()
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	for i := range standing {
		d := &standing[i]
		if !shared(d) {
			continue
		}
		id := docID(n.o.Name, OfPlace, place(d))
		h := n.known[id]
		if h != nil && h.rec != nil && h.rec.stands(now) && h.rec.Decision.Expires.Sub(d.Expires).Abs() < time.Second {
			continue
		}
		w := n.wanted(id)
		w.d, w.open = *d, true
	}
}

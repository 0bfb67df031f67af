package actions

import (
	"context"
	"fmt"
	"time"

	"levee/actions/internal/safe"
)

// changed queues r's state for the ledger. The caller holds mu.
func (d *Dispatcher) changed(r *record, now time.Time, by Actor) {
	r.changed = now
	if d.moved != nil {
		close(d.moved)
		d.moved = nil
	}
	d.dirty.Store(true)
	if r.ending > 0 && r.end == "" && r.state.Active() {
		r.owes = true // behind the undo on disk it would read as standing again
		return
	}
	d.changes = append(d.changes, Entry{Kind: Changed, At: now, Actor: by, Decision: r.decision()})
}

// writeChanges brings queued changes to the ledger, in order, and tells auto
// mode. What can't be written stays queued and is tried again.
func (d *Dispatcher) writeChanges(ctx context.Context) {
	if err := d.writeInOrder(ctx, nil); err != nil && ctx.Err() == nil {
		text := safe.Text(err.Error(), lineMost)
		d.mu.Lock()
		told := d.broken != ""
		d.broken = text
		d.mu.Unlock()
		if !told {
			d.notices.add(d.now(), "error", text+"; what was done is kept in memory until it can be written")
		}
	}
}

// changesSpare is how many changes wait at most for a ledger that can't be
// written, beside two for each decision.
const changesSpare = 10_000

// shortened leaves out of the changes that wait what later ones of the same
// kind and decision say anew: every renewal of every block would fill the
// memory before somebody has made room on the disk. Nothing begins meanwhile,
// since its intent could not be written; so what stays is bounded by what
// stood. How much was left out is told. The caller holds mu.
func (d *Dispatcher) shortened(waiting []Entry) []Entry {
	if len(waiting) <= max(changesSpare+4*len(d.records), 2*d.shortest) {
		return waiting
	}
	type step struct {
		decision string
		kind     EntryKind
	}
	last := make(map[step]int, len(waiting))
	for i := range waiting {
		last[step{waiting[i].Decision.ID, waiting[i].Kind}] = i
	}
	kept := make([]Entry, 0, len(last))
	for i := range waiting {
		if e := &waiting[i]; e.Kind == Set || last[step{e.Decision.ID, e.Kind}] == i {
			kept = append(kept, *e)
		}
	}
	d.leftOut += len(waiting) - len(kept)
	d.shortest = len(kept)
	d.notices.add(d.now(), "error", fmt.Sprintf("the ledger can't be written: %d changes wait, %d steps between were left out", len(kept), d.leftOut))
	return kept
}

// writeInOrder writes the queued changes and then more; on an error none of
// more is written.
func (d *Dispatcher) writeInOrder(ctx context.Context, more []Entry) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.Lock()
	queued := d.changes
	d.changes = nil
	d.mu.Unlock()
	if len(queued)+len(more) == 0 {
		return nil
	}
	err := d.o.Ledger.Record(ctx, append(queued[:len(queued):len(queued)], more...))
	d.mu.Lock()
	if err != nil {
		d.changes = d.shortened(append(queued, d.changes...))
	} else {
		d.broken = ""
	}
	d.mu.Unlock()
	if err == nil && d.o.Peers != nil {
		d.o.Peers.Wrote(queued)
		d.o.Peers.Wrote(more)
	}
	if err == nil && d.o.Auto != nil {
		for i := range queued {
			d.o.Auto.Changed(queued[i].Decision)
		}
	}
	d.dirty.Store(true)
	return err
}

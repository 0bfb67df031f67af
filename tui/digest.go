package tui

import (
	"net/netip"
	"sync"
	"time"

	"levee/actions"
	"levee/detect"
)

// digest is what a snapshot and a board say together. It is not written once it
// is made: the consoles of one station share it.
type digest struct {
	snap     *detect.Snapshot
	board    *actions.Board
	stand    *standings
	stands   []standing           // of snap.Suspects, in their order
	places   map[netip.Prefix]int // of suspects in snap.Suspects
	networks bool                 // whether the network of any suspect is known
	top      *detect.Incident     // what the banner tells of: open hostile first, then a flash crowd; nil when calm
	open     int                  // open incidents
	need     int                  // suspects worth a measure that nobody has dealt with
	broken   int                  // suspects that are blocked and served all the same
	parts    map[string]part      // the listed sources of each incident
	stale    bool                 // data older than the limit
	made     time.Time
}

// part counts an incident's sources in the list: dealt with, left, and blocked
// without effect.
type part struct{ done, left, broken int }

// newDigest works out what snap and board say together at now; old is kept where
// the board is the same, and may be nil.
func newDigest(snap *detect.Snapshot, board *actions.Board, old *digest, stale bool, now time.Time) *digest {
	d := &digest{snap: snap, board: board, stale: stale, made: now, parts: map[string]part{}, places: make(map[netip.Prefix]int, len(snap.Suspects))}
	if old != nil && old.board == board {
		d.stand = old.stand
	} else {
		d.stand = newStandings(board)
	}
	for i := range snap.Incidents {
		in := &snap.Incidents[i]
		if !in.Closed.IsZero() {
			continue
		}
		d.open++
		if d.top == nil || graver(in, d.top, snap.Now) {
			d.top = in
		}
	}
	d.stands = make([]standing, len(snap.Suspects))
	for i := range snap.Suspects {
		s := &snap.Suspects[i]
		d.places[s.Key] = i
		d.networks = d.networks || s.ASN != 0
		d.stands[i] = d.standingAt(s, now)
		d.count(s, d.stands[i])
	}
	return d
}

// count counts a suspect as handled or not.
func (d *digest) count(s *detect.Suspect, st standing) {
	worth := s.Measure != detect.Observe && s.Measure != ""
	if !worth && s.Incident == "" {
		return
	}
	p := d.parts[s.Incident]
	switch {
	case st.kind == standUseless:
		d.broken++
		p.broken++
	case st.handled():
		p.done++
	default:
		if worth {
			d.need++
		}
		p.left++
	}
	if s.Incident != "" {
		d.parts[s.Incident] = p
	}
}

// standingAt is what has been done about s, and whether it helps. Figures that are
// old say nothing about that.
func (d *digest) standingAt(s *detect.Suspect, now time.Time) standing {
	st := d.stand.of(s.Key, now)
	if !d.stale && st.useless(s, d.snap.Now, now) {
		st.kind = standUseless
	}
	return st
}

// digestFor is for how long what was worked out of a state holds: how sources
// stand changes with the clock, too, by the second.
const digestFor = 250 * time.Millisecond

// Shared lets the consoles of one station work out once what all of them show.
// The zero value is ready; any number of consoles may use it.
type Shared struct {
	mu   sync.Mutex
	last *digest
}

// digest returns what snap and board say together, and whoever asks while it is
// worked out waits for it.
func (s *Shared) digest(snap *detect.Snapshot, board *actions.Board, stale bool, now time.Time) *digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.last; d != nil && d.snap == snap && d.board == board && d.stale == stale && !now.Before(d.made) && now.Sub(d.made) < digestFor {
		return d
	}
	s.last = newDigest(snap, board, s.last, stale, now)
	return s.last
}

package tui

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"levee/detect"
)

// holdFor is how long the order stays after a selection key: long enough to
// read a row and press the key that acts on it.
const holdFor = 5 * time.Second

// orderFor is how long rows keep their places while their figures go on: under
// attack hundreds of sources have nearly the same rate, and rows that change
// places with each frame can't be read.
const orderFor = 2 * time.Second

// row is one line of the suspects table.
type row struct {
	s    *detect.Suspect
	st   standing
	gone bool // no longer in the snapshot, kept because the operator looks at it
}

// table is the list of suspects. Its selection follows a source, not a line,
// and its order holds still while the operator acts.
type table struct {
	rows   []row
	total  int // suspects before the filter, those beyond the snapshot's thousand included
	key    netip.Prefix
	cursor int
	top    int
	page   int // lines shown last
	line   int // of the frame, where the first row was drawn last; -1: no row was
	follow bool
	marks  map[netip.Prefix]bool
	anchor netip.Prefix // where a range began

	placed []bool // the snapshot's suspects that have a place, as load goes on

	networks bool // whether the network of any source is known

	filter *filter
	sort   string
	up     bool // smallest first
	cols   []string

	pinned bool      // held on purpose
	until  time.Time // held by a key until then
	held   bool
	fresh  int       // rows that came while held
	sorted time.Time // when places were given last; zero: they are to be given anew
}

func newTable() *table {
	return &table{follow: true, sort: "score", marks: map[netip.Prefix]bool{}}
}

// touch holds the order because the operator pressed a selection key.
func (t *table) touch(now time.Time) {
	t.until = now.Add(holdFor)
	t.held = true
	t.follow = false
}

// release gives the rows their places anew with the next load.
func (t *table) release(now time.Time) { t.until, t.sorted = now, time.Time{} }

// load takes the suspects of d. While the order is held, and for a moment after
// it was made, rows keep their place and only their figures change; sources that
// are new stand at the end.
func (t *table) load(d *data, now time.Time, dialog bool) {
	t.total = max(d.snap.NSuspects, len(d.snap.Suspects))
	t.held = t.pinned || dialog || now.Before(t.until)
	still := t.held || now.Before(t.sorted.Add(orderFor)) && len(t.rows) > 0
	if !still {
		t.sorted = now
	}
	t.networks = d.networks
	var old []row
	if still {
		old = t.rows
	}
	t.placed = append(t.placed[:0], make([]bool, len(d.snap.Suspects))...)
	rows := make([]row, 0, len(d.snap.Suspects)+1)
	for _, r := range old {
		i, ok := d.places[r.s.Key]
		switch {
		case !ok && t.held:
			rows = append(rows, row{r.s, d.standing(r.s), true})
		case ok:
			t.placed[i] = true
			r = row{s: &d.snap.Suspects[i], st: d.stands[i]}
			if t.held || t.filter.match(subject{r.s, r.st, d.now()}) {
				rows = append(rows, r)
			}
		}
	}
	n := len(rows)
	for i := range d.snap.Suspects {
		s := &d.snap.Suspects[i]
		r := row{s: s, st: d.stands[i]}
		if !t.placed[i] && t.filter.match(subject{s, r.st, d.now()}) {
			rows = append(rows, r)
		}
	}
	t.order(rows[n:], d.now())
	t.fresh = 0
	if t.held {
		t.fresh = len(rows) - n
	}
	if !t.held && !t.follow {
		rows = t.keepSelected(rows, d)
	}
	t.rows = rows
	t.reselect()
}

// keepSelected puts the selected source back where it stood when it left the
// snapshot: the row under the operator's finger never turns into another one.
func (t *table) keepSelected(rows []row, d *data) []row {
	if !t.key.IsValid() || slices.ContainsFunc(rows, func(r row) bool { return r.s.Key == t.key }) {
		return rows
	}
	i := slices.IndexFunc(t.rows, func(r row) bool { return r.s.Key == t.key })
	if i < 0 || !t.filter.match(subject{t.rows[i].s, t.rows[i].st, d.now()}) {
		return rows
	}
	r := row{t.rows[i].s, d.standing(t.rows[i].s), true}
	return slices.Insert(rows, min(i, len(rows)), r)
}

// reselect finds the selected source's line again.
func (t *table) reselect() {
	if t.follow || !t.key.IsValid() {
		t.cursor, t.top = 0, 0
	} else if i := slices.IndexFunc(t.rows, func(r row) bool { return r.s.Key == t.key }); i >= 0 {
		t.cursor = i
	}
	t.cursor = max(min(t.cursor, len(t.rows)-1), 0)
	t.key = netip.Prefix{}
	if len(t.rows) > 0 {
		t.key = t.rows[t.cursor].s.Key
	}
}

// sortKeys are what o cycles through.
var sortKeys = []string{"score", "rps", "delta", "hits", "err", "state", "ttl", "asn", "source"}

// order sorts rows; equal ones stand by address, so that the order is the same each time.
func (t *table) order(rows []row, now time.Time) {
	num := func(r *row) float64 {
		switch t.sort {
		case "rps":
			return r.s.Rate
		case "delta":
			return r.s.Delta
		case "hits":
			return float64(r.s.Hits)
		case "err":
			return r.s.ErrorShare
		case "state":
			return float64(r.st.kind)
		case "asn":
			return float64(r.s.ASN)
		case "ttl":
			if r.st.decision != nil && !r.st.decision.Expires.IsZero() {
				return r.st.decision.Expires.Sub(now).Seconds()
			}
			return 0
		case "source":
			return 0
		}
		return r.s.Score
	}
	slices.SortFunc(rows, func(a, b row) int {
		if t.sort == "score" && !t.up {
			if c := cmp.Compare(t.settled(&a, now), t.settled(&b, now)); c != 0 {
				return c
			}
		}
		c := cmp.Compare(num(&b), num(&a))
		if c == 0 && t.sort != "source" {
			c = cmp.Compare(b.s.Rate, a.s.Rate)
		}
		if c == 0 {
			c = a.s.Key.Compare(b.s.Key)
		}
		if t.up {
			return -c
		}
		return c
	})
}

// settled ranks a source in the default order: what nobody has dealt with, what
// is on its way and whose block does not work stand first, then what was dealt with and still
// sends, last what has fallen silent. The selected one stays where it is.
func (t *table) settled(r *row, now time.Time) int {
	switch {
	case !r.st.handled() || r.st.kind == standJob || r.st.leaks(r.s, now) || !t.follow && r.s.Key == t.key:
		return 0
	case r.s.Rate >= 0.05:
		return 1
	}
	return 2
}

// move steps the cursor.
func (t *table) move(n int, now time.Time) {
	t.touch(now)
	t.cursor = max(min(t.cursor+n, len(t.rows)-1), 0)
	if len(t.rows) > 0 {
		t.key = t.rows[t.cursor].s.Key
	}
}

// selected is the row under the cursor, or nil.
func (t *table) selected() *row {
	if len(t.rows) == 0 {
		return nil
	}
	return &t.rows[t.cursor]
}

// targets are the marked rows, or the selected one.
func (t *table) targets() []row {
	var out []row
	if len(t.marks) > 0 {
		for _, r := range t.rows {
			if t.marks[r.s.Key] {
				out = append(out, r)
			}
		}
		return out
	}
	if r := t.selected(); r != nil {
		out = append(out, *r)
	}
	return out
}

// mark turns the selected row's mark over and steps on.
func (t *table) mark(now time.Time) {
	if r := t.selected(); r != nil {
		if t.marks[r.s.Key] {
			delete(t.marks, r.s.Key)
		} else {
			t.marks[r.s.Key] = true
		}
		t.anchor = r.s.Key
		t.move(1, now)
	}
}

// markRange marks from the last mark to the cursor.
func (t *table) markRange(now time.Time) {
	t.touch(now)
	i := slices.IndexFunc(t.rows, func(r row) bool { return r.s.Key == t.anchor })
	if i < 0 {
		i = t.cursor
	}
	for j := min(i, t.cursor); j <= max(i, t.cursor) && j < len(t.rows); j++ {
		t.marks[t.rows[j].s.Key] = true
	}
}

// marked counts the marks that can be seen under the filter, and those it hides.
func (t *table) marked() (shown, hidden int) {
	for _, r := range t.rows {
		if t.marks[r.s.Key] {
			shown++
		}
	}
	return shown, len(t.marks) - shown
}

package actions

import (
	"fmt"
	"time"
)

// tally sums up what became of a batch, so that people read one line and not
// ten thousand.
type tally struct {
	by   map[tallyKey]*tallyLine
	keys []tallyKey
}

type tallyKey struct {
	verb  Verb
	actor string
	state State
}

type tallyLine struct {
	count int
	first *record
}

// add counts r when its state is no longer was.
func (t *tally) add(r *record, was State) {
	if r.state == was || r.state == Intent || r.state == Verified {
		return
	}
	k := tallyKey{r.verb, r.actor.Name, r.state}
	if t.by[k] == nil {
		t.by[k] = &tallyLine{first: r}
		t.keys = append(t.keys, k)
	}
	t.by[k].count++
}

func (t *tally) tell(d *Dispatcher, now time.Time) {
	for _, k := range t.keys {
		line := t.by[k]
		r := line.first
		what := r.target.String()
		if line.count > 1 {
			what = fmt.Sprintf("%d targets, first %s", line.count, what)
		}
		level, text := "ok", ""
		switch k.state {
		case Applied:
			text = fmt.Sprintf("%s %s", k.verb, what)
			if r.ttl > 0 && r.verb.lasting() {
				text += " for " + r.ttl.String()
			}
			text += " (" + k.actor + ")"
			if note := r.note(); note != "" {
				text += " " + note
			}
		case Expired:
			level, text = "info", fmt.Sprintf("%s %s ended with its TTL", k.verb, what)
		case Undone:
			level, text = "ok", fmt.Sprintf("%s %s undone: %s", k.verb, what, r.endedBy)
		case Failed:
			level, text = "error", fmt.Sprintf("%s %s failed: %s", k.verb, what, r.lastNote())
		case Unknown:
			level, text = "warn", fmt.Sprintf("%s %s is UNKNOWN: %s", k.verb, what, r.lastNote())
		}
		d.notices.add(now, level, text)
	}
}

// note is the first thing an enforcer said of r when it took it.
func (r *record) note() string {
	for _, c := range r.receipts {
		if c.OK && c.Note != "" {
			return c.Note
		}
	}
	return ""
}

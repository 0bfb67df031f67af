package detect

// regular is a source that has carried ordinary traffic, and on how many days.
type regular struct {
	key  sourceKey
	day  int32 // the last day it was met, days since the epoch
	days uint16
}

// longKnownDays is from how many different days on a source counts as long
// known. Minutes of good conduct, however many, never earn it.
const longKnownDays = 3

// meet notes that k carried a sample of ordinary traffic.
func (e *Engine) meet(k sourceKey, sec int64) {
	day := int32(sec / 86400)
	r := &e.regulars[k.hash()%uint64(len(e.regulars))]
	switch {
	case r.key == k:
		if day > r.day {
			r.day = day
			r.days++
		}
	case r.days <= 1 || day > r.day+30:
		*r = regular{k, day, 1}
	}
}

// longKnown reports whether k carried ordinary traffic on several days.
func (e *Engine) longKnown(k sourceKey) bool {
	r := &e.regulars[k.hash()%uint64(len(e.regulars))]
	return r.key == k && r.days >= longKnownDays
}

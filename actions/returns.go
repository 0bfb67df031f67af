package actions

import "time"

// quiet is how long a source must keep quiet for one of its returns to be
// forgotten.
const quiet = 6 * time.Hour

// past is how the last block of a target ended.
type past struct {
	returns int
	ended   time.Time
}

// returning says how long the next block of a target lasts: base, doubled for
// each time it came back, at most longest. A return is forgotten for every six
// quiet hours.
func (p past) returning(now time.Time, base, longest time.Duration) (ttl time.Duration, returns int) {
	if p.ended.IsZero() {
		return base, 0
	}
	returns = p.returns + 1 - int(now.Sub(p.ended)/quiet)
	if returns < 0 {
		returns = 0
	}
	ttl = base
	for range returns {
		if ttl >= longest/2 {
			return longest, returns
		}
		ttl *= 2
	}
	return min(ttl, longest), returns
}

package detect

import "time"

// Now returns event time: that of the newest believable request, or what
// Advance said since. It is the zero Time before the first request.
func (e *Engine) Now() time.Time {
	if !e.began {
		return time.Time{}
	}
	return time.Unix(0, e.clock.now).UTC()
}

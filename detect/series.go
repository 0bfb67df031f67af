package detect

import "math"

// series watches one rate, in requests/s: what is usual and whether it has
// changed. Changes are found by a one-sided CUSUM (Page, "Continuous inspection
// schemes", Biometrika 1954) over the logarithm of the rate, so that the same
// thresholds serve 5 and 5000 requests/s. What is usual follows slowly, with
// single seconds clipped, and not at all while the caller says frozen.
type series struct {
	cur   uint32  // requests in the open second
	fast  float32 // mean of about 3 s
	ten   float32 // mean of about 10 s
	mean  float32 // usual, memory about 5 min
	slow  float32 // usual, memory about an hour
	dev   float32 // usual deviation of the logarithm
	cusum float32
	n     uint32 // seconds learnt
	since int64  // second at which cusum left zero
}

const (
	cusumSlack  = 0.8 // deviations that pass as noise
	cusumAlarm  = 6.0
	learnSpan   = 300
	anchorSpan  = 3600
	relativeDev = 0.15 // traffic scatters by this share at least
)

// close ends the second sec. With frozen set nothing is learnt from it.
func (s *series) close(sec int64, frozen bool) {
	x := float64(s.cur)
	s.cur = 0
	s.fast += (float32(x) - s.fast) / 3
	s.ten += (float32(x) - s.ten) / 10
	mean := float64(s.mean)
	y := math.Log((x + 1) / (mean + 1))
	if s.n >= 8 {
		sd := max(float64(s.dev), math.Sqrt(1/(mean+1)+relativeDev*relativeDev))
		z := min(max(y/sd, -3), 4)
		c := max(0, float64(s.cusum)+z-cusumSlack)
		if s.cusum == 0 {
			s.since = sec
		}
		s.cusum = float32(min(c, 3*cusumAlarm))
	}
	if frozen {
		return
	}
	s.n++
	if s.n > 20 {
		x = min(x, 2*mean+4)
		y = min(max(y, -1), 1)
	}
	a := max(1/float64(s.n), 1.0/learnSpan)
	s.mean += float32(a * (x - mean))
	s.dev += float32(a * (1.25*math.Abs(y) - float64(s.dev)))
	s.slow += float32(max(1/float64(s.n), 1.0/anchorSpan) * (x - float64(s.slow)))
}

// usual is the rate to compare with: neither a ramp of minutes nor a hole of
// minutes becomes usual, since the slower memory bounds the faster one.
func (s *series) usual() float64 {
	return min(float64(s.mean), 2*float64(s.slow)+1)
}

// alarm reports whether the rate has changed and is worth a look, and what it
// makes above its usual rate, of which factor times are expected. Less than
// floor requests/s are not worth it.
func (s *series) alarm(floor, factor float64) (excess float64, ok bool) {
	u := s.usual() * factor
	excess = float64(s.fast) - u
	ramp := s.n > 120 && float64(s.ten) > 3*float64(s.slow)*factor+2
	return excess, (s.cusum >= cusumAlarm || ramp) && excess > max(floor, 0.4*u)
}

// share is a fading mean of values between 0 and 1 (or of any measure).
type share struct {
	mean float32
	n    float32
}

// add notes v with a memory of span values.
func (s *share) add(v, span float32) {
	if s.n < span {
		s.n++
	}
	s.mean += (v - s.mean) / s.n
}

// or returns the mean once at least least values were seen, else otherwise.
func (s *share) or(least float32, otherwise float64) float64 {
	if s.n < least {
		return otherwise
	}
	return float64(s.mean)
}

package demo

import (
	"math"
	"math/rand/v2"
)

const maxServers = 1000

// servers answers requests until the offered load passes what they can carry;
// then it turns the surplus away. The model is a loss system without a queue:
// of a load L on a capacity C, the share 1 - C/L is answered 503. That is
// cruder than a queue and enough to make scaling visible.
type servers struct {
	n    int
	each float64 // cost units/s one server carries
	load float64 // offered cost units/s, exponentially weighted over loadWindow
	at   int64
	rng  *rand.Rand
}

const loadWindow = 2e9 // nanoseconds

// offer accounts a request of the given cost and reports whether it is served.
func (v *servers) offer(at int64, cost float64) bool {
	v.decay(at)
	v.load += cost / (loadWindow / 1e9)
	surplus := 1 - v.capacity()/v.load
	if surplus <= 0 {
		return true
	}
	return v.rng.Float64() >= surplus
}

func (v *servers) decay(at int64) {
	if at > v.at {
		v.load *= math.Exp(-float64(at-v.at) / loadWindow)
		v.at = at
	}
}

func (v *servers) capacity() float64 { return float64(v.n) * v.each }

// slowdown is how many times longer than usual an answer takes, 1 to 20. It
// follows the waiting time of a single queue, 1/(1-utilisation), clipped.
func (v *servers) slowdown() float64 {
	use := v.load / v.capacity()
	if use >= 0.95 {
		return 20
	}
	return 1 / (1 - use)
}

package sketch

import (
	"math"
	"math/bits"
)

const registers = 1024

// Distinct estimates how many distinct hashes it was given: a HyperLogLog
// (Flajolet, Fusy, Gandouet, Meunier 2007) of 1024 registers with linear
// counting for small numbers; the standard error is about 3 %. The zero value
// is ready.
type Distinct struct{ reg [registers]uint8 }

// Add notes h.
func (d *Distinct) Add(h uint64) {
	i := h >> 54
	r := uint8(bits.LeadingZeros64(h<<10|1<<9) + 1)
	if r > d.reg[i] {
		d.reg[i] = r
	}
}

// Reset forgets everything.
func (d *Distinct) Reset() { clear(d.reg[:]) }

// Merge adds what o has seen.
func (d *Distinct) Merge(o *Distinct) {
	for i, r := range o.reg {
		d.reg[i] = max(d.reg[i], r)
	}
}

// Count returns the estimate.
func (d *Distinct) Count() int {
	sum, zeros := 0.0, 0
	for _, r := range d.reg {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	n := 0.7213 / (1 + 1.079/registers) * registers * registers / sum
	if n <= 2.5*registers && zeros > 0 {
		n = registers * math.Log(registers/float64(zeros))
	}
	return int(n + 0.5)
}

package detect

import "math"

// AtMost is the upper end of the 95 % interval of a share that was counted from
// n samples (Wilson, "Probable inference, the law of succession, and statistical
// inference", JASA 1927): none of 300 may be 1.3 % in truth. Of nothing counted
// it is the share itself.
func AtMost(share float64, n int) float64 {
	if n <= 0 {
		return share
	}
	const z = 1.96
	k := float64(n)
	mid := share + z*z/(2*k)
	return min(1, (mid+z*math.Sqrt(share*(1-share)/k+z*z/(4*k*k)))/(1+z*z/k))
}

// CollateralMost is what Collateral may be in truth, as far as the samples tell.
func (in *Incident) CollateralMost() float64 { return AtMost(in.Collateral, in.UsualOf) }

package sketch

import "math"

const (
	quantileBuckets = 128
	quantileGrowth  = 1.2
)

// Quantile is a histogram of non-negative values whose buckets grow by a fifth
// (the idea of DDSketch: Masson, Rim, Lee 2019), so a quantile is within 10 %
// of the truth whatever the values. Old values fade by Decay. The zero value
// is ready.
type Quantile struct {
	count [quantileBuckets]float32
	total float32
}

// Add notes v; values below 1 share a bucket.
func (q *Quantile) Add(v float64) {
	i := 0
	if v >= 1 {
		i = min(1+int(math.Log(v)/logGrowth), quantileBuckets-1)
	}
	q.count[i]++
	q.total++
}

var logGrowth = math.Log(quantileGrowth)

// Decay keeps the share keep (0 to 1) of what was noted.
func (q *Quantile) Decay(keep float32) {
	q.total = 0
	for i := range q.count {
		q.count[i] *= keep
		q.total += q.count[i]
	}
}

// Weight is how many values are remembered, faded ones in part.
func (q *Quantile) Weight() float64 { return float64(q.total) }

// At returns the p-quantile (p in 0 to 1), 0 when nothing is remembered.
func (q *Quantile) At(p float64) float64 {
	if q.total <= 0 {
		return 0
	}
	want, sum := float32(p)*q.total, float32(0)
	for i, c := range q.count {
		sum += c
		if sum >= want && c > 0 {
			if i == 0 {
				return 1
			}
			return math.Pow(quantileGrowth, float64(i)-0.5)
		}
	}
	return 0
}

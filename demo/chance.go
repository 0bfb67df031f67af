package demo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
)

// stream returns a generator of its own for one part of the play, so that what
// one part draws never changes what another does.
func stream(seed uint64, part string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(part)) // a hash never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// spread draws a log-normal figure: sizes and reading times are skewed so.
func spread(r *rand.Rand, median, sigma float64) float64 {
	return median * math.Exp(sigma*r.NormFloat64())
}

// after draws the time to the next event of a Poisson process, in nanoseconds.
func after(r *rand.Rand, mean float64) int64 { return int64(r.ExpFloat64() * mean) }

// popularity draws ranks from 0 to n-1 by Zipf's law, as people choose pages.
type popularity []float64

func newPopularity(n int, exponent float64) popularity {
	p := make(popularity, n)
	total := 0.0
	for i := range p {
		total += math.Pow(float64(i+2), -exponent)
		p[i] = total
	}
	return p
}

func (p popularity) draw(r *rand.Rand) int {
	return min(sort.SearchFloat64s(p, r.Float64()*p[len(p)-1]), len(p)-1)
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

// fill replaces a template's placeholders: {n:1000} a number below 1000,
// {hex:8} hexadecimal digits, {text:10} letters and digits, {game}, {news} and
// {player} something of the site, {probe} a path that scanners try. An unknown
// placeholder stays as it is; a test holds that no drill has one.
func fill(r *rand.Rand, template string) string {
	if !strings.Contains(template, "{") {
		return template
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		word, next, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{" + rest)
			return b.String()
		}
		b.WriteString(placeholder(r, word))
		template = next
	}
}

func placeholder(r *rand.Rand, word string) string {
	kind, arg, _ := strings.Cut(word, ":")
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		n = 8
	}
	switch kind {
	case "n":
		return strconv.Itoa(r.IntN(n))
	case "hex":
		return draw(r, "0123456789abcdef", n)
	case "text":
		return draw(r, letters, n)
	case "game":
		return games[gameRank.draw(r)]
	case "news":
		return news[newsRank.draw(r)]
	case "player":
		return pick(r, nicks) + strconv.Itoa(r.IntN(9000))
	case "probe":
		return pick(r, probes)
	}
	return "{" + word + "}"
}

func draw(r *rand.Rand, from string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[r.IntN(len(from))]
	}
	return string(b)
}

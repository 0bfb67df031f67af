package kernel

import (
	"fmt"
	"time"
)

// window is the time over which rates are taken.
const window = 10 * time.Second

// Thresholds of what is a sign, a second.
const (
	fewDrops   = 1   // dropped connections
	fewPackets = 100 // dropped packets: a burst now and then is usual
)

// Watch tells from counters read again and again what the kernel drops now.
// Its zero value has seen nothing. It belongs to one goroutine.
type Watch struct{ seen []sample }

type sample struct {
	at time.Time
	c  Counts
}

// Add takes the counters as they are at a time, which only grows.
func (w *Watch) Add(at time.Time, c Counts) {
	w.seen = append(w.seen, sample{at, c})
	for len(w.seen) > 2 && at.Sub(w.seen[1].at) >= window {
		w.seen = w.seen[1:]
	}
}

// Signs says in words what is dropped now, worst first; nothing when nothing
// worth a word is.
func (w *Watch) Signs() []string {
	if len(w.seen) < 2 {
		return nil
	}
	first, last := w.seen[0], w.seen[len(w.seen)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds < 1 {
		return nil
	}
	var out []string
	sign := func(words string, was, is uint64, few float64) {
		// A counter that fell began anew: another namespace, another boot.
		if rate := float64(is-was) / seconds; is > was && rate >= few {
			out = append(out, fmt.Sprintf("%s: %.0f/s", words, rate))
		}
	}
	a, b := first.c, last.c
	sign("SYN backlog full, no cookies", a.SynDrops, b.SynDrops, fewDrops)
	sign("SYN backlog full", a.SynCookies, b.SynCookies, fewDrops)
	sign("listen queue full", a.ListenDrops, b.ListenDrops, fewDrops)
	sign("conntrack drops", a.ConntrackDrops, b.ConntrackDrops, fewDrops)
	if b.ConntrackMost > 0 && b.Conntrack*10 >= b.ConntrackMost*9 {
		out = append(out, fmt.Sprintf("conntrack full: %d of %d", b.Conntrack, b.ConntrackMost))
	}
	sign("packets lost", a.PacketDrops, b.PacketDrops, fewPackets)
	return out
}

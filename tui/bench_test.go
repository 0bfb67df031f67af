package tui

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"levee/actions"
	"levee/detect"
)

// crowded is a station with 1000 suspects of 100,000 sources and 10,000 blocks.
func crowded() *fake {
	f := newFake()
	s := f.snap
	base := s.Suspects[1]
	s.Suspects, s.NSuspects, s.Sources = nil, 100_000, 100_000
	for i := range 1000 {
		p := base
		p.Addr = netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
		p.Key = netip.PrefixFrom(p.Addr, 32)
		p.Score = float64(100 - i/10)
		s.Suspects = append(s.Suspects, p)
	}
	b := *f.board
	for i := range 10_000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18 + byte(i>>16), byte(i >> 8), byte(i)}), 32)
		b.Active = append(b.Active, actions.Decision{ID: fmt.Sprint("b", i), Verb: actions.Block, Target: actions.Target{Prefix: p}, State: actions.Verified, Actor: actions.Auto,
			Reason: "distributed flood", Created: t0, Changed: t0, TTL: time.Hour, Expires: t0.Add(time.Hour)})
	}
	f.board = &b
	return f
}

func benchModel(w, h int) (*fake, *Model) {
	f := crowded()
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.TrueColor)
	m := New(f, hands{f, ana}, Options{Renderer: r})
	m.w, m.h = w, h
	return f, m
}

// viewGates are the most that the best frame of a run may take: the machine's
// other work is not the console's.
var viewGates = map[[2]int]time.Duration{{120, 36}: 700 * time.Microsecond, {300, 100}: 2 * time.Millisecond}

// BenchmarkView draws a frame of a snapshot that was not drawn before, so that
// nothing comes from a cache.
func BenchmarkView(b *testing.B) {
	for _, s := range [][2]int{{80, 24}, {120, 36}, {300, 100}} {
		for _, at := range []screenID{scrOverview, scrBlocks, scrIncident} {
			b.Run(fmt.Sprintf("%dx%d/%d", s[0], s[1], at+1), func(b *testing.B) {
				_, m := benchModel(s[0], s[1])
				m.goTo(at)
				b.ReportAllocs()
				best := time.Hour
				for b.Loop() {
					m.chart.lines = nil
					began := time.Now()
					if len(m.View()) < s[0] {
						b.Fatal("an empty frame")
					}
					best = min(best, time.Since(began))
				}
				b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
				if most, ok := viewGates[s]; ok && best > most {
					b.Errorf("a frame takes %v, must stay under %v", best, most)
				}
			})
		}
	}
	b.Run("120x36/dialog", func(b *testing.B) {
		_, m := benchModel(120, 36)
		m.ask("Block", actions.Request{Verb: actions.Block, Targets: []actions.Target{{Prefix: m.table.rows[3].s.Key}}})
		b.ReportAllocs()
		for b.Loop() {
			m.chart.lines = nil
			m.View()
		}
	})
}

// BenchmarkLoad takes a new snapshot and a new board.
func BenchmarkLoad(b *testing.B) {
	f, m := benchModel(120, 36)
	b.ReportAllocs()
	for b.Loop() {
		f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) {})
		m.load()
	}
}

package tui

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// The row under the finger stays the row under the finger.
func TestOrderHoldsWhileActing(t *testing.T) {
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	turn := func() {
		f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) {
			for i := range s.Suspects {
				s.Suspects[i].Score = 100 - s.Suspects[i].Score
			}
		})
	}
	d.keys("j j")
	before := d.m.table.selected().s.Key
	at := d.m.table.cursor
	turn()
	d.wait(time.Second)
	if d.m.table.cursor != at || d.m.table.selected().s.Key != before {
		t.Fatal("the order moved within a second of a selection key")
	}
	d.sees("ORDER HELD")
	d.wait(10 * time.Second)
	if d.m.table.selected().s.Key != before {
		t.Fatal("the selection left its source")
	}
	if d.m.table.cursor == at {
		t.Fatal("the order never moved again")
	}
	d.misses("ORDER HELD")
	d.keys("z")
	turn()
	at = d.m.table.cursor
	d.wait(time.Minute)
	if d.m.table.cursor != at {
		t.Fatal("z did not hold the order")
	}
	d.sees("ORDER HELD: z releases")
	d.keys("z")
	d.wait(time.Minute)
	d.misses("ORDER HELD")
}

func TestSelectedSourceThatFallsSilentStays(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("j j")
	key := d.m.table.selected().s.Key
	d.wait(time.Minute)
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects = append(s.Suspects[:2:2], s.Suspects[3:]...) })
	d.wait(time.Second)
	if got := d.m.table.selected().s.Key; got != key {
		t.Fatalf("the cursor went from %v to %v by itself", key, got)
	}
	if r := d.row("198.51.100.77 "); !strings.Contains(r, "gone quiet") {
		t.Fatalf("the row does not say that its source is gone: %q", r)
	}
}

// What was dealt with and fell silent makes room; the selected row stays.
func TestSettledSourcesSink(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects[0].Rate = 0 })
	d.wait(time.Minute)
	if k := d.m.table.rows[0].s.Key; k != pfx("198.51.100.23") {
		t.Fatalf("%v stands first although a louder one is not dealt with", k)
	}
	f = newFake()
	d = sit(t, f, 120, 36, plain)
	d.keys("j k")
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects[0].Rate = 0 })
	d.wait(time.Minute)
	if d.m.table.cursor != 0 || d.m.table.selected().s.Key != pfx("203.0.113.0/24") {
		t.Fatal("the selected row sank under the operator's finger")
	}
}

// What is dealt with makes room for what is not, however loud it is; a block that
// does not work stays in sight.
func TestHandledSourcesStandBelow(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	at := func(key string) int {
		return slices.IndexFunc(d.m.table.rows, func(r row) bool { return r.s.Key == pfx(key) })
	}
	if at("203.0.113.0/24") != 0 {
		t.Fatalf("a block that leaks stands in row %d", at("203.0.113.0/24"))
	}
	if n := len(d.m.table.rows); at("192.0.2.200") != n-1 {
		t.Fatalf("the allowed source stands in row %d of %d", at("192.0.2.200"), n)
	}
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) {
		s.Suspects[0].ErrorShare, s.Suspects[0].TopStatus = .97, 403
	}) // now it is turned away
	d.wait(time.Minute)
	if n := len(d.m.table.rows); at("203.0.113.0/24") != n-2 {
		t.Fatalf("a block that works stands in row %d of %d", at("203.0.113.0/24"), n)
	}
}

// ledgered is a board's memory of what it does not list.
type ledgered map[string]actions.Decision

func (f ledgered) FindActive(p netip.Prefix) (actions.Decision, bool) {
	d, ok := f[p.String()]
	return d, ok
}

// A board lists the latest thousand decisions; a source whose block is not
// among them is as blocked as any.
func TestBlocksBeyondTheBoardStand(t *testing.T) {
	f := newFake()
	b := f.board.WithFinder(ledgered{"198.51.100.23/32": {ID: "old", Verb: actions.Block, Target: actions.Target{Prefix: pfx("198.51.100.23")}, State: actions.Verified,
		Actor: actions.Auto, Created: t0.Add(-2 * time.Minute), Expires: t0.Add(time.Hour), TTL: 2 * time.Hour}})
	b.NActive = 25_000
	f.board = b
	d := sit(t, f, 120, 36, plain)
	if r := d.row(" 198.51.100.23 "); !strings.Contains(r, "BLOCKED") {
		t.Fatalf("the row says %q", r)
	}
	d.sees("32 need you")
	d.keys("4")
	d.sees("the latest 3 of 25k in force")
	d.keys("1 j x")
	d.sees("Lift 198.51.100.23")
}

// A slow line delivers several keys as one: text lines and moves are taken
// apart, nothing that acts is.
func TestKeysThatComeTogether(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("jjj")
	if d.m.table.cursor != 3 {
		t.Fatalf("jjj moved to %d", d.m.table.cursor)
	}
	d.keys(":filter space asn:9009 enter")
	d.sees("/asn:9009")
	d.keys("by uy AA 22 !b")
	if d.m.dialog != nil || f.commits+f.disarms > 0 || !f.board.Auto.On || d.m.at != scrOverview {
		t.Fatal("what may be a paste acted")
	}
	d.keys("!!!")
	if f.disarms != 1 {
		t.Fatalf("! hammered on stopped automation %d times", f.disarms)
	}
}

// Hundreds of bots have nearly the same rate: rows that changed places with each
// frame could not be read.
func TestRowsKeepTheirPlacesForAMoment(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	keys := func() (ks []string) {
		for _, r := range d.m.table.rows {
			ks = append(ks, r.s.Key.String())
		}
		return ks
	}
	before := keys()
	for i := range 7 { // at four frames a second
		f.step(250*time.Millisecond, func(s *detect.Snapshot, _ *actions.Board) {
			for j := range s.Suspects[:len(before)] {
				s.Suspects[j].Score, s.Suspects[j].Rate = 90, float64((j*7+i*11)%40)
			}
			if i == 2 {
				worst := s.Suspects[1]
				worst.Key, worst.Addr, worst.Score = pfx("198.18.0.1"), pfx("198.18.0.1").Addr(), 100
				s.Suspects = append(s.Suspects, worst)
			}
		})
		d.wait(250 * time.Millisecond)
		if now := keys(); !slices.Equal(now[:len(before)], before) {
			t.Fatalf("after %d frames the order is another:\n%v\n%v", i+1, before, now)
		}
		d.misses("ORDER HELD")
	}
	if now := keys(); now[len(now)-1] != "198.18.0.1/32" {
		t.Fatalf("what is new does not stand at the end: %v", now)
	}
	d.wait(500 * time.Millisecond)
	if now := keys(); now[0] != "198.18.0.1/32" {
		t.Fatalf("after two seconds the worst does not stand first: %v", now)
	}
}

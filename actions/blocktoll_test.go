package actions_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"levee/actions"
	"levee/detect"
)

var office = netip.MustParsePrefix("82.9.9.0/24")

// newOffice is a shop where auto mode may block. The first 40 people sit in
// office.
func newOffice(t *testing.T) *shop {
	s := newShop(t)
	s.auto = actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
	for i := range 40 {
		s.people[i].addr = netip.AddrFrom4([4]byte{82, 9, 9, byte(10 + i)})
	}
	s.hits = func(_ *shop, person bool) bool { return !person }
	return s
}

// accuse tells auto mode that a prefix is to be blocked, whatever the detector
// says.
func (s *shop) accuse(p netip.Prefix, rate float64) {
	in := s.engine.Snapshot().Incidents[0]
	s.auto.Observe(detect.Event{Time: s.now, Kind: detect.SuspectSeen, Suspect: &detect.Suspect{Key: p, Service: "shop", Score: 90,
		Attack: detect.PrefixFlood, Incident: in.ID, Measure: detect.BlockPrefix, Rate: rate, MayAct: true}})
}

// takenBack are the roll-backs of blocks.
func (s *shop) takenBack() (out []actions.Request) {
	for _, q := range s.asks(actions.Unblock) {
		if strings.HasPrefix(q.Reason, "roll-back of block: ") {
			out = append(out, q)
		}
	}
	return out
}

// TestABlockOfAnOfficeIsTakenBack: one service, one wrong prefix. In the kernel
// nothing of it reaches a log any more; behind a deny list refusals do.
func TestABlockOfAnOfficeIsTakenBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		cut    uint16
		during func(s *shop, n int)
		want   bool
		says   string
	}{
		{name: "dropped in the kernel", want: true, says: ", 0 turned away), what it did not cover is at "},
		{name: "refused by a deny list", cut: 403, want: true, says: " turned away), what it did not cover is at "},
		{name: "let through after all", cut: 200},
		{name: "the hour's fall", during: func(s *shop, n int) { s.alive = max(0.02, 1-float64(max(0, n-floodAt))/20) }},
		{name: "the service is down", during: func(s *shop, n int) {
			if n > floodAt+20 {
				s.alive = 0.02
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newOffice(t)
			s.cut = c.cut
			start := 160 // habits take four minutes, whole ones
			for n := range floodAt + start + 60 {
				if c.during != nil {
					c.during(s, n-start)
				}
				if n == floodAt+start+20 {
					s.accuse(office, 15)
				}
				s.second(n - start)
			}
			if !slices.ContainsFunc(s.asks(actions.Block), func(q actions.Request) bool { return slices.Contains(q.Targets, actions.Target{Prefix: office}) }) {
				t.Fatalf("the office was not blocked: %q", s.auto.State().Why)
			}
			got := s.takenBack()
			if (len(got) > 0) != c.want {
				t.Fatalf("%d roll-backs: %+v; usual %+v", len(got), got, s.engine.Snapshot().Incidents[0].Usual)
			}
			if !c.want {
				return
			}
			q := got[0]
			t.Log(q.Reason)
			if len(got) != 1 || len(q.Targets) != 1 || q.Targets[0].Prefix != office {
				t.Errorf("taken back: %+v", got)
			}
			if !strings.HasPrefix(q.Reason, "roll-back of block: usual traffic that it covered fell to 0% (0 requests of 40 usual clients of ") || !strings.Contains(q.Reason, c.says) {
				t.Errorf("the reason is %q", q.Reason)
			}
			if (c.cut == 403) == strings.Contains(q.Reason, ", 0 turned away") {
				t.Errorf("what was turned away is told wrong: %q", q.Reason)
			}
			if s.blocked(office) {
				t.Error("it stands again")
			}
			if why := s.auto.State().Why; !slices.ContainsFunc(why, func(w string) bool {
				return strings.HasPrefix(w, "roll_back: block of 82.9.9.0/24 was taken back: usual traffic") && strings.Contains(w, "it rests until 03:")
			}) {
				t.Errorf("it does not say why it rests: %q", why)
			}
			// The verdict stands: the office is left alone all the same.
			for n := range 20 {
				s.accuse(office, 15)
				s.second(floodAt + 60 + n)
			}
			if s.blocked(office) {
				t.Error("it was blocked again while it rests")
			}
		})
	}
}

// TestNoBlockOfABotnetIsTakenBack: clients that behave as people for minutes
// before they attack, whatever they do once they are blocked, and bystanders
// among bots.
func TestNoBlockOfABotnetIsTakenBack(t *testing.T) {
	theirs := netip.MustParsePrefix("45.9.9.0/24")
	bot := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{45, 9, 9, byte(10 + i)}) }
	browses := func(s *shop, i int, put putting) {
		agent := s.people[i%len(s.people)].agent
		page := fmt.Sprintf("/item/lamp-%d", s.r.IntN(60))
		put(bot(i), page, agent, "/item/lamp-1", 200)
		put(bot(i), fmt.Sprintf("/img/lamp-%d.jpg", s.r.IntN(60)), agent, page, 200)
		put(bot(i), "/static/shop.css", agent, page, 200)
	}
	attacks := func(s *shop, i int, put putting) {
		put(bot(i), "/search?q="+words[s.r.IntN(len(words))], s.people[i%len(s.people)].agent, "/item/lamp-1", 200)
	}
	// seenBefore has bots that browse, but for so many seconds of the flood.
	seenBefore := func(lasts int) func(*shop, int, putting) {
		return func(s *shop, n int, put putting) {
			for i := range 60 {
				switch {
				case n >= floodAt && n-floodAt < lasts:
					attacks(s, i, put)
					attacks(s, i, put)
				case s.r.Float64() < 0.1:
					browses(s, i, put)
				}
			}
		}
	}
	const start = 160
	for _, c := range []struct {
		name string
		cut  uint16
		more func(s *shop, n int, put putting)
		rate float64
		at   int // when they are accused
	}{
		{"they were seen before, and pause once they are blocked", 0, func(s *shop, n int, put putting) {
			for i := range 60 {
				switch {
				case n < floodAt && s.r.Float64() < 0.1:
					browses(s, i, put)
				case n >= floodAt && n < floodAt+22:
					attacks(s, i, put)
					attacks(s, i, put)
				}
			}
		}, 120, 20},
		{"they were seen before, and browse again once they are refused", 403, seenBefore(22), 120, 20},
		{"they were seen before, and go on", 403, seenBefore(math.MaxInt), 120, 20},
		{"a few bystanders live among them", 0, func(s *shop, n int, put putting) {
			for i := range 3 {
				if s.r.Float64() < 0.1 {
					browses(s, i, put)
				}
			}
			for i := 3; n >= floodAt && i < 100; i++ { // none stays for long
				attacks(s, 3+(97*n+i)%240, put)
			}
		}, 100, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newOffice(t)
			s.auto = actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock, Budget: actions.Budget{UsualShare: 0.05}})
			s.cut = c.cut
			s.more = func(n int, put putting) { c.more(s, n, put) }
			for n := range start + floodAt + 90 {
				if n == start+floodAt+c.at {
					s.accuse(theirs, c.rate)
				}
				s.second(n - start)
			}
			if !s.blocked(theirs) {
				t.Errorf("it does not stand: %q", s.auto.State().Why)
			}
			if got := s.takenBack(); len(got) > 0 {
				t.Errorf("taken back: %+v", got)
			}
		})
	}
}

// TestAnAttackEndsTheRest: what was given back and then attacks is blocked again
// at once, and not blamed again in the same incident.
func TestAnAttackEndsTheRest(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	const start = 160
	for n := range start + floodAt + 130 {
		switch n {
		case start + floodAt + 20:
			s.accuse(office, 15)
		case start + floodAt + 50:
			if len(s.takenBack()) != 1 || s.blocked(office) {
				t.Fatalf("it was not taken back: %q", s.auto.State().Why)
			}
			s.accuse(office, 400)
		}
		s.second(n - start)
		if n == start+floodAt+51 && !slices.ContainsFunc(s.auto.State().Why, func(w string) bool {
			return strings.HasPrefix(w, "roll_back: 82.9.9.0/24 makes 400 requests/s after it was given back, its usual clients made 1")
		}) {
			t.Errorf("it does not say why: %q", s.auto.State().Why)
		}
	}
	if got := s.takenBack(); len(got) != 1 || !s.blocked(office) {
		t.Errorf("%d roll-backs, blocked: %t; %q", len(got), s.blocked(office), s.auto.State().Why)
	}
}

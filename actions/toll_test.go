package actions_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/actions/ledger"
	"levee/detect"
)

// shop is a service in event time, with a proxy in front of it that throttles
// what auto mode says. People browse it, with all that a browser fetches; from
// floodAt on bots search it.
type shop struct {
	t        *testing.T
	r        *rand.Rand
	engine   *detect.Engine
	auto     *actions.Autopilot
	now      time.Time
	people   []person
	bots     int
	standing map[string]actions.Decision
	asked    []actions.Request
	told     []detect.Event

	hits  func(s *shop, person bool) bool // whether the throttle turns a search away
	cut   uint16                          // how blocked addresses are answered; 0: not at all, and no log tells of it
	alive float64                         // share of people who still come, 0 to 1
	bored bool                            // people search no more
	more  func(n int, put putting)        // further clients' requests
}

type putting func(a netip.Addr, target, agent, refer string, status uint16)

type person struct {
	addr  netip.Addr
	agent string
}

const floodAt = 150

var words = []string{"lamp", "chair", "table", "shelf", "sofa"}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, r: rand.New(rand.NewPCG(7, 7)), engine: detect.New(detect.Options{MaxMemory: 16 << 20}), now: t0, alive: 1,
		auto: actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelThrottle}), bots: 200, standing: map[string]actions.Decision{}}
	for i := range 160 {
		s.people = append(s.people, person{netip.AddrFrom4([4]byte{82, byte(i / 8), byte(3 * i), byte(10 + i%200)}),
			fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", 90+i%40, 90+i%40)})
	}
	return s
}

func (s *shop) throttled() bool {
	for _, d := range s.standing {
		if d.Target.Signature != nil {
			return true
		}
	}
	return false
}

// blocked reports whether a block that stands covers p.
func (s *shop) blocked(p netip.Prefix) bool {
	for _, d := range s.standing {
		if q := d.Target.Prefix; q.IsValid() && q.Bits() <= p.Bits() && q.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// second lets one second pass: requests, verdicts, and what auto mode asks for.
func (s *shop) second(n int) {
	var batch []detect.Request
	put := func(a netip.Addr, target, agent, refer string, status uint16) {
		if s.blocked(netip.PrefixFrom(a, 32)) {
			if status = s.cut; status == 0 {
				return
			}
		}
		q := detect.Request{Time: s.now.UnixNano(), Source: a, Method: []byte("GET"), Target: []byte(target), Proto: []byte("HTTP/1.1"),
			Agent: []byte(agent), Host: []byte("shop"), Status: status, Bytes: -1, Duration: -1}
		if refer != "" {
			q.Referer = []byte("https://shop" + refer)
		}
		batch = append(batch, q)
	}
	for _, p := range s.people {
		if s.r.Float64() > 0.15*s.alive {
			continue
		}
		page, status := fmt.Sprintf("/item/lamp-%d", s.r.IntN(60)), uint16(200)
		if s.r.IntN(10) == 0 && !s.bored {
			page = "/search?q=" + words[s.r.IntN(len(words))]
			if s.throttled() && s.hits(s, true) {
				status = 429
			}
		}
		put(p.addr, page, p.agent, "/item/lamp-1", status)
		if status == 200 {
			put(p.addr, fmt.Sprintf("/img/lamp-%d.jpg", s.r.IntN(60)), p.agent, page, 200)
			put(p.addr, "/static/shop.css", p.agent, page, 200)
		}
	}
	// Nothing but their pace tells the bots' searches from people's.
	for i := range s.bots {
		if n < floodAt || s.r.Float64() > 0.8 {
			continue
		}
		status := uint16(200)
		if s.throttled() && s.hits(s, false) {
			status = 429
		}
		put(netip.AddrFrom4([4]byte{45, byte(i), byte(i * 7), 9}), "/search?q="+words[s.r.IntN(len(words))], s.people[i%len(s.people)].agent, "/item/lamp-1", status)
	}
	if s.more != nil {
		s.more(n, put)
	}
	s.engine.Add(batch)
	s.now = s.now.Add(time.Second)
	s.engine.Advance(s.now)
	events := s.engine.Events(nil)
	s.told = append(s.told, events...)
	s.auto.Observe(events...)
	s.auto.Watch(s.now, s.engine.Snapshot(), s.engine)
	for _, q := range s.auto.Tick(s.now) {
		s.asked = append(s.asked, q)
		s.carryOut(q)
	}
}

func (s *shop) carryOut(q actions.Request) {
	for i, t := range q.Targets {
		key := t.Key()
		switch d, ok := s.standing[key]; q.Verb {
		case actions.Throttle, actions.Harden, actions.Block:
			if !ok {
				d = actions.Decision{ID: fmt.Sprint("d-", len(s.asked)), Verb: q.Verb, Target: t, State: actions.Applied, Actor: actions.Auto,
					Incident: q.Incident, Attack: q.Attack, Created: s.now, TTL: 10 * time.Minute}
			}
			d.Expires = s.now.Add(d.TTL)
			s.standing[key] = d
			s.auto.Changed(d)
		case actions.Unblock:
			if !ok || q.Only[i] != d.ID {
				s.t.Errorf("takes %s back, which does not stand", t)
			}
			delete(s.standing, key)
			d.State, d.EndedBy, d.Changed = actions.Undone, actions.Auto.Name, s.now
			s.auto.Changed(d)
		}
	}
}

// asks lists what was asked for with verb v.
func (s *shop) asks(v actions.Verb) (out []actions.Request) {
	for _, q := range s.asked {
		if q.Verb == v {
			out = append(out, q)
		}
	}
	return out
}

// TestAThrottleThatHitsPeopleIsTakenBack: with one service and nothing to
// compare with but itself.
func TestAThrottleThatHitsPeopleIsTakenBack(t *testing.T) {
	everybody := func(*shop, bool) bool { return true }
	bots := func(_ *shop, person bool) bool { return !person }
	for _, c := range []struct {
		name   string
		hits   func(*shop, bool) bool
		during func(s *shop, n int) // before second n
		want   int                  // roll-backs in the 70 s after the flood began
	}{
		{"it hits people", everybody, nil, 1},
		{"it hits four fifths of people's searches", func(s *shop, p bool) bool { return !p || s.r.IntN(20) < 16 }, nil, 1},
		{"it hits bots only", bots, nil, 0},
		{"it hits a fifth of people's searches", func(s *shop, p bool) bool { return !p || s.r.IntN(5) == 0 }, nil, 0},
		{"the whole service falls", bots, func(s *shop, n int) {
			if n > floodAt+15 {
				s.alive = 0.05
			}
		}, 0},
		{"the whole service falls, and it hits people", everybody, func(s *shop, n int) {
			if n > floodAt+5 {
				s.alive = 0.05
			}
		}, 0},
		{"half of the people go home", bots, func(s *shop, n int) { s.alive = max(0.5, 1-float64(max(0, n-floodAt))/60) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.hits = c.hits
			for n := range floodAt + 70 {
				if c.during != nil {
					c.during(s, n)
				}
				s.second(n)
			}
			if len(s.asks(actions.Throttle)) == 0 {
				t.Fatalf("nothing was throttled: %+v", s.engine.Snapshot().Incidents)
			}
			in := s.engine.Snapshot().Incidents[0]
			t.Logf("%+v collateral %.3f usual %+v", in.Signature, in.Collateral, in.Usual)
			if got := s.asks(actions.Unblock); len(got) != c.want {
				t.Fatalf("%d roll-backs, want %d: %+v", len(got), c.want, got)
			}
			if c.want == 0 {
				return
			}
			q := s.asks(actions.Unblock)[0]
			t.Log(q.Reason)
			if !strings.HasPrefix(q.Reason, "roll-back of throttle: usual traffic that it covered fell to ") ||
				!strings.Contains(q.Reason, "turned away), what it did not cover is at ") {
				t.Errorf("the reason is %q", q.Reason)
			}
			if n := len(s.asks(actions.Throttle)); n != 1 || s.throttled() {
				t.Errorf("it was done again at once: %d throttles", n)
			}
			if why := s.auto.State().Why; !slices.ContainsFunc(why, func(w string) bool {
				return strings.HasPrefix(w, "roll_back: throttle of signature shop /search") && strings.Contains(w, "it rests until 03:")
			}) {
				t.Errorf("it does not say why it rests: %q", why)
			}
		})
	}
}

// TestAnActThatWasNotToBlameIsDoneAgain: people stop searching because the
// flood made it slow. The throttle is taken back once; a minute without it
// brings nobody back, so it is done again and left alone.
func TestAnActThatWasNotToBlameIsDoneAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.hits = func(_ *shop, person bool) bool { return !person }
	for n := range floodAt + 180 {
		s.bored = n > floodAt+5
		s.second(n)
	}
	if u, th := len(s.asks(actions.Unblock)), len(s.asks(actions.Throttle)); u != 1 || th < 2 || !s.throttled() {
		t.Errorf("%d roll-backs and %d throttles, in force: %t; %q", u, th, s.throttled(), s.auto.State().Why)
	}
}

// TestWhatWasTakenBackRestsOverARestart: auto mode that remembers a roll-back
// leaves the signature alone until ten minutes after it.
func TestWhatWasTakenBackRestsOverARestart(t *testing.T) {
	a := actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelThrottle})
	sig := detect.Signature{Path: "/login", Method: "POST"}
	a.Changed(actions.Decision{ID: "d-1", Verb: actions.Throttle, Target: actions.Target{Service: "shop", Signature: &sig}, State: actions.Undone,
		Actor: actions.Auto, EndedBy: actions.Auto.Name, Changed: t0.Add(-3 * time.Minute)})
	a.Observe(incident(t0, detect.IncidentOpen, nil))
	if got := verbs(a.Tick(t0)); got != "notify" {
		t.Errorf("it asks for %s", got)
	}
	if why := a.State().Why; len(why) != 1 || why[0] != "roll_back: throttle of signature shop /login POST was taken back at 02:57:00 UTC; it rests until 03:07:00 UTC" {
		t.Errorf("it says %q", why)
	}
	// A block likewise, by what is in force and by the ledger's long memory.
	a.Changed(actions.Decision{ID: "d-2", Verb: actions.Block, Target: targets("192.0.2.0/24")[0], State: actions.Undone, Actor: actions.Auto,
		EndedBy: actions.Auto.Name, Changed: t0.Add(-3 * time.Minute)})
	if why := a.State().Why; !slices.ContainsFunc(why, func(w string) bool {
		return w == "roll_back: block of 192.0.2.0/24 was taken back at 02:57:00 UTC; it rests until 03:07:00 UTC"
	}) {
		t.Errorf("of the block it says %q", why)
	}
	later := t0.Add(8 * time.Minute)
	a.Observe(incident(later, detect.IncidentChange, nil))
	if got := verbs(a.Tick(later)); !strings.Contains(got, "throttle") {
		t.Errorf("it rests for good: %q", got)
	}
}

// TestARollBackIsADecision: it is in the ledger with its reason, and ends what
// auto mode did, not what a person did beside it.
func TestARollBackIsADecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		sig := detect.Signature{Path: "/login", Method: "POST"}
		b.wall.everything = true
		target := actions.Target{Service: "shop", Signature: &sig}
		ds, err := b.d.Act(context.Background(), actions.Request{Verb: actions.Throttle, Targets: []actions.Target{target}, Seen: []detect.Suspect{{MayAct: true}}, Actor: actions.Auto, Incident: "i-1"})
		check(t, err)
		persons := b.commit(actions.Request{Verb: actions.Harden, Targets: []actions.Target{target}, Actor: ana})
		settle()
		const reason = "roll-back of throttle: usual traffic that it covered fell to 3%, what it did not cover is at 98%"
		_, err = b.d.Act(context.Background(), actions.Request{Verb: actions.Unblock, Targets: []actions.Target{target}, Seen: []detect.Suspect{{MayAct: true}},
			Only: []string{ds[0].ID}, Actor: actions.Auto, Incident: "i-1", Reason: reason})
		check(t, err)
		settle()
		if got := b.get(ds[0].ID); got.State != actions.Undone || got.EndedBy != actions.Auto.Name {
			t.Errorf("the throttle is %s by %q", got.State, got.EndedBy)
		}
		if got := b.get(persons[0].ID); got.State != actions.Applied {
			t.Errorf("a person's own act is %s", got.State)
		}
		rows, err := b.ledger.Audit(context.Background(), 0, 100)
		check(t, err)
		if !slices.ContainsFunc(rows, func(r ledger.AuditRow) bool {
			return r.Kind == string(actions.Committed) && strings.Contains(string(r.Body), reason)
		}) {
			t.Error("the audit does not say why")
		}
		// After a restart the signature still rests, whatever ended since.
		var many []string
		for i := range 600 {
			many = append(many, fmt.Sprintf("198.51.%d.%d", i/200, i%200))
		}
		b.commit(block(ana, many...))
		settle()
		lift := block(ana, many...)
		lift.Verb = actions.Unblock
		b.commit(lift)
		settle()
		b.auto = actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelThrottle})
		b.options.Auto = b.auto
		b.stop()
		b.start()
		now := time.Now()
		b.auto.Observe(incident(now, detect.IncidentOpen, nil))
		if got := verbs(b.auto.Tick(now)); strings.Contains(got, "throttle") {
			t.Errorf("after a restart it asks for %s", got)
		}
	})
}

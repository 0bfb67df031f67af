package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// The overview says what comes next, whoever may do it and whatever keys do it.
func TestOverviewSaysWhatComesNext(t *testing.T) {
	level := func(a actions.Level) func(*fake) { return func(f *fake) { f.board.Auto.Level = a } }
	for name, c := range map[string]struct {
		change func(*fake)
		want   string
	}{
		"auto mode at work": {nil, "next: auto mode deals with those it may block; f shows the 33 not handled yet; 7 says why"},
		"a person decides":  {level(actions.LevelSuggest), "next: 3, then b blocks its sources at once; f shows the 33 that need you"},
		"disarmed":          {func(f *fake) { f.board.Auto.Armed = false }, "next: 3, then b blocks its sources at once"},
		"dry run":           {func(f *fake) { f.board.DryRun = true }, "next: 3, then b blocks its sources at once"},
		"nothing left":      {func(f *fake) { f.snap.Suspects = f.snap.Suspects[:1] }, "next: nothing needs you: every suspect is handled; 4 lists what is in force"},
		"no single source": {func(f *fake) {
			f.snap.Suspects = f.snap.Suspects[:1]
			f.snap.Incidents[0].Enrolled = 0
		}, "next: 3 says what helps; no single source is worth a block"},
		"stale":       {func(f *fake) { f.status.DataAge = time.Minute }, "next: 8 shows why no log line comes; acts on many sources are off"},
		"crowd":       {flashCrowd, "next: s adds servers; block nobody"},
		"retry storm": {func(f *fake) { f.snap.Incidents[0].Attack = detect.RetryStorm }, "next: watch it (3); block nobody"},
		"over":        {over, "no incident is open; the last, distributed flood, ended at 03:11:07Z"},
	} {
		f := newFake()
		if c.change != nil {
			c.change(f)
		}
		if s := sit(t, f, 120, 36, plain).screen(); !strings.Contains(s, c.want) {
			t.Errorf("%s: the overview does not say %q:\n%s", name, c.want, s)
		}
	}
	f := newFake()
	d := sit(t, f, 120, 36, plain, func(o *Options) { o.Keys = map[string]string{"open-only": "Z", "auto-mode": "ctrl+g"} })
	d.sees("Z shows the 33 not handled yet; ctrl+g says why")
}

// A quiet source of calm nights: no second line where there is nothing to say.
func TestCalmOverviewIsTheChart(t *testing.T) {
	f := newFake()
	f.snap = calm()
	d := sit(t, f, 80, 24, plain)
	d.misses("next:")
	if n := strings.Count(d.screen(), "│"); n < 10 {
		t.Fatalf("the chart has %d lines where no suspect needs the room:\n%s", n, d.screen())
	}
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects = scene().Suspects })
	d.wait(time.Minute)
	d.sees("req/s ", "198.51.100.23")
}

// What a block turns away is not told as an error of the service.
func TestTurnedAwayIsNoError(t *testing.T) {
	f := newFake()
	f.snap.Total.ErrorShare = .34
	d := sit(t, f, 140, 36, plain)
	d.sees("33% turned away  err 0.7%", "err 0.7%  away 33%")
	f = newFake()
	f.snap = calm()
	d = sit(t, f, 120, 36, plain)
	d.sees("err 4%")
	d.misses("turned away 0%")
}

func TestRulesFitTheirColumn(t *testing.T) {
	s := &detect.Suspect{}
	for _, n := range []string{"signature", "incident", "no_assets", "one_path", "random_query", "rate"} {
		s.Evidence = append(s.Evidence, detect.Evidence{Signal: n, Points: 3})
	}
	s.Evidence = append(s.Evidence, detect.Evidence{Signal: "assets", Points: -5})
	for w, want := range map[int]string{200: "botnet,no-assets,one-path,random,rate", 30: "botnet,no-assets,one-path +2", 25: "botnet,no-assets +3", 10: "botnet +4", 3: "botnet +4"} {
		if got := signals(s, w); got != want {
			t.Errorf("in %d columns %q, want %q", w, got, want)
		}
	}
	for _, term := range []string{"rule:botnet", "rule:no_assets", "rule:no-assets", "rule:signature"} {
		f, err := parseFilter(term)
		if err != nil || !f.match(subject{s: s}) {
			t.Errorf("%s does not find it: %v", term, err)
		}
	}
}

// What has been done about an incident stands beside the advice.
func TestAdviceKnowsWhatIsDone(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	d.keys("3")
	d.sees("1. b  block its sources one by one (3 handled, 33 left)")
	if keys := d.row("! STOP AUTO"); !strings.HasPrefix(keys, " b block  t throttle  s scale  enter detail") {
		t.Fatalf("what is recommended does not stand first: %q", keys)
	}
	d.keys("b y")
	d.sees("1. done: all 36 of its sources that are listed are handled", "of those listed are handled")
	d.keys("b")
	d.sees("b (block) can't be used: all of its listed sources are dealt with: 4 shows them")

	f = newFake()
	f.snap.Suspects, f.snap.Incidents[0].Enrolled, f.snap.Incidents[0].Measures = nil, 0, []detect.Measure{detect.Throttle}
	d = sit(t, f, 120, 36, plain)
	d.sees("no single source stands out: 3 says what helps")
	d.keys("3 b")
	d.sees("none of them is worth a block of its own", "t throttles what they share")
}

// The station's word on one's own act names the way back too.
func TestOwnActNamesTheWayBack(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	f.outcome = actions.Intent
	d.keys("j b y")
	d.sees("u undoes it; written down and on its way")
	f.step(time.Second, func(*detect.Snapshot, *actions.Board) {
		f.notices = append(f.notices, actions.Notice{Seq: 9, Time: f.now, Level: "ok", Text: "block 198.51.100.23 for 30m0s (ana)"},
			actions.Notice{Seq: 10, Time: f.now, Level: "ok", Text: "block 198.51.100.77 for 30m0s (bo)"})
	})
	d.wait(time.Second)
	d.sees("block 198.51.100.23 for 30m (ana); u undoes it", "block 198.51.100.77 for 30m (bo)")
	d.misses("(bo); u")
}

// A table that has grown past a short chart's room keeps it: rows don't jump.
func TestRowsDoNotJumpForTheChart(t *testing.T) {
	f := newFake()
	all := f.snap.Suspects
	f.snap.Suspects = all[:3]
	d := sit(t, f, 80, 24, plain)
	d.sees("Traffic 5m", "next: ")
	show := func(n int) {
		f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects = all[:n] })
		d.wait(time.Minute)
	}
	show(8)
	d.misses("Traffic 5m")
	show(3)
	d.misses("Traffic 5m")
	show(0)
	d.sees("Traffic 5m")
	show(2)
	d.sees("Traffic 5m")
}

// What is counted is told in its own number, and from how little.
func TestIncidentCountsInWords(t *testing.T) {
	f := newFake()
	in := &f.snap.Incidents[0]
	in.Enrolled, in.Collateral, in.UsualOf = 1, 0, 300
	d := sit(t, f, 120, 36, plain)
	d.keys("3")
	d.sees(" 1 is worth a block, ", "touches 0% (by 300 samples, 1.3% at most) of usual traffic")
	f = newFake()
	in = &f.snap.Incidents[0]
	in.Enrolled, in.Collateral, in.UsualOf, in.Closed = 1, 0, 4096, f.now
	d = sit(t, f, 120, 36, plain)
	d.keys("3")
	d.sees(" 1 was worth a block")
}

// Enforcers that take a block say nothing about whether it bites; the log does.
func TestABlockWithoutEffectIsNoBlock(t *testing.T) {
	key := pfx("198.51.100.23")
	block := func(age time.Duration, state actions.State, e *actions.Effect) actions.Decision {
		return actions.Decision{ID: "n", Verb: actions.Block, Target: actions.Target{Prefix: key}, State: state, Actor: actions.Auto, Created: t0.Add(-age), Expires: t0.Add(time.Hour), Effect: e}
	}
	for _, c := range []struct {
		name   string
		d      actions.Decision
		change func(s *detect.Suspect, f *fake)
		want   string
	}{
		{"measured, and nothing fell", block(15*time.Second, actions.Applied, &actions.Effect{Predicted: 180}), nil, "NO EFFECT"},
		{"not measured yet", block(5*time.Second, actions.Applied, nil), nil, "BLOCKED"},
		{"measured, and most fell", block(15*time.Second, actions.Applied, &actions.Effect{Predicted: 180, Measured: 120}), nil, "BLOCKED"},
		{"it fell, and came back", block(4*time.Minute, actions.Verified, &actions.Effect{Predicted: 180, Measured: 180}), nil, "NO EFFECT"},
		{"it fell a moment ago", block(time.Minute, actions.Verified, &actions.Effect{Predicted: 180, Measured: 180}), nil, "BLOCKED"},
		{"turned away by now", block(15*time.Second, actions.Applied, &actions.Effect{Predicted: 180}), func(s *detect.Suspect, _ *fake) { s.ErrorShare, s.TopStatus = .9, 403 }, "BLOCKED"},
		{"failed logins are served", block(15*time.Second, actions.Applied, &actions.Effect{Predicted: 180}), func(s *detect.Suspect, _ *fake) { s.ErrorShare, s.TopStatus = 1, 401 }, "NO EFFECT"},
		{"silent", block(4*time.Minute, actions.Applied, &actions.Effect{Predicted: 180}), func(s *detect.Suspect, _ *fake) { s.Rate, s.Last = 0, t0.Add(-2*time.Minute) }, "BLOCKED"},
		{"a slow bot between two requests", block(15*time.Second, actions.Applied, &actions.Effect{Predicted: .4}), func(s *detect.Suspect, _ *fake) { s.Rate, s.Last = 0, t0.Add(-20*time.Second) }, "NO EFFECT"},
		{"the odd one of many gets through", block(4*time.Minute, actions.Verified, &actions.Effect{Predicted: 180, Measured: 180}), func(s *detect.Suspect, _ *fake) { s.Rate = .3 }, "BLOCKED"},
		{"old figures", block(4*time.Minute, actions.Applied, &actions.Effect{Predicted: 180}), func(_ *detect.Suspect, f *fake) { f.status.DataAge = time.Minute }, "BLOCKED"},
	} {
		f := newFake()
		f.board.Active = append(f.board.Active, c.d)
		if c.change != nil {
			c.change(&f.snap.Suspects[1], f)
		}
		d := sit(t, f, 120, 36, plain)
		d.keys("/")
		d.write("ip:198.51.100.23") // wherever it stands
		d.keys("enter")
		if r := d.row(" 198.51.100.23 "); !strings.Contains(r, c.want) {
			t.Errorf("%s: the row does not say %s: %q", c.name, c.want, r)
		}
	}
}

// CONTAINED sends people back to bed: not before the rates have seen the attack,
// and never when nothing was done because nothing could be done source by source.
func TestContainedOnlyWhatIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f *fake, in *detect.Incident)
		want   string
	}{
		{"every source is dealt with", func(*fake, *detect.Incident) {}, "CONTAINED"},
		{"it began just now", func(_ *fake, in *detect.Incident) { in.Opened = t0.Add(-4 * time.Second) }, "ATTACK"},
		{"no source to block, a third more traffic", func(_ *fake, in *detect.Incident) { in.Enrolled = 0 }, "ATTACK"},
		{"no source to block, and it is turned away", func(_ *fake, in *detect.Incident) { in.Enrolled, in.Refused = 0, 200 }, "CONTAINED"},
		{"blocks that don't bite", func(f *fake, _ *detect.Incident) {
			f.board.Active = append(f.board.Active, actions.Decision{ID: "n", Verb: actions.Block, Target: actions.Target{Prefix: f.snap.Suspects[1].Key}, State: actions.Applied,
				Created: t0.Add(-20 * time.Second), Expires: t0.Add(time.Hour), Effect: &actions.Effect{Predicted: 180}})
		}, "ATTACK"},
	} {
		f := newFake()
		f.snap.Total.Rate, f.snap.Total.Baseline = 900, 700
		in := &f.snap.Incidents[0]
		in.Rate, in.Baseline, in.Enrolled = 200, 0, 40
		for i := range f.snap.Suspects {
			f.snap.Suspects[i].Measure = detect.Observe
		}
		c.change(f, in)
		if r := sit(t, f, 120, 36, plain).row(" on /login"); !strings.HasPrefix(r, " "+c.want) {
			t.Errorf("%s: the banner says %q, want %s", c.name, r, c.want)
		}
	}
}

package actions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

func TestStateFromSeveralEnforcers(t *testing.T) {
	type says struct {
		fail   error
		refuse bool
	}
	for _, c := range []struct {
		name  string
		a, b  says
		want  actions.State
		later actions.State // once both are well again
	}{
		{"all took it", says{}, says{}, actions.Applied, actions.Applied},
		{"none took it", says{refuse: true}, says{refuse: true}, actions.Failed, actions.Failed},
		{"one can't tell", says{}, says{fail: errors.New("connection reset\x1b[31m\nby peer")}, actions.Unknown, actions.Applied},
		{"neither can tell", says{fail: errors.New("down")}, says{fail: errors.New("down")}, actions.Unknown, actions.Applied},
		{"one refused", says{}, says{refuse: true}, actions.Applied, actions.Applied},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				second := newWall("second")
				b := newBench(t, func(o *actions.Options) { o.Enforcers = append(o.Enforcers, second) })
				defer b.stop()
				synctest.Wait()
				b.wall.set(c.a.fail, c.a.refuse)
				second.set(c.b.fail, c.b.refuse)
				d := b.commit(block(ana, "198.51.100.1"))[0]
				time.Sleep(10 * time.Second)
				settle()
				got := b.get(d.ID)
				if got.State != c.want || len(got.Receipts) != 2 {
					t.Fatalf("%s with %+v, want %s", got.State, got.Receipts, c.want)
				}
				for _, r := range got.Receipts {
					if strings.ContainsAny(r.Note, "\x1b\n") {
						t.Errorf("receipt %q", r.Note)
					}
				}
				if c.want == actions.Failed && b.d.Board().NActive != 0 {
					t.Error("a failed decision is in force")
				}
				b.wall.set(nil, false)
				second.set(nil, false)
				time.Sleep(2 * time.Minute)
				settle()
				if got := b.get(d.ID); got.State != c.later {
					t.Errorf("later %s, want %s", got.State, c.later)
				}
				if c.later == actions.Applied && c.b.fail != nil && !second.holds("198.51.100.1/32") {
					t.Error("the second enforcer never got it")
				}
			})
		})
	}
}

// hook is an enforcer that says no while it is down, and keeps no list.
type hook struct {
	*wall
	down error
	job  *actions.Job // in its receipts that say no
}

func (h *hook) Check(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

func (h *hook) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	rs, err := h.wall.Apply(ctx, ds)
	for i := range rs {
		if !rs[i].OK {
			rs[i].Job = h.job
		}
	}
	return rs, err
}

func (h *hook) set(down error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down, h.refuse = down, down != nil
}

// TestAnEnforcerThatIsWellAgainCatchesUp: a block that others hold is asked for
// no more, and the one that was down for minutes must get it all the same; what
// a build that failed did there is for people to see.
func TestAnEnforcerThatIsWellAgainCatchesUp(t *testing.T) {
	for name, c := range map[string]struct {
		job  *actions.Job
		gets bool
	}{
		"a webhook":           {nil, true},
		"a job never started": {&actions.Job{Request: "r1", State: "error"}, true},
		"a build that failed": {&actions.Job{Request: "r1", State: "failure"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				far := &hook{wall: newWall("far"), job: c.job}
				far.noList = true
				b := newBench(t, func(o *actions.Options) { o.Enforcers = append(o.Enforcers, far) })
				defer func() { b.stop() }()
				settle()
				far.set(errors.New("nobody answers"))
				time.Sleep(time.Minute)
				ds := b.commit(block(ana, "198.51.100.1", "198.51.100.2"))
				time.Sleep(5 * time.Minute)
				settle()
				if got := b.get(ds[0].ID); got.State != actions.Applied || far.holds("198.51.100.1/32") {
					t.Fatalf("while it is down: %s", got.State)
				}
				q := actions.Request{Verb: actions.Unblock, Targets: targets("198.51.100.2"), Actor: ana, Reason: "test"}
				b.commit(q)
				settle()
				far.set(nil)
				time.Sleep(time.Minute)
				settle()
				if far.holds("198.51.100.1/32") != c.gets || far.holds("198.51.100.2/32") {
					t.Errorf("well again it holds %v", far.held)
				}
				if got := b.get(ds[0].ID); got.State != actions.Applied {
					t.Errorf("it reads %s", got.State)
				}
				before := far.applied[ds[0].ID]
				time.Sleep(5 * time.Minute)
				if now := far.applied[ds[0].ID]; now != before {
					t.Errorf("it is sent for ever: %d times, then %d", before, now)
				}
			})
		})
	}
}

func TestAFailedLiftIsTriedUntilItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		d := b.commit(block(ana, "198.51.100.1"))[0]
		settle()
		b.wall.set(errors.New("nft: netlink: device busy"), false)
		time.Sleep(45 * time.Minute)
		settle()
		if got := b.get(d.ID); !got.State.Active() {
			t.Errorf("it reads %s although it is still there", got.State)
		}
		if !noticed(b, "device busy") {
			t.Error("nobody was told")
		}
		if e := b.d.Board().Enforcers[0]; e.OK || !strings.Contains(e.Note, "device busy") {
			t.Errorf("the enforcer's health: %+v", e)
		}
		b.stop() // and a restart does not make it forget
		b.start()
		settle()
		b.wall.set(nil, false)
		time.Sleep(2 * time.Minute)
		settle()
		if got := b.get(d.ID); got.State != actions.Expired || b.wall.holds("198.51.100.1/32") {
			t.Errorf("%s, held %v", got.State, b.wall.holds("198.51.100.1/32"))
		}
		if e := b.d.Board().Enforcers[0]; !e.OK {
			t.Errorf("well again, it shows %+v", e)
		}
	})
}

// builder is an enforcer without a list, as a build server is.
type builder struct {
	*wall
	resumed map[string]actions.Receipt // what it finds out, by target
	asked   int
}

func (b *builder) Resume(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []actions.Receipt
	for _, d := range ds {
		b.asked++
		r := b.resumed[d.Target.String()]
		r.Decision = d.ID
		out = append(out, r)
	}
	return out, nil
}

func TestWhatCantBeKnownReadsUnknown(t *testing.T) {
	for _, canTell := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWall("jenkins")
			w.noList = true
			bld := &builder{wall: w, resumed: map[string]actions.Receipt{
				"198.51.100.1": {OK: true, Note: "job ops/block-ip #7"}, "198.51.100.2": {}, "198.51.100.3": {Unknown: true}}}
			b := newBench(t, func(o *actions.Options) {
				o.Enforcers = []actions.Enforcer{w}
				if canTell {
					o.Enforcers = []actions.Enforcer{bld}
				}
			})
			defer func() { b.stop() }()
			settle()
			w.pause() // levee dies while the call is under way
			ds := b.commit(block(ana, "198.51.100.1", "198.51.100.2", "198.51.100.3"))
			settle()
			b.stop()
			w.resume()
			w.applied = map[string]int{}
			b.start()
			settle()
			want := []actions.State{actions.Unknown, actions.Unknown, actions.Unknown}
			if canTell {
				want = []actions.State{actions.Applied, actions.Applied, actions.Unknown}
			}
			for i, d := range ds {
				if got := b.get(d.ID); got.State != want[i] {
					t.Errorf("can tell %v: %s is %s, want %s", canTell, d.Target, got.State, want[i])
				}
			}
			sent := map[bool]int{false: 0, true: 1}[canTell] // only what certainly never arrived
			if len(w.applied) != sent {
				t.Errorf("can tell %v: sent again %v", canTell, w.applied)
			}
			time.Sleep(31 * time.Minute)
			settle()
			for _, d := range ds {
				if got := b.get(d.ID); got.State != actions.Expired {
					t.Errorf("%s is %s after its TTL", d.Target, got.State)
				}
			}
		})
	}
}

func TestNoEnforcerNoAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		p := b.plan(actions.Request{Verb: actions.ScaleUp, Targets: []actions.Target{{Service: "shop"}}, Actor: ana})
		if p.Token != "" || p.Refusals[0].Rule != "enforcer" {
			t.Errorf("%+v", p)
		}
	})
}

func TestAWallClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Within one run ends are kept by the monotonic clock; across a restart
		// a block may end early, and never lasts longer than it was meant to.
		skew := time.Duration(0)
		b := newBench(t, func(o *actions.Options) {
			o.Now = func() time.Time {
				if skew == 0 {
					return time.Now()
				}
				return time.Now().Add(skew).Round(0)
			}
		})
		defer func() { b.stop() }()
		d := b.commit(block(ana, "198.51.100.1"))[0]
		settle()
		b.stop()
		skew = -48 * time.Hour
		b.start()
		settle()
		if got := b.get(d.ID); !got.State.Active() {
			t.Fatalf("%s", got.State)
		}
		time.Sleep(31 * time.Minute)
		settle()
		if got := b.get(d.ID); got.State != actions.Expired {
			t.Errorf("the clock went back two days, and the block stays: %s", got.State)
		}
		d = b.commit(block(ana, "198.51.100.2"))[0]
		settle()
		b.stop()
		skew = 48 * time.Hour
		b.start()
		settle()
		if got := b.get(d.ID); got.State != actions.Expired || b.wall.holds("198.51.100.2/32") {
			t.Errorf("the clock went on two days, and the block stays: %s", got.State)
		}
	})
}

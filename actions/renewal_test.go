package actions_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
	"levee/detect"
)

// ends compares the end that the enforcer knows with the ledger's.
func (b *bench) ends(what string, d actions.Decision) {
	b.t.Helper()
	b.wall.mu.Lock()
	held := b.wall.held[d.Target.Key()]
	b.wall.mu.Unlock()
	if got := b.get(d.ID); !held.Expires.Equal(got.Expires) || !got.State.Active() {
		b.t.Errorf("%s: the enforcer lets go at %s, the ledger says %s (%s)", what, held.Expires, got.Expires, got.State)
	}
}

func TestARenewalWhileTheEnforcerIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer b.stop()
		settle()
		b.wall.pause()
		d := act(t, b, "198.51.100.1")[0]
		time.Sleep(time.Minute) // the enforcer thinks about it
		if more := act(t, b, "198.51.100.1"); len(more) != 0 {
			t.Fatalf("decided anew: %v", more)
		}
		b.wall.resume()
		settle()
		b.ends("after the renewal", d)
		if got := b.get(d.ID); !got.State.Active() || got.State == actions.Intent || got.Expires.Sub(d.Created) < 10*time.Minute+30*time.Second {
			t.Errorf("%s until %s, begun %s", got.State, got.Expires, d.Created)
		}
	})
}

func TestARenewalThatNeverArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		d := act(t, b, "198.51.100.1")[0]
		settle()
		time.Sleep(8 * time.Minute)
		b.wall.pause()
		act(t, b, "198.51.100.1")
		settle() // it is on disk, and levee dies before the enforcer heard
		b.stop()
		b.wall.resume()
		b.start()
		settle()
		b.ends("after the restart", d)
		time.Sleep(5 * time.Minute)
		settle()
		b.ends("later", d)
	})
}

// TestBudgetsSurviveARestart: a levee that crashes now and then must not spend
// its budgets anew each time.
func TestBudgetsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		defer func() { b.stop() }()
		r := block(actions.Auto, "198.51.100.1", "198.51.100.2")
		r.Seen = []detect.Suspect{{MayAct: true, Rate: 100, Score: 90, UsualShare: 0.002}, {MayAct: true, Rate: 100, Score: 90, UsualShare: 0.001}}
		if _, err := b.d.Act(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		settle()
		want := b.d.Board().Auto.Used
		if want.ActiveBlocks != 2 || want.BlocksLastMinute != 2 || want.UsualShare < 0.0029 {
			t.Fatalf("spent %+v", want)
		}
		b.stop()
		b.auto = actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
		b.options.Auto = b.auto
		b.start()
		settle()
		if got := b.d.Board().Auto.Used; got != want {
			t.Errorf("after a restart %+v is spent, before it was %+v", got, want)
		}
		if got := b.auto.State().Used; got != want {
			t.Errorf("auto mode remembers %+v, spent was %+v", got, want)
		}
	})
}

// TestScalingSurvivesARestart scales up and restarts levee behind hundreds of
// later decisions: the budget is spent, and the servers are taken away again.
func TestScalingSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *actions.Options) { o.Enforcers = []actions.Enforcer{everything{newWall("builder")}} })
		defer func() { b.stop() }()
		up := func(by actions.Actor) {
			b.commit(actions.Request{Verb: actions.ScaleUp, Targets: []actions.Target{{Service: "shop"}}, Actor: by, Reason: "flood"})
		}
		up(actions.Auto)
		up(ana) // hers: auto mode never takes them away
		settle()
		time.Sleep(20 * time.Minute)
		var many []string
		for i := range 600 {
			many = append(many, addr(i).String())
		}
		act(t, b, many...)
		settle()
		time.Sleep(15 * time.Minute) // they end and push the scale-ups out of what is recent
		settle()
		b.stop()
		b.auto = actions.NewAutopilot(actions.AutoOptions{Level: actions.LevelBlock})
		b.options.Auto = b.auto
		b.start()
		settle()
		if used := b.auto.State().Used; used.ScaleUpsLastHour != 1 {
			t.Errorf("auto mode spent %+v", used)
		}
		downs := 0
		for range 60 {
			time.Sleep(time.Minute)
			for _, r := range b.auto.Tick(time.Now()) {
				if r.Verb == actions.ScaleDown {
					downs++
					if _, err := b.d.Act(context.Background(), r); err != nil {
						t.Error(err)
					}
				}
			}
		}
		if downs != 1 {
			t.Errorf("%d steps down, want 1", downs)
		}
	})
}

// everything is a wall that takes whatever is asked for.
type everything struct{ *wall }

func (everything) Handles(actions.Decision) bool { return true }

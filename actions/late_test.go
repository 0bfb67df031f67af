package actions_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// builds is an enforcer that takes everything at once and whose jobs end
// later, as the test says.
type builds struct {
	*wall
	mu    sync.Mutex
	state string
}

func (b *builds) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	rs, err := b.wall.Apply(ctx, ds)
	for i := range rs {
		rs[i].Job = &actions.Job{Request: "run-1", Name: "ops/block-ip", Number: 7, Verb: actions.Block, State: "running"}
	}
	return rs, err
}

func (b *builds) Jobs() []actions.Job {
	b.mu.Lock()
	defer b.mu.Unlock()
	return []actions.Job{{Request: "run-1", Name: "ops/block-ip", Number: 7, Verb: actions.Block, State: b.state}}
}

func (b *builds) end(state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = state
}

func TestJobThatFailsLaterIsNotApplied(t *testing.T) {
	for _, c := range []struct {
		state string
		other bool // another enforcer holds it
		want  actions.State
	}{
		{"success", false, actions.Applied},
		{"unstable", false, actions.Applied},
		{"failure", false, actions.Failed},
		{"aborted", false, actions.Failed},
		{"lost", false, actions.Unknown},
		{"failure", true, actions.Applied},
	} {
		t.Run(c.state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jobs := &builds{wall: newWall("jenkins"), state: "running"}
				b := newBench(t, func(o *actions.Options) {
					if !c.other {
						o.Enforcers = nil
					}
					o.Enforcers = append(o.Enforcers, jobs)
				})
				defer func() { b.stop() }()
				ds := b.commit(block(ana, "198.51.100.23"))
				settle()
				if got := b.get(ds[0].ID); got.State != actions.Applied {
					t.Fatalf("while the job runs: %s", got.State)
				}
				jobs.end(c.state)
				time.Sleep(3 * time.Second)
				settle()
				got := b.get(ds[0].ID)
				if got.State != c.want {
					t.Fatalf("after the job ended: %s, want %s (%+v)", got.State, c.want, got.Receipts)
				}
				if n := jobs.applied[ds[0].ID]; n != 1 && c.state != "lost" {
					t.Errorf("the job was sent %d times", n)
				}
				failed := c.state != "success" && c.state != "unstable"
				said := false
				for _, n := range b.d.Notices(0) {
					said = said || n.Level == "error"
				}
				if said != failed {
					t.Errorf("an error was said: %v, want %v", said, failed)
				}
			})
		})
	}
}

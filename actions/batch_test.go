package actions_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"levee/actions"
)

// portions notes how many decisions an enforcer is given at a time.
type portions struct {
	*wall
	mu  sync.Mutex
	got []int
}

func (p *portions) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	p.mu.Lock()
	p.got = append(p.got, len(ds))
	p.mu.Unlock()
	return p.wall.Apply(ctx, ds)
}

// TestWhatIsDecidedAtOnceIsSentAtOnce commits a thousand blocks, several times: an
// enforcer that is given some of them first may keep the others waiting.
func TestWhatIsDecidedAtOnceIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &portions{wall: newWall("wall")}
		b := newBench(t, func(o *actions.Options) { o.Enforcers = []actions.Enforcer{p} })
		defer func() { b.stop() }()
		var want []int
		for k := range atRace(5, 2) {
			list := make([]string, 1000)
			for i := range list {
				list[i] = fmt.Sprintf("203.%d.%d.%d", k, i/250, 1+i%250)
			}
			b.commit(block(ana, list...))
			want = append(want, len(list))
			settle()
		}
		if !slices.Equal(p.got, want) {
			t.Errorf("sent in portions of %v", p.got)
		}
	})
}

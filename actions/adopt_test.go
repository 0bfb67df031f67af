package actions_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// TestAdoptKeepsThisHostsBudgetOfBlocks: what other hosts decide is not more
// than this one's deny list and packet filter were meant to hold.
func TestAdoptKeepsThisHostsBudgetOfBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *actions.Options) { o.Budget.ActiveBlocks, o.Host = 20, "here" })
		defer func() { b.stop() }()
		adopt := func(n int) map[string]actions.Refusal {
			now := time.Now()
			var ds []actions.Decision
			for i := range n {
				ds = append(ds, actions.Decision{ID: fmt.Sprint("d", i), Request: "r", Verb: actions.Block, Actor: actions.Auto, Host: "there", State: actions.Intent,
					Target: targets(fmt.Sprintf("198.51.100.%d", i))[0], Created: now, TTL: time.Hour, Expires: now.Add(time.Hour)})
			}
			refused, err := b.d.Adopt(context.Background(), ds)
			if err != nil {
				t.Fatal(err)
			}
			settle()
			return refused
		}
		refused := adopt(30)
		if no := refused["d29"]; len(refused) != 8 || b.wall.count() != 22 || no.Rule != "budget" || no.Mend == "" {
			t.Errorf("%d held, %d refused: %+v", b.wall.count(), len(refused), no)
		}
		// What stands is renewed all the same, and what ended makes room.
		b.commit(actions.Request{Verb: actions.Unblock, Targets: targets("198.51.100.0"), Actor: ana, Reason: "test"})
		settle()
		if refused := adopt(23); len(refused) != 1 || refused["d0"].Rule != "exempt" || b.wall.count() != 22 {
			t.Errorf("%d held, refused %+v", b.wall.count(), refused)
		}
	})
}

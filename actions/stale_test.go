package actions_test

import (
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// TestAShortTTLOutlivesStaleData holds that keeping a short block of auto mode
// while the data is stale ends each pass, and the block once there is data.
func TestAShortTTLOutlivesStaleData(t *testing.T) {
	for _, ttl := range []time.Duration{time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, time.Minute} {
		t.Run(ttl.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(o *actions.Options) { o.AutoTTL = ttl })
				defer b.stop()
				ds := act(t, b, "198.51.100.1", "198.51.100.2")
				b.traffic.setAge(time.Hour)
				time.Sleep(5 * time.Minute)
				settle()
				if ttl >= time.Second && b.wall.count() != 2 {
					t.Errorf("%d of 2 kept while the data was stale", b.wall.count())
				}
				if n := b.wall.applied[ds[0].ID]; n > 12 {
					t.Errorf("sent %d times in 5 min", n)
				}
				if p := b.plan(block(ana, "198.51.100.9")); p.Token == "" {
					t.Errorf("a person's block: %v", p.Refusals)
				}
				b.traffic.setAge(0)
				time.Sleep(2 * time.Minute)
				settle()
				if b.wall.count() != 0 {
					t.Error("it stands for good")
				}
			})
		})
	}
}

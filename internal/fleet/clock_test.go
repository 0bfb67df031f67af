package fleet

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestClocksThatDiffer has one host's clock go wrong: both sides name it, a
// block follows all the same, and the words go away once NTP has mended it.
func TestClocksThatDiffer(t *testing.T) {
	for _, c := range []struct {
		name string
		off  time.Duration
		a, b string // what each side says
	}{
		{"ahead", 30 * time.Second, "the clock of edge-b is 30s off: mend NTP there or here", "the clock of edge-a is -30s off: mend NTP there or here"},
		{"behind", -40 * time.Second, "the clock of edge-b is -40s off: mend NTP there or here", "the clock of edge-a is 40s off: mend NTP there or here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var off atomic.Int64
				off.Store(int64(c.off))
				s := newShelf()
				a := newSite(t, s, "edge-a", nil)
				b := newSite(t, s, "edge-b", func(x *site) {
					x.o.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
				})
				pass(10 * time.Second)
				says := func(x *site, want string) {
					t.Helper()
					said := strings.Join(x.n.State().Notes, "\n")
					// A record is up to a second on its way.
					got := strings.NewReplacer("-31s", "-30s", "29s", "30s", "-41s", "-40s", "39s", "40s").Replace(said)
					if want == "" && said != "" || !strings.Contains(got, want) {
						t.Errorf("%s says %q, want %q", x.name, said, want)
					}
				}
				says(a, c.a)
				says(b, c.b)
				if _, err := a.block(ana, "198.51.100.7"); err != nil {
					t.Error(err)
				}
				pass(2 * time.Second)
				if !b.holds("198.51.100.7") {
					t.Error("the block did not follow")
				}
				off.Store(0)
				pass(time.Minute) // here a clock that is set back has no monotonic part that went on
				says(a, "")
				says(b, "")
			})
		})
	}
}

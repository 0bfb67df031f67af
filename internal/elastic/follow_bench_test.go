package elastic_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/elastic"
)

// BenchmarkFollow blocks 10,000 addresses on one host, 1,000 or 5,000 at a
// time, and reports how long after each turn was decided the other host denies
// the last of it; then it restarts that host with an empty ledger and reports
// how long it takes to hold all 10,000.
func BenchmarkFollow(b *testing.B) {
	admin := elastic.Superuser(b)
	if err := admin.Setup(b.Context(), elastic.SetupOptions{Out: io.Discard}); err != nil {
		b.Fatal(err)
	}
	key := elastic.NewKey(b, admin, "fleet")
	for _, turn := range []int{1000, 5000} {
		b.Run(strconv.Itoa(turn), func(b *testing.B) { follow(b, key, turn, 10_000/turn) })
	}
}

func follow(b *testing.B, key string, turn, turns int) {
	much := func(c *config.Config) { c.Auto.Budget.BlocksPerMinute = 100_000 }
	for b.Loop() {
		fleet := fmt.Sprintf("follow %d", time.Now().UnixNano())
		one, other := newEdge(b, fleet, "edge-a", key, much), newEdge(b, fleet, "edge-b", key, much)
		for _, e := range []*edge{one, other} {
			eventually(b, e.name+" is at one with the other", func() bool { p := e.s.Status().Peers; return len(p.Hosts) == 2 && !p.Alone })
		}
		op, leave := one.s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
		var worst, sum, longest time.Duration
		for k := range turns {
			r := actions.Request{Verb: actions.Block, Reason: "bench"}
			for i := range turn {
				n := k*turn + i
				p, err := actions.ParsePrefix(fmt.Sprintf("203.%d.%d.%d", n/62500, n/250%250, n%250+1))
				if err != nil {
					b.Fatal(err)
				}
				r.Targets = append(r.Targets, actions.Target{Prefix: p})
			}
			began := time.Now()
			plan, err := op.Plan(b.Context(), r)
			if err != nil || plan.Token == "" {
				b.Fatalf("%v %+v", err, plan.Refusals)
			}
			// More than 1,000 at once need a second person.
			if _, err := op.Commit(b.Context(), plan.Token, actions.Answer{Typed: plan.Type, BreakGlass: turn > 1000}); err != nil {
				b.Fatal(err)
			}
			decided := time.Now()
			longest = max(longest, decided.Sub(began))
			eventually(b, "the other follows", func() bool { return other.deniedLines() >= (k+1)*turn })
			took := time.Since(decided)
			worst, sum = max(worst, took), sum+took
		}
		leave()
		other.stop()
		began := time.Now()
		anew := newEdge(b, fleet, "edge-c", key, much)
		eventually(b, "a new host holds all", func() bool { return anew.deniedLines() >= turn*turns })
		b.ReportMetric(float64(sum.Milliseconds())/float64(turns), "follow-ms")
		b.ReportMetric(float64(worst.Milliseconds()), "follow-max-ms")
		b.ReportMetric(float64(longest.Milliseconds()), "decide-max-ms")
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "new-host-ms")
		anew.stop()
		one.stop()
	}
}

// deniedLines counts what the deny list holds.
func (e *edge) deniedLines() int {
	text, err := os.ReadFile(filepath.Join(e.dir, "deny"))
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "203.")
}

package station

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/internal/config"
)

// line is one request of an address, now.
func line(ip string) string {
	return fmt.Sprintf("%s - - [%s] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n", ip, time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700"))
}

// TestReconfigureSources adds and takes away logs while they are written. No
// line of the one that stays, or that is read anew, is lost or counted twice.
func TestReconfigureSources(t *testing.T) {
	p := place{t.TempDir()}
	other := filepath.Join(p.dir, "other.log")
	p.write(t, nil)
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := p.options()
	s, _ := start(t, o)
	follows(t, s)

	written := 0
	var writing sync.WaitGroup
	enough := make(chan struct{})
	writing.Go(func() {
		for {
			select {
			case <-enough:
				return
			case <-time.After(time.Millisecond):
				p.write(t, []byte(line("192.0.2.7")))
				written++
			}
		}
	})
	next := o.Config
	for i := range 8 {
		next.TrustedProxies = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32)}
		next.Sources = []config.Source{o.Config.Sources[0], {File: other}}
		if i%2 == 1 {
			next.Sources = next.Sources[:1]
		}
		now, later, err := s.Reconfigure(next)
		if err != nil || len(later) > 0 || !slices.Contains(now, "trusted_proxies") || !slices.Contains(now, "sources") {
			t.Fatalf("reload %d: %v, later %v: %v", i, now, later, err)
		}
		if got := len(s.Status().Inputs); got != len(next.Sources) {
			t.Fatalf("reload %d: %d inputs of %d sources", i, got, len(next.Sources))
		}
	}
	close(enough)
	writing.Wait()
	eventually(t, "every line was judged", func() bool { return s.Snapshot().Total.Requests >= uint64(written) })
	next.Sources = []config.Source{o.Config.Sources[0], {File: other, MayAct: new(bool)}}
	if _, _, err := s.Reconfigure(next); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log that came back is followed", func() bool { return s.Status().Inputs[1].State == "following" })
	if in := s.Status().Inputs; in[0].MayAct == false || in[1].MayAct {
		t.Errorf("may_act: %+v", in)
	}
	if got := s.Snapshot().Total.Requests; got != uint64(written) {
		t.Errorf("%d lines were written and %d judged", written, got)
	}
}

// TestReconfigureIsAllOrNothing: one mistake anywhere, and nothing changes.
func TestReconfigureIsAllOrNothing(t *testing.T) {
	p := place{t.TempDir()}
	p.write(t, nil)
	o := p.options()
	s, _ := start(t, o)
	follows(t, s)
	op, leave := s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
	defer leave()
	block := func(ip string) bool {
		t.Helper()
		plan, err := op.Plan(t.Context(), actions.Request{Verb: actions.Block, Targets: []actions.Target{{Prefix: netip.MustParsePrefix(ip + "/32")}}})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Token == "" {
			return false
		}
		if _, err := op.Commit(t.Context(), plan.Token, actions.Answer{}); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if !block("203.0.113.7") {
		t.Fatal("it can't be blocked before")
	}
	eventually(t, "the block is on the deny list", func() bool { return len(p.denied()) == 1 })
	next := o.Config
	next.Allow = []config.Allow{{Prefix: netip.MustParsePrefix("203.0.113.0/24")}}
	next.Auto.Level = "observe"
	bad := next
	bad.Sources = []config.Source{o.Config.Sources[0], {File: "[", Line: 4}}
	if _, _, err := s.Reconfigure(bad); err == nil || !strings.Contains(err.Error(), "pattern") {
		t.Fatalf("a source that can't be is taken: %v", err)
	}
	if s.Board().Auto.Level != actions.LevelBlock || len(p.denied()) != 1 {
		t.Error("half of a bad configuration holds")
	}
	next.Detect.MaxMemory = 1 << 20
	next.Actions.Denylist = nil
	now, later, err := s.Reconfigure(next)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(now, later); got != "[allow auto.level] [detect.max_memory actions.denylist]" {
		t.Errorf("what changed and what waits: %s", got)
	}
	eventually(t, "what is allowed now is lifted", func() bool { return len(p.denied()) == 0 })
	eventually(t, "the level is another", func() bool { return s.Board().Auto.Level == actions.LevelObserve })
	if block("203.0.113.9") {
		t.Error("what is allowed now was blocked")
	}
	if _, later, err = s.Reconfigure(next); err != nil || len(later) != 2 {
		t.Errorf("what waits for a start is forgotten: %v %v", later, err)
	}
}

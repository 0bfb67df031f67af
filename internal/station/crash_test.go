package station

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/ledger"
)

// crashChild is a levee that runs until it is killed.
func crashChild(dir string) {
	o := place{dir}.options()
	s, err := Open(context.Background(), o)
	if err == nil {
		go func() {
			for s.Status().Inputs[0].State != "following" {
				time.Sleep(time.Millisecond)
			}
			_ = os.WriteFile(ready(dir), nil, 0o600) // the parent misses it and says so
		}()
		err = s.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// ready is where a child says that it follows the log.
func ready(dir string) string { return filepath.Join(dir, "ready") }

// TestKillAndRestart kills a whole levee at moments that are not chosen, under
// an attack by ever more sources, and then holds what the ledger says against
// what the deny list holds: no decision lost, none doubled, none orphaned.
func TestKillAndRestart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := place{t.TempDir()}
	rng := rand.New(rand.NewPCG(3, 5))
	learn(t, p)
	var attackers []string
	for round := range 6 {
		child := exec.Command(self)
		child.Env = append(os.Environ(), "LEVEE_CRASH_DIR="+p.dir)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the child follows the log", func() bool { return os.Remove(ready(p.dir)) == nil })
		before := len(p.denied())
		var fresh []string
		for range 4 {
			fresh = append(fresh, fmt.Sprintf("203.0.113.%d", 1+len(attackers)+len(fresh)))
		}
		attackers = append(attackers, fresh...)
		p.write(t, visitors(time.Now(), 0, 6, 60, fresh...))
		if round == 0 {
			eventually(t, "a first block", func() bool { return len(p.denied()) > before })
		}
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond) // the moment of the crash is the test's input
		if err := child.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
	}

	// A verdict that died with its levee falls again while the source goes on.
	s, stop := start(t, p.options())
	follows(t, s)
	p.write(t, visitors(time.Now(), 0, 8, 60, attackers...))
	eventually(t, "every source is blocked", func() bool { return len(p.denied()) == len(attackers) })
	eventually(t, "nothing is in doubt", func() bool {
		return !slices.ContainsFunc(activeBlocks(s), func(d actions.Decision) bool { return d.State == actions.Intent || d.State == actions.Unknown })
	})
	stop()

	l, err := ledger.Open(t.Context(), filepath.Join(p.state(), "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := l.Recall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var held []string
	for _, d := range m.Active {
		if d.Verb == actions.Block {
			held = append(held, d.Target.Prefix.Addr().String())
		}
	}
	slices.Sort(held)
	denied := p.denied()
	slices.Sort(denied)
	if !slices.Equal(held, denied) {
		t.Errorf("the ledger holds %v, the deny list %v", held, denied)
	}
	if n := len(slices.Compact(held)); n != len(attackers) {
		t.Errorf("%d sources attacked, the ledger holds blocks of %d", len(attackers), n)
	}
}

// learn lets a levee see three minutes of ordinary traffic and keep what it
// learnt.
func learn(t *testing.T, p place) {
	t.Helper()
	p.write(t, nil)
	s, stop := start(t, p.options())
	follows(t, s)
	p.write(t, visitors(time.Now(), 3, 0, 0))
	eventually(t, "the history is judged", func() bool { return s.Snapshot().Total.Requests >= 3*60*16 })
	stop()
}

// TestExpiredWhileDown lifts at the start what ended while levee was off.
func TestExpiredWhileDown(t *testing.T) {
	p := place{t.TempDir()}
	o := p.options()
	o.Config.Auto.Level = "observe"
	s, stop := start(t, o)
	op, leave := s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
	plan, err := op.Plan(t.Context(), actions.Request{Verb: actions.Block, TTL: time.Minute, Reason: "test",
		Targets: []actions.Target{{Prefix: netip.MustParsePrefix("203.0.113.5/32")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := op.Commit(t.Context(), plan.Token, actions.Answer{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the block is on the list", func() bool { return len(p.denied()) == 1 })
	leave()
	stop()

	o.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	s, _ = start(t, o)
	eventually(t, "the block is lifted", func() bool { return len(p.denied()) == 0 && len(activeBlocks(s)) == 0 })
}

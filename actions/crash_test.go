//go:build unix

package actions_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"levee/actions"
	"levee/actions/ledger"
)

// crashes is a series of lives of a levee on the same state, and what they
// promised.
type crashes struct {
	t                      *testing.T
	dir                    string
	env                    []string
	blocked, undone, heads []string
	lives                  int
}

// promises is how many blocks must have been promised for a series to count.
const promises = 20

// live runs one life until it ends or kills itself at step; 0 never.
func (c *crashes) live(step int) (killed bool) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), c.env...), crashDir+"="+c.dir, fmt.Sprintf("%s=%d", crashStep, step), fmt.Sprintf("%s=%d", crashRound, c.lives))
	c.lives++
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	for s := bufio.NewScanner(&stdout); s.Scan(); {
		word, id, _ := strings.Cut(s.Text(), " ")
		switch word {
		case "blocked":
			c.blocked = append(c.blocked, id)
		case "undone":
			c.undone = append(c.undone, id)
		case "head":
			c.heads = append(c.heads, id)
		}
	}
	if err == nil {
		return false
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		c.t.Fatalf("life %d, step %d: %v: %s", c.lives, step, err, stderr.String())
	}
	return true
}

// kill runs lives until n were killed, each at a step of its own, and enough was
// promised on the way to show something (a loaded machine gets less done in a
// life), and one quiet life in the end that takes up what is left. Every fifth may live, or what
// the others left behind would fill all of their lives.
func (c *crashes) kill(n int) {
	c.t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	step, longest := 1, 60
	for killed := 0; killed < n || len(c.blocked) < promises && c.lives < 6*n; {
		if c.lives%5 == 4 {
			c.live(0)
			continue
		}
		if c.live(step) {
			killed++
		} else {
			longest = max(8, step-1)
		}
		if step++; step > longest {
			step = 1 + random.IntN(4)
		}
	}
	if c.live(0) {
		c.t.Fatal("the last life was killed")
	}
}

// settled holds the ledger against what was promised, and returns what is in
// force: target and decision.
func (c *crashes) settled() (want map[string]string, byID map[string]actions.Decision) {
	t, ctx := c.t, context.Background()
	t.Helper()
	l, err := ledger.Open(ctx, filepath.Join(c.dir, "ledger.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var heads []ledger.Head
	for _, s := range c.heads {
		h, err := ledger.ParseHead(s)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	if _, err := l.Verify(ctx, heads...); err != nil {
		t.Error(err)
	}
	all, err := l.Decisions(ctx, ledger.Query{Limit: 100000})
	if err != nil {
		t.Fatal(err)
	}
	byID, want = map[string]actions.Decision{}, map[string]string{}
	for _, d := range all {
		byID[d.ID] = d
		if !d.State.Active() {
			continue
		}
		if d.State != actions.Applied && d.State != actions.Verified {
			t.Errorf("%s is still %s: %+v", d.ID, d.State, d.Receipts)
		}
		if other, ok := want[d.Target.Key()]; ok {
			t.Errorf("%s is blocked twice: %s and %s", d.Target, other, d.ID)
		}
		want[d.Target.Key()] = d.ID
	}
	for _, id := range c.blocked {
		if _, ok := byID[id]; !ok {
			t.Errorf("%s was promised and is lost", id)
		}
	}
	for _, id := range c.undone {
		if d := byID[id]; d.State != actions.Undone {
			t.Errorf("%s was undone and is %s", id, d.State)
		}
	}
	t.Logf("%d lives; %d decisions, %d promised, %d undone, %d in force", c.lives, len(all), len(c.blocked), len(c.undone), len(want))
	if len(c.blocked) < promises || len(want) == 0 {
		t.Error("the lives were too short to show anything")
	}
	return want, byID
}

// lists compares what an enforcer lists with what is in force.
func (c *crashes) lists(what string, e actions.Enforcer, want map[string]string) {
	c.t.Helper()
	held, err := e.List(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	if len(held) != len(want) {
		c.t.Errorf("%s holds %d entries, want %d", what, len(held), len(want))
	}
	for _, h := range held {
		if _, ok := want[h.Prefix.String()]; !ok {
			c.t.Errorf("%s holds %s and nobody wants it", what, h.Prefix)
		}
	}
}

func TestKillAtEveryStep(t *testing.T) {
	c := &crashes{t: t, dir: t.TempDir()}
	c.kill(atRace(100, 20))
	want, byID := c.settled()
	held, err := readWall(filepath.Join(c.dir, "wall"))
	if err != nil {
		t.Fatal(err)
	}
	for key, id := range want {
		if held[key] != id {
			t.Errorf("%s should be held for %s, is for %q", key, id, held[key])
		}
	}
	for key, id := range held {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is held for %s, which is %s", key, id, byID[id].State)
		}
	}
	deny, err := denyList(c.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.lists("the deny list", deny, want)
	if err := deny.Close(); err != nil {
		t.Error(err)
	}
}

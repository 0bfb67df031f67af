//go:build unix

package actions_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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

func TestKillAtEveryStep(t *testing.T) {
	const crashes = 100
	dir := t.TempDir()
	promised := struct{ blocked, undone, heads []string }{}
	life := func(round, step int) (killed bool) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s=%d", crashStep, step), fmt.Sprintf("%s=%d", crashRound, round))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		for s := bufio.NewScanner(&stdout); s.Scan(); {
			word, id, _ := strings.Cut(s.Text(), " ")
			switch word {
			case "blocked":
				promised.blocked = append(promised.blocked, id)
			case "undone":
				promised.undone = append(promised.undone, id)
			case "head":
				promised.heads = append(promised.heads, id)
			}
		}
		if err == nil {
			return false
		}
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("life %d, step %d: %v: %s", round, step, err, stderr.String())
		}
		return true
	}
	killed, round := 0, 0
	random := rand.New(rand.NewPCG(1, 2))
	for step := 1; killed < crashes; round++ {
		if life(round, step) {
			killed++
			step++
		} else {
			step = 1 + random.IntN(4) // it came through: once more from the beginning
		}
		if t.Failed() {
			return
		}
	}
	// One quiet life takes up what is left, in the last one's time.
	if life(round, 0) {
		t.Fatal("the last life was killed")
	}
	ctx := context.Background()
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var heads []ledger.Head
	for _, s := range promised.heads {
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
	held, err := readWall(filepath.Join(dir, "wall"))
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]actions.Decision{}
	want := map[string]string{}
	for _, d := range all {
		byID[d.ID] = d
		if !d.State.Active() {
			continue
		}
		if d.State != actions.Applied && d.State != actions.Verified {
			t.Errorf("%s is still %s", d.ID, d.State)
		}
		if other, ok := want[d.Target.Key()]; ok {
			t.Errorf("%s is blocked twice: %s and %s", d.Target, other, d.ID)
		}
		want[d.Target.Key()] = d.ID
	}
	for _, id := range promised.blocked {
		if _, ok := byID[id]; !ok {
			t.Errorf("%s was promised and is lost", id)
		}
	}
	for _, id := range promised.undone {
		if d := byID[id]; d.State != actions.Undone {
			t.Errorf("%s was undone and is %s", id, d.State)
		}
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
	deny, err := denyList(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	denied, err := deny.List(ctx)
	if err := errors.Join(err, deny.Close()); err != nil {
		t.Fatal(err)
	}
	if len(denied) != len(want) {
		t.Errorf("the deny list holds %d entries, want %d", len(denied), len(want))
	}
	for _, h := range denied {
		if _, ok := want[h.Prefix.String()]; !ok {
			t.Errorf("%s is on the deny list and nobody wants it", h.Prefix)
		}
	}
	t.Logf("%d lives, %d killed; %d decisions, %d promised, %d undone, %d in force", round+1, killed, len(all),
		len(promised.blocked), len(promised.undone), len(want))
	if len(promised.blocked) < 20 || len(want) == 0 {
		t.Error("the lives were too short to show anything")
	}
}

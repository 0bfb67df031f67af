package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"

	"pgregory.net/rapid"
)

func TestVerifySaysWhere(t *testing.T) {
	for _, c := range []struct {
		harm string
		want string
	}{
		{`UPDATE audit SET actor = 'eve' WHERE seq = 3`, "audit row 3"},
		{`UPDATE audit SET body = replace(body, 'flood', 'fl00d') WHERE seq = 2`, "audit row 2"},
		{`UPDATE audit SET at = at + 1 WHERE seq = 5`, "audit row 5"},
		{`DELETE FROM audit WHERE seq = 4`, "audit row 4"},
		{`DELETE FROM audit WHERE seq <= 2`, "audit row 1"},
		{`DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)`, "rows are missing"},
		{`UPDATE decisions SET state = replace(state, 'undone', 'failed') WHERE active = 0`, "decision d-000002"},
		{`UPDATE decisions SET actor = 'eve' WHERE id = 'd-000001'`, "decision d-000001"},
		{`UPDATE decisions SET active = 0 WHERE id = 'd-000001'`, "decision d-000001"},
		{`UPDATE decisions SET first = last, last = first WHERE id = 'd-000003'`, ""}, // one address: nothing changed
		{`UPDATE decisions SET target = 'x' WHERE id = 'd-000003'`, "decision d-000003"},
		{`DELETE FROM decisions WHERE id = 'd-000003'`, "decision d-000003"},
		{`INSERT INTO decisions SELECT 'd-forged', request, verb, target, first, last, actor, incident, created, opened, active, changed, state FROM decisions WHERE id = 'd-000001'`, "decision d-forged"},
		{`UPDATE settings SET value = 'on'`, "setting automation"},
		{`DELETE FROM settings`, "setting automation"},
		{`UPDATE audit SET seq = seq + 10 WHERE seq >= 4`, "audit row 4"},
	} {
		t.Run(c.harm, func(t *testing.T) {
			l := tempLedger(t)
			for i := range 4 {
				record(t, l, opened(decision(i)))
			}
			record(t, l, actions.Entry{Kind: actions.Set, At: t0, Actor: ana, Key: "automation", Value: "off"})
			record(t, l, ended(decision(2), actions.Undone, t0.Add(time.Minute), ana))
			head, err := l.Head(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if r, err := l.Verify(context.Background(), head); err != nil || r.Rows != 6 || r.Decisions != 4 || r.Heads != 1 {
				t.Fatalf("before: %+v, %v", r, err)
			}
			if _, err := l.write.Exec(c.harm); err != nil {
				t.Fatal(err)
			}
			_, err = l.Verify(context.Background(), head)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var tampered *TamperError
			if !errors.As(err, &tampered) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestHeadsShowARewrite(t *testing.T) {
	// Somebody makes a whole new history: its hashes fit, the heads do not.
	dir := t.TempDir()
	honest := openTest(t, filepath.Join(dir, "a.db"))
	record(t, honest, opened(decision(1)), opened(decision(2)))
	head, err := honest.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseHead(head.String())
	if err != nil || parsed != head {
		t.Fatalf("%v, %v", parsed, err)
	}
	forged := openTest(t, filepath.Join(dir, "b.db"))
	record(t, forged, opened(decision(1)), opened(decision(3)))
	if _, err := forged.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := forged.Verify(context.Background(), head); err == nil || !strings.Contains(err.Error(), "audit row 2") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "x", "1:zz", "1:abcd", ":"} {
		if _, err := ParseHead(bad); err == nil {
			t.Errorf("head %q was read", bad)
		}
	}
}

func TestPruneKeepsTheChainAndWhatStands(t *testing.T) {
	l := tempLedger(t)
	ctx := context.Background()
	for i := range 10 {
		record(t, l, opened(decision(i)))
	}
	record(t, l, actions.Entry{Kind: actions.Set, At: t0, Actor: ana, Key: "automation", Value: "off"})
	for i := range 5 {
		record(t, l, ended(decision(i), actions.Expired, t0.Add(time.Minute), ana))
	}
	record(t, l, ended(decision(5), actions.Undone, t0.Add(48*time.Hour), ana)) // young
	old, err := l.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for round, want := range []int64{5, 0, 1} {
		cutAt := t0.Add(time.Duration(24*(round+1)) * time.Hour)
		l.now = func() time.Time { return cutAt.Add(time.Hour) }
		n, err := l.Prune(ctx, cutAt)
		if err != nil || n != want {
			t.Fatalf("round %d: pruned %d, %v", round, n, err)
		}
		if _, err := l.Verify(ctx, old); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		record(t, l, opened(decision(100+round))) // the chain goes on
	}
	m, err := l.Recall(ctx)
	if err != nil || len(m.Active) != 7 || m.Settings["automation"] != "off" {
		t.Errorf("%d active, %v, %v", len(m.Active), m.Settings, err)
	}
	r, err := l.Verify(ctx, old)
	if err != nil || r.Older != 1 || r.First == 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := l.write.Exec(`DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)`); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Verify(ctx); err == nil {
		t.Error("a row after the cut is missing and nobody says so")
	}
}

// TestAnyHistory: whatever is recorded, in whatever order, Recall returns what
// a plain map would, and Verify agrees.
func TestAnyHistory(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		l, err := Open(context.Background(), filepath.Join(dir, fmt.Sprint(n)), func() time.Time { return t0 })
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if err := l.Close(); err != nil {
				rt.Error(err)
			}
		}()
		model := map[string]actions.Decision{}
		now := t0
		steps := rapid.IntRange(1, 40).Draw(rt, "steps")
		for range steps {
			now = now.Add(time.Duration(rapid.IntRange(0, 3600).Draw(rt, "wait")) * time.Second)
			var es []actions.Entry
			batch := map[string]actions.Decision{}
			fails := false
			for range rapid.IntRange(1, 4).Draw(rt, "batch") {
				d := decision(rapid.IntRange(0, 12).Draw(rt, "n"))
				was, known := batch[d.ID]
				if !known {
					was, known = model[d.ID]
				}
				if rapid.Bool().Draw(rt, "open") {
					d.Created, d.Changed = now, now
					d.Reason = rapid.String().Draw(rt, "reason")
					fails = fails || known
					es, batch[d.ID] = append(es, opened(d)), d
					continue
				}
				state := rapid.SampledFrom([]actions.State{actions.Applied, actions.Verified, actions.Expired, actions.Undone,
					actions.Failed, actions.Unknown}).Draw(rt, "state")
				fails = fails || !known
				e := ended(was, state, now, ana)
				e.Decision.ID, e.Decision.Changed = d.ID, now
				es, batch[d.ID] = append(es, e), e.Decision
			}
			if err := l.Record(context.Background(), es); (err != nil) != fails {
				rt.Fatalf("record: %v, should fail: %v", err, fails)
			}
			if !fails {
				for id, d := range batch {
					model[id] = d
				}
			}
			if rapid.IntRange(0, 9).Draw(rt, "prune") == 0 {
				cut := now.Add(-time.Hour)
				if _, err := l.Prune(context.Background(), cut); err != nil {
					rt.Fatal(err)
				}
				ds, err := l.Decisions(context.Background(), Query{})
				if err != nil {
					rt.Fatal(err)
				}
				kept := map[string]actions.Decision{}
				for _, d := range ds {
					kept[d.ID] = model[d.ID]
				}
				for id, d := range model {
					if _, ok := kept[id]; !ok && (d.State.Active() || !d.Changed.Before(cut)) {
						rt.Fatalf("%s (%s) was pruned", id, d.State)
					}
				}
				model = kept
			}
		}
		if _, err := l.Verify(context.Background()); err != nil {
			rt.Fatal(err)
		}
		ds, err := l.Decisions(context.Background(), Query{})
		if err != nil || len(ds) != len(model) {
			rt.Fatalf("%d decisions, want %d, %v", len(ds), len(model), err)
		}
		for _, d := range ds {
			if want := model[d.ID]; d.State != want.State || !d.Changed.Equal(want.Changed) || d.EndedBy != want.EndedBy {
				rt.Fatalf("%s is %s since %s, want %s since %s", d.ID, d.State, d.Changed, want.State, want.Changed)
			}
		}
	})
}

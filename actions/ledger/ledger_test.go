package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
)

var (
	t0  = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	ana = actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"}
)

func openTest(t testing.TB, path string) *Ledger {
	t.Helper()
	l, err := Open(context.Background(), path, func() time.Time { return t0 })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func tempLedger(t testing.TB) *Ledger {
	return openTest(t, filepath.Join(t.TempDir(), "state", "ledger.db"))
}

func decision(n int) actions.Decision {
	return actions.Decision{
		ID: fmt.Sprintf("d-%06d", n), Request: "r-1", Verb: actions.Block, State: actions.Intent, Actor: ana,
		Target: actions.Target{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}), 32)},
		Reason: "flood", Incident: "i-1", Evidence: []string{"188 requests/s, its peers make 4/s at most", "bad \xff byte\x1b[31m"},
		Created: t0.Add(time.Duration(n) * time.Second), Changed: t0.Add(time.Duration(n) * time.Second),
		TTL: 10 * time.Minute, Expires: t0.Add(time.Duration(n)*time.Second + 10*time.Minute),
	}
}

func opened(d actions.Decision) actions.Entry {
	return actions.Entry{Kind: actions.Opened, At: d.Created, Actor: d.Actor, Decision: d}
}

func ended(d actions.Decision, s actions.State, at time.Time, by actions.Actor) actions.Entry {
	d.State, d.EndedBy = s, by.Name
	d.Receipts = []actions.Receipt{{Decision: d.ID, Enforcer: "nft", OK: true, At: at}}
	return actions.Entry{Kind: actions.Changed, At: at, Actor: by, Decision: d}
}

func record(t testing.TB, l *Ledger, es ...actions.Entry) {
	t.Helper()
	if err := l.Record(context.Background(), es); err != nil {
		t.Fatal(err)
	}
}

func TestRecallAfterReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openTest(t, path)
	d1, d2 := decision(1), decision(2)
	record(t, l, opened(d1), opened(d2), actions.Entry{Kind: actions.Set, At: t0, Actor: ana, Key: "automation", Value: "off"})
	record(t, l, ended(d2, actions.Undone, t0.Add(time.Minute), ana))
	for _, reopen := range []bool{false, true} {
		if reopen {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openTest(t, path)
		}
		m, err := l.Recall(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Active) != 1 || m.Active[0].ID != d1.ID || !m.Active[0].Expires.Equal(d1.Expires) || m.Active[0].Target != d1.Target {
			t.Errorf("active: %+v", m.Active)
		}
		if len(m.Recent) != 1 || m.Recent[0].EndedBy != "ana" || m.Recent[0].State != actions.Undone {
			t.Errorf("recent: %+v", m.Recent)
		}
		if len(m.Past) != 1 || m.Past[0].Key != d2.Target.Key() || m.Past[0].By.Name != "ana" {
			t.Errorf("past: %+v", m.Past)
		}
		if m.Settings["automation"] != "off" {
			t.Errorf("settings: %v", m.Settings)
		}
	}
}

func TestDecisionsByQuery(t *testing.T) {
	l := tempLedger(t)
	for i := range 10 {
		d := decision(i)
		if i >= 5 {
			d.Incident, d.Actor = "i-2", actions.Auto
		}
		record(t, l, opened(d))
	}
	wide := decision(99)
	wide.Target.Prefix = netip.MustParsePrefix("198.51.0.0/24")
	record(t, l, opened(wide))
	record(t, l, ended(decision(0), actions.Expired, t0.Add(time.Hour), ana))
	for _, c := range []struct {
		name string
		q    Query
		want int
	}{
		{"all", Query{}, 11},
		{"active", Query{Active: true}, 10},
		{"limit", Query{Limit: 3}, 3},
		{"incident", Query{Incident: "i-2"}, 5},
		{"actor since", Query{Actor: "auto", Since: t0.Add(7 * time.Second)}, 3},
		{"address covered by a wider block", Query{Target: netip.MustParsePrefix("198.51.0.3/32")}, 2},
		{"address under a wider block only", Query{Target: netip.MustParsePrefix("198.51.0.200/32")}, 1},
		{"prefix with all in it", Query{Target: netip.MustParsePrefix("198.51.0.0/16")}, 11},
		{"v6 is not v4", Query{Target: netip.MustParsePrefix("2001:db8::/32")}, 0},
		{"until", Query{Until: t0.Add(2 * time.Second)}, 2},
		{"key", Query{Key: "198.51.0.0/24"}, 1},
		{"hostile value", Query{Incident: "' OR 1=1 --"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := l.Decisions(context.Background(), c.q)
			if err != nil || len(got) != c.want {
				t.Errorf("got %d decisions, want %d (error %v)", len(got), c.want, err)
			}
			for i := 1; i < len(got); i++ {
				if got[i].Created.After(got[i-1].Created) {
					t.Error("not latest first")
				}
			}
		})
	}
	if _, err := l.Decision(context.Background(), "d-nowhere"); err == nil {
		t.Error("a decision that never was is found")
	}
}

func TestCallersGather(t *testing.T) {
	l := tempLedger(t)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if err := l.Record(context.Background(), []actions.Entry{opened(decision(i))}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := l.Verify(context.Background())
	if err != nil || r.Decisions != 200 || r.Rows != 200 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOneBadEntryFailsItsCallerOnly(t *testing.T) {
	l := tempLedger(t)
	record(t, l, opened(decision(0)))
	// Both wait while the turn is taken, and so come in one group.
	l.turn <- struct{}{}
	errs := make(chan error, 2)
	for _, e := range []actions.Entry{opened(decision(0)), opened(decision(1))} {
		w := &waiting{entries: []actions.Entry{e}, done: make(chan error, 1)}
		l.mu.Lock()
		l.pending = append(l.pending, w)
		l.mu.Unlock()
		go func() { errs <- <-w.done }()
	}
	l.flush()
	<-l.turn
	bad := 0
	for range 2 {
		if err := <-errs; err != nil {
			bad++
			if !strings.Contains(err.Error(), "UNIQUE") {
				t.Error(err)
			}
		}
	}
	ds, err := l.Decisions(context.Background(), Query{})
	if bad != 1 || err != nil || len(ds) != 2 {
		t.Errorf("%d failed, %d decisions (error %v)", bad, len(ds), err)
	}
}

func TestNothingIsHalfWritten(t *testing.T) {
	l := tempLedger(t)
	d := decision(0)
	err := l.Record(context.Background(), []actions.Entry{opened(d), opened(decision(1)), opened(d)})
	if err == nil {
		t.Fatal("the same decision twice was taken")
	}
	ds, err := l.Decisions(context.Background(), Query{})
	rows, err2 := l.Audit(context.Background(), 0, 10)
	if len(ds) != 0 || len(rows) != 0 || err != nil || err2 != nil {
		t.Errorf("%d decisions, %d rows stayed (%v, %v)", len(ds), len(rows), err, err2)
	}
	record(t, l, opened(d)) // and it goes on
}

func TestFullDisk(t *testing.T) {
	l := tempLedger(t)
	record(t, l, opened(decision(0)))
	if _, err := l.write.Exec(`PRAGMA max_page_count = 1`); err != nil { // the smallest it can be is what it is
		t.Fatal(err)
	}
	var err error
	n := 1
	for ; err == nil && n < 10000; n++ {
		err = l.Record(context.Background(), []actions.Entry{opened(decision(n))})
	}
	if err == nil || !strings.Contains(err.Error(), "disk is full: free some space") || strings.Contains(err.Error(), "\n") {
		t.Fatalf("after %d: %v", n, err)
	}
	if _, err := l.write.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	record(t, l, opened(decision(n)))
	if r, err := l.Verify(context.Background()); err != nil || r.Decisions != n {
		t.Errorf("%+v, want %d decisions, %v", r, n, err)
	}
}

func TestReadOnly(t *testing.T) {
	l := tempLedger(t)
	if _, err := l.write.Exec(`PRAGMA query_only = 1`); err != nil {
		t.Fatal(err)
	}
	err := l.Record(context.Background(), []actions.Entry{opened(decision(0))})
	if err == nil || !strings.Contains(err.Error(), "right to write it") {
		t.Errorf("%v", err)
	}
	if os.Getuid() == 0 {
		t.Skip("the rest needs a user whom file modes bind: run as somebody else than root")
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	openTest(t, path)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), path, nil); err == nil || !strings.Contains(err.Error(), "right to write it") {
		t.Errorf("%v", err)
	}
}

func TestCorruptIsKeptAside(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(t *testing.T, path string)
	}{
		{"no database", func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("not a database ", 1000))) }},
		{"a few bytes", func(t *testing.T, path string) { write(t, path, []byte("SQLite")) }},
		{"torn pages", func(t *testing.T, path string) {
			l, err := Open(context.Background(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 500 {
				record(t, l, opened(decision(i)))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 8192; i < len(b)-4096; i += 4096 {
				copy(b[i:], strings.Repeat("\xa5", 512))
			}
			write(t, path, b)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			c.harm(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(context.Background(), path, func() time.Time { return t0 })
			if !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was created in its place: %v", err)
			}
			after, err := os.ReadFile(path + ".corrupt-20260301T030000Z")
			if err != nil || string(after) != string(before) {
				t.Errorf("it was not kept as it was: %v", err)
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	l := openTest(t, newer)
	if _, err := l.write.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "file"), nil)
	for path, want := range map[string]string{
		dir:                                   "directory",
		newer:                                 "newer levee",
		filepath.Join(dir, "file", "x.db"):    "not a directory",
		"/proc/self/no-such-folder/ledger.db": "choose another place",
	} {
		if _, err := Open(context.Background(), path, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestTwoWritersAreNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openTest(t, path)
	record(t, l, opened(decision(0)))
	if _, err := Open(context.Background(), path, nil); err == nil || !strings.Contains(err.Error(), "another levee uses it") {
		t.Errorf("opened twice: %v", err)
	}
	// Somebody who asks no lock is noticed by the head.
	if _, err := l.write.Exec(`INSERT INTO audit SELECT seq + 1, at, kind, decision, actor, body, hash FROM audit`); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(context.Background(), []actions.Entry{opened(decision(1))}); err == nil || !strings.Contains(err.Error(), "stop the other") {
		t.Errorf("%v", err)
	}
}

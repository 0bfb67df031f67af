package jenkins

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheJournalStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	begin := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	j, kept, err := openJournal(path, begin)
	if err != nil || len(kept) != 0 {
		t.Fatal(kept, err)
	}
	j.next = 20000
	why := strings.Repeat("x", 200)
	for i := range 200 { // one run every ten minutes, each two lines
		at := begin.Add(time.Duration(i) * 10 * time.Minute)
		for _, state := range []string{sending, success} {
			if err := j.write(line{At: at, Request: fmt.Sprint("r", i), State: state, Why: why}); err != nil {
				t.Fatal(err)
			}
		}
		j.next = min(j.next, 200000)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 250000 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if err := j.write(line{At: begin.Add(2000 * time.Minute), Request: "open", State: sending}); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	// A crash cut the last line short.
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, `{"request":"half`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again, kept, err := openJournal(path, begin.Add(2001*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.close() }()
	last := kept[len(kept)-1]
	if len(kept) > 146 || last.Request != "open" || last.State != sending || kept[len(kept)-2].State != success {
		t.Errorf("%d runs, last %+v", len(kept), last)
	}
}

// TestTheJournalIsBounded: in a long attack runs end faster than they grow old,
// and the latest are what anybody asks for.
func TestTheJournalIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	var raw []byte
	for i := range 5 * runsMost {
		l := line{At: now, Request: fmt.Sprint("r", i), State: success}
		if i == 0 {
			l.State = queued
		}
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		raw = append(append(raw, text...), '\n')
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	again, kept, err := openJournal(path, now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.close() }()
	if len(kept) != runsMost+1 || len(again.last) != len(kept) || kept[0].State != queued || kept[runsMost].Request != fmt.Sprint("r", 5*runsMost-1) {
		t.Errorf("%d runs of %d in memory, from %s to %s", len(kept), len(again.last), kept[0].Request, kept[len(kept)-1].Request)
	}
}

// TestAJournalThatCanNotBeMadeSmallerStillHolds: a line that is on the disk is
// no failure, or a run that was called off would be sent by the next start.
func TestAJournalThatCanNotBeMadeSmallerStillHolds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	j, _, err := openJournal(filepath.Join(dir, "journal"), now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.close() }()
	j.next = 1
	if err := os.Rename(dir, dir+".away"); err != nil { // no new file can be made beside it
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if err := j.write(line{At: now, Request: id, State: sending}); err != nil {
			t.Errorf("%s stands in the file, and: %v", id, err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir+".away", "journal"))
	if k := readJournal(raw); err != nil || !slices.Equal(k.order, []string{"a", "b"}) {
		t.Errorf("it holds %v, %v", k.order, err)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"request":"a","state":"sending"}` + "\n" + `{"request":"a","state":"queued","queue":7}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var again []byte
		j := readJournal(raw)
		for _, id := range j.order {
			text, err := json.Marshal(j.last[id])
			if err != nil {
				t.Fatal(err)
			}
			again = append(append(again, text...), '\n')
		}
		if k := readJournal(again); !slices.Equal(k.order, j.order) {
			t.Fatalf("%q became %q", j.order, k.order)
		}
	})
}

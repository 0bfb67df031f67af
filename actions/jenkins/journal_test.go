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
	for i := range 500 { // one run every ten minutes, each two lines
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
	if err := j.write(line{At: begin.Add(5000 * time.Minute), Request: "open", State: sending}); err != nil {
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
	again, kept, err := openJournal(path, begin.Add(5001*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.close() }()
	last := kept[len(kept)-1]
	if len(kept) > 146 || last.Request != "open" || last.State != sending || kept[len(kept)-2].State != success {
		t.Errorf("%d runs, last %+v", len(kept), last)
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

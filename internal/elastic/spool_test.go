package elastic

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func record(i int) []byte {
	return appendRecord(nil, Doc{Index: StatsStream, ID: fmt.Sprint(i), Body: []byte(`{"a":"b\tc"}`)})
}

// drain reads everything that waits.
func drain(t *testing.T, s *spool) (ids []string, torn int) {
	t.Helper()
	for {
		docs, n, bad, err := s.next(1 << 10)
		must(t, err)
		if n == 0 {
			return ids, torn
		}
		torn += bad
		for _, d := range docs {
			ids = append(ids, d.ID)
		}
		must(t, s.done(n))
	}
}

func TestSpoolGoesOnAfterRestart(t *testing.T) {
	dir := t.TempDir()
	s, err := openSpool(dir, 1<<20)
	must(t, err)
	for i := range 100 {
		ok, err := s.put(record(i), 1)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	docs, n, _, err := s.next(500)
	must(t, err)
	must(t, s.done(n))
	must(t, s.close())

	s, err = openSpool(dir, 1<<20)
	must(t, err)
	if ok, err := s.put(record(100), 1); !ok || err != nil {
		t.Fatal(ok, err)
	}
	rest, _ := drain(t, s)
	if len(docs) == 0 || len(docs)+len(rest) != 101 || rest[0] != docs[len(docs)-1].ID && rest[0] != fmt.Sprint(len(docs)) || rest[len(rest)-1] != "100" {
		t.Errorf("%d before and %d after the restart, from %s to %s", len(docs), len(rest), rest[0], rest[len(rest)-1])
	}
	if s.size() != 0 {
		t.Errorf("%d bytes wait after all was read", s.size())
	}
	must(t, s.close())
}

func TestSpoolForgetsWhatWasSentBeforeARestart(t *testing.T) {
	dir := t.TempDir()
	for run := range 3 {
		s, err := openSpool(dir, 1<<20)
		must(t, err)
		if ids, _ := drain(t, s); len(ids) != 0 {
			t.Fatalf("run %d begins with %v", run, ids)
		}
		for i := range 3 {
			if ok, err := s.put(record(i), 1); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if ids, _ := drain(t, s); len(ids) != 1 {
				t.Fatalf("run %d, record %d: %v", run, i, ids)
			}
		}
		must(t, s.close())
	}
	if list, err := filepath.Glob(filepath.Join(dir, "*.spool")); err != nil || len(list) > 1 {
		t.Errorf("files left: %v, %v", list, err)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	s, err := openSpool(t.TempDir(), 10_000)
	must(t, err)
	fill := func(share float64) (n int) {
		for {
			ok, err := s.put(record(n), share)
			must(t, err)
			if !ok {
				return n
			}
			n++
		}
	}
	requests, stats, events := fill(requestShare), fill(statsShare), fill(eventShare)
	if requests == 0 || stats == 0 || events == 0 || s.size() > 10_000 {
		t.Errorf("requests %d, stats %d, events %d in %d bytes: what matters more must find room", requests, stats, events, s.size())
	}
	ids, _ := drain(t, s)
	if len(ids) != requests+stats+events {
		t.Errorf("%d read of %d", len(ids), requests+stats+events)
	}
	if fill(requestShare) == 0 {
		t.Error("no room after all was sent")
	}
	must(t, s.close())
}

func TestSpoolSurvivesDamage(t *testing.T) {
	dir := t.TempDir()
	s, err := openSpool(dir, 1<<20)
	must(t, err)
	_, err = s.put(record(1), 1)
	must(t, err)
	must(t, s.close())
	f, err := os.OpenFile(s.file(1), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.WriteString("no record\n" + StatsStream + "\tx\t0\t{\"torn\":tru")
	must(t, err)
	must(t, f.Close())
	must(t, os.WriteFile(filepath.Join(dir, "cursor"), []byte("garbage"), 0o600))
	s, err = openSpool(dir, 1<<20)
	must(t, err)
	_, err = s.put(record(2), 1)
	must(t, err)
	ids, torn := drain(t, s)
	if strings.Join(ids, " ") != "1 2" || torn != 2 {
		t.Errorf("read %v, %d torn; want records 1 and 2, and 2 torn", ids, torn)
	}
	must(t, s.close())
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("levee-stats\tid\t0\t{}"))
	f.Add([]byte("\t\t\t"))
	f.Fuzz(func(t *testing.T, line []byte) {
		d, ok := parseRecord(line)
		if !ok {
			return
		}
		back, ok := parseRecord(appendRecord(nil, d)[:len(appendRecord(nil, d))-1])
		if !ok || back.Index != d.Index || back.ID != d.ID || back.Version != d.Version || string(back.Body) != string(d.Body) {
			t.Errorf("%q reads as %+v, written and read again as %+v", line, d, back)
		}
	})
}

// TestASpoolFileThatCanNotBeClosedIsToldOnce: a disk that reports late what it
// lost must not end the spool for good.
func TestASpoolFileThatCanNotBeClosedIsToldOnce(t *testing.T) {
	s, err := openSpool(t.TempDir(), 1<<30)
	must(t, err)
	put := func(i int) error {
		ok, err := s.put(record(i), 1)
		if err == nil && !ok {
			t.Fatal("no room")
		}
		return err
	}
	must(t, put(1))
	must(t, s.out.Close())
	s.sizes[s.last] = segmentSize // it is full: the next one begins
	if put(2) == nil {
		t.Error("nobody was told")
	}
	must(t, put(3))
	must(t, s.close())
}

package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/testing/smalldisk"
)

// TestAFullDiskIsTold: a ledger that can't be written says so before and after
// it was needed, with the mend, and when there is room again it is well.
func TestAFullDiskIsTold(t *testing.T) {
	dir := t.TempDir()
	smalldisk.Mount(t, dir, "2m")
	l, err := Open(t.Context(), filepath.Join(dir, "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	setting := []actions.Entry{{Kind: actions.Set, Key: "k", Value: "v"}}
	if err := l.Record(t.Context(), setting); err != nil {
		t.Fatal(err)
	}
	before, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Try(t.Context()); err != nil || l.Trouble() != "" {
		t.Fatalf("with room: %v, trouble %q", err, l.Trouble())
	}
	ballast := filepath.Join(dir, "ballast")
	_ = os.WriteFile(ballast, bytes.Repeat([]byte("x"), 4<<20), 0o600) // it fails when the disk is full, as it should
	for what, try := range map[string]func() error{"Try": func() error { return l.Try(t.Context()) }, "Record": func() error { return l.Record(t.Context(), setting) }} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "free some space") || l.Trouble() != err.Error() {
			t.Errorf("%s on a full disk: %v, trouble %q", what, err, l.Trouble())
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := l.Try(t.Context()); err != nil || l.Trouble() != "" {
		t.Errorf("with room again: %v, trouble %q", err, l.Trouble())
	}
	if now, err := l.Head(t.Context()); err != nil || now != before {
		t.Errorf("the audit's head was %+v and is %+v (%v): trying writes nothing into it", before, now, err)
	}
}

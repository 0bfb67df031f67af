//go:build linux

package jenkins

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/testing/smalldisk"
)

// TestAFullDiskLosesNoRun fills the disk the journal stands on in the middle of
// a line: what could not be written is not there after a restart, and what was
// written before and after it is.
func TestAFullDiskLosesNoRun(t *testing.T) {
	dir := t.TempDir()
	smalldisk.Mount(t, dir, "64k")
	path := filepath.Join(dir, "journal")
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	j, _, err := openJournal(path, now)
	if err != nil {
		t.Fatal(err)
	}
	write := func(id string) error {
		return j.write(line{At: now, Request: id, State: sending, Why: strings.Repeat("x", 3000)})
	}
	want := []string{"first"}
	if err := write("first"); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	_ = os.WriteFile(ballast, bytes.Repeat([]byte("x"), 1<<20), 0o600) // it fails when the disk is full, as it should
	failed := false
	for i := range 40 {
		if err = write(fmt.Sprint("r", i)); err != nil {
			failed = true
			if !strings.Contains(err.Error(), "no space left") {
				t.Errorf("it says %v", err)
			}
			break
		}
		want = append(want, fmt.Sprint("r", i))
	}
	if !failed {
		t.Fatal("the disk was not full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := write("last"); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	want = append(want, "last")
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	j, kept, err := openJournal(path, now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.close() }()
	var got []string
	for _, l := range kept {
		got = append(got, l.Request)
	}
	if !slices.Equal(got, want) {
		t.Errorf("after a restart it knows %v, want %v", got, want)
	}
}

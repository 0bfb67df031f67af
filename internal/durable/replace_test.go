package durable

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReplace writes a file, writes it again, and fails to.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kept")
	for _, text := range []string{"old", "newer and longer", ""} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// What can't be replaced stays, and nothing is left beside it.
	inTheWay := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(inTheWay, []byte("text")); err == nil {
		t.Error("a directory that holds something was replaced")
	}
	if err := Replace(filepath.Join(dir, "missing", "kept"), nil); err == nil {
		t.Error("a file was written in a directory that is not there")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

//go:build unix

package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPositionsAreKeptSafely(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, positionsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPositions(dir); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("%v", err)
	}
	dir = t.TempDir()
	ps, err := OpenPositions(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * generations {
		ps.set(fileID{Inode: uint64(i + 1)}, position{Path: "a", Offset: int64(i)})
	}
	if err := ps.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenPositions(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(again.under("a")); n != generations {
		t.Errorf("%d kept, want the last %d", n, generations)
	}
	if p, ok := again.of(fileID{Inode: 3 * generations}); !ok || p.Offset != 3*generations-1 {
		t.Errorf("%+v %v", p, ok)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

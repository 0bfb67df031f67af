package doctor

import (
	"os"
	"path/filepath"
	"testing"
)

// Looking whether the state can be written leaves nothing there.
func TestWritableLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := writable(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("%v stands there now (%v)", left, err)
	}
	if writable(filepath.Join(dir, "nowhere")) == nil {
		t.Fatal("what does not exist can be written")
	}
}

//go:build linux

package denylist

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"levee/actions"
	"levee/testing/smalldisk"
)

// TestAFullDiskKeepsTheOldFile fills the disk the list stands on: the batch
// fails as a whole with the cause, the server keeps what it had, and with room
// again the next change goes through.
func TestAFullDiskKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	smalldisk.Mount(t, dir, "64k")
	l := open(t, Options{Path: filepath.Join(dir, "deny.conf")})
	apply(t, l, block("first", "192.0.2.1/32"))
	before := content(t, l)
	ballast := filepath.Join(dir, "ballast")
	_ = os.WriteFile(ballast, bytes.Repeat([]byte("x"), 1<<20), 0o600) // it fails when the disk is full, as it should
	var many []actions.Decision
	for i := range 2000 {
		many = append(many, block(fmt.Sprint("d", i), fmt.Sprintf("198.18.%d.%d/32", i>>8, i&255)))
	}
	for _, r := range apply(t, l, many...) {
		if r.OK || r.Unknown || !strings.Contains(r.Note, "no space left") {
			t.Fatalf("receipt %+v", r)
		}
	}
	if got := content(t, l); got != before {
		t.Errorf("the file changed:\n%s", got)
	}
	if held, err := l.List(context.Background()); err != nil || len(held) != 1 {
		t.Errorf("held %+v, %v", held, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if rs := apply(t, l, block("second", "192.0.2.2/32")); !rs[0].OK || !strings.Contains(content(t, l), "deny 192.0.2.2;") || strings.Contains(content(t, l), "198.18.") {
		t.Errorf("receipt %+v\n%s", rs[0], content(t, l))
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*.conf.*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

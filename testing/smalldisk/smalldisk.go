//go:build linux

// Package smalldisk gives tests a disk that they can fill.
package smalldisk

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Mount mounts an empty disk of that size, as tmpfs takes it ("64k"), over dir
// until the test ends. It skips the test where that may not be done.
func Mount(t *testing.T, dir, size string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this kernel or user may not mount a small disk (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

//go:build unix

package source

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readable waits until f has something to read, or has ended. A read from a
// terminal or a pipe can't be interrupted; a wait with an end can be given up.
func readable(f *os.File, wait time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait/time.Millisecond))
	if err == unix.EINTR {
		return false
	}
	return n != 0 || err != nil // let the read tell what is wrong
}

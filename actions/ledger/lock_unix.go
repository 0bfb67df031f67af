//go:build unix

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the file at path for this process until it is closed or the
// process ends, however it ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another levee uses it: stop that one, or give this one a state of its own with --state")
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

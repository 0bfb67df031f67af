package station

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockState makes sure that one levee at a time works with a state directory:
// two would lift each other's blocks. The lock ends with the process.
func lockState(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w; name another with --state", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another levee works with the state in %s; stop it, or name another directory with --state", dir)
		}
		return nil, fmt.Errorf("lock %s: %w; name another directory with --state", path, err)
	}
	return f, nil
}

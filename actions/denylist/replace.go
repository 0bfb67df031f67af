package denylist

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"levee/internal/durable"
)

// oldSuffix names the copy of the previous file that stands beside the new one
// until the test command has taken it. Found at start, it means that levee died
// in between, and the previous file is put back.
const oldSuffix = ".levee-old"

// checkTarget refuses what must not be written through: a symbolic link (it
// may point to a file that is none of ours), a directory, a device.
func checkTarget(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir, err := os.Stat(filepath.Dir(path))
		if err != nil {
			return fmt.Errorf("deny list %s: its directory: %w", path, err)
		}
		if !dir.IsDir() {
			return fmt.Errorf("deny list %s: %s is no directory", path, filepath.Dir(path))
		}
		return nil
	case err != nil:
		return fmt.Errorf("deny list %s: %w", path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		if err != nil {
			to = "somewhere else"
		}
		return fmt.Errorf("deny list %s is a symbolic link to %q: refused; give the path of the file itself", path, to)
	case !info.Mode().IsRegular():
		return fmt.Errorf("deny list %s is no regular file: refused; give the path of the include", path)
	}
	return nil
}

// replace puts content at path: temporary file beside it, fsync, rename, fsync
// of the directory. The previous file stays at path+oldSuffix until settle or
// restore.
func replace(path string, content []byte) error {
	if err := checkTarget(path); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	uid, gid := -1, -1
	if info, err := os.Lstat(path); err == nil {
		mode = info.Mode().Perm()
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			uid, gid = int(st.Uid), int(st.Gid)
		}
		if err := keepOld(path); err != nil {
			return err
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write deny list %s: %w", path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when the rename went through
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil && uid >= 0 && (uid != os.Geteuid() || gid != os.Getegid()) {
		_ = tmp.Chown(uid, gid) // best effort: without the right to, the file is ours and readable as before
	}
	if err == nil {
		err = tmp.Sync()
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write deny list %s: %w", path, err)
	}
	return nil
}

func keepOld(path string) error {
	if err := os.Remove(path + oldSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep the old deny list: %w", err)
	}
	if err := os.Link(path, path+oldSuffix); err != nil {
		return fmt.Errorf("keep the old deny list: %w", err)
	}
	return nil
}

// restore puts the previous file back; without one, the new file goes.
func restore(path string) error {
	err := os.Rename(path+oldSuffix, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.Remove(path)
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("put the old deny list back: %w", err)
	}
	return nil
}

// settle forgets the previous file: the new one passed its test.
func settle(path string) error {
	if err := os.Remove(path + oldSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the old deny list: %w", err)
	}
	return nil
}

// recoverOld puts the previous file back after a crash between the rename and
// the end of the test.
func recoverOld(path string) error {
	if _, err := os.Lstat(path + oldSuffix); err != nil {
		return nil
	}
	return restore(path)
}

// Package durable keeps small files so that a crash leaves the old one or the
// new one, and never a half.
package durable

import (
	"os"
	"path/filepath"
)

// Replace writes data beside path, makes it durable, and renames it over path,
// mode 0600. On an error path is as it was. It may be called at once for
// different paths; of two calls for one path, one wins.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what matters is why it was not written
	}
	return err
}

// SyncDir makes durable which files dir has: a file that was renamed into it
// may be the old one again after the power failed, unless the directory itself
// reached the disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}

//go:build unix

package source

import (
	"os"
	"syscall"
)

// fileID names a file on its disk, whatever it is called.
type fileID struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// identify returns the identity of the file at path.
func identify(_ string, st os.FileInfo) fileID {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(s.Dev), uint64(s.Ino)} //nolint:unconvert // the types differ between systems
	}
	return fileID{}
}

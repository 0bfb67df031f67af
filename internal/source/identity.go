package source

import (
	"hash/fnv"
	"io"
	"os"
)

// markLength is how many first bytes of a file tell it from another one under
// the same name and inode: two usual log lines.
const markLength = 512

// fingerprint is a hash over the first bytes of a file.
type fingerprint struct {
	Bytes int64  `json:"bytes"` // hashed; fewer than markLength in a young file
	Hash  uint64 `json:"hash"`
}

// mark takes the fingerprint of the first n bytes of f, fewer when it is
// shorter.
func mark(f *os.File, n int64) (fingerprint, error) {
	buf := make([]byte, min(n, markLength))
	k, err := f.ReadAt(buf, 0)
	if err != nil && err != io.EOF {
		return fingerprint{}, err
	}
	h := fnv.New64a()
	_, _ = h.Write(buf[:k]) // a hash never fails
	return fingerprint{int64(k), h.Sum64()}, nil
}

// matches reports whether f still begins with what m was taken of.
func (m fingerprint) matches(f *os.File) bool {
	now, err := mark(f, m.Bytes)
	return err == nil && now == m
}

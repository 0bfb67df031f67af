//go:build !unix

package ledger

import "os"

// lock can't keep others out here; Record notices another writer by the head
// of the audit.
func lock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

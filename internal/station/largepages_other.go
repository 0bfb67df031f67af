//go:build !linux

package station

// largePages does nothing where nobody can be asked.
func largePages([]byte) {}

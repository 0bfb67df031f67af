//go:build amd64 || arm64

package detect

import "unsafe"

// prefetch asks the processor for the cache lines at four places. It waits for
// none of them and changes nothing: what is not there yet is read later. Go's
// own prefetch is not for programs to call.
//
//go:noescape
func prefetch(a, b, c, d unsafe.Pointer)

// prefetchRun asks for as many lines of 64 bytes in a row, at least one.
//
//go:noescape
func prefetchRun(p unsafe.Pointer, lines int)

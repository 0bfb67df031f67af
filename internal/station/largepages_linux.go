package station

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// largePages asks for pages of 2 MiB where the detector's tables lie: with
// those of 4 KiB the processor looks the page up for nearly every request. A
// kernel that has none to give goes on with small ones.
func largePages(table []byte) {
	const page = 4096
	start := -uintptr(unsafe.Pointer(unsafe.SliceData(table))) % page
	if end := uintptr(len(table)); start+page <= end {
		whole := table[start : start+(end-start)/page*page]
		_ = unix.Madvise(whole, unix.MADV_HUGEPAGE) // advice: nothing depends on it
	}
}

package detect

import "unsafe"

// advise shows the caller's Options.Pages the tables that requests go to at
// random.
func (e *Engine) advise() {
	if e.opt.Pages == nil {
		return
	}
	pages := e.opt.Pages
	pages(bytesOf(e.sources.tags))
	pages(bytesOf(e.sources.entries))
	pages(bytesOf(e.nets.entries))
	pages(bytesOf(e.nets.rest))
	pages(bytesOf(e.memo))
}

// bytesOf returns the memory of a table.
func bytesOf[T any](table []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), uintptr(len(table))*unsafe.Sizeof(one))
}

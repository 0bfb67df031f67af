//go:build !linux

package station

// benchChild has nothing to run where there is no nftables.
func benchChild() bool { return false }

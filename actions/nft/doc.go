// Package nft enforces blocks in the kernel's packet filter through netlink:
// one table of its own, inet levee, and nothing outside it.
//
// Single addresses stand in hash sets, prefixes in interval sets, for IPv4 and
// IPv6 each. Every element carries its decision's end as a kernel timeout, a few
// seconds later, so that blocks lapse even when levee is gone, and a counter of
// what it dropped.
// Packets are dropped before connection tracking, established connections
// included; loopback never, and an operator's SSH session not either.
//
// A prefix inside another blocked prefix waits in this process until the outer
// one is lifted: interval sets hold no overlaps.
//
// Concurrency: a Filter may be used by many goroutines; it starts none.
package nft

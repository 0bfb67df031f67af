// Package detect judges a service's traffic: requests go in, an immutable
// Snapshot and a stream of Events come out.
//
// The package is pure. It does no I/O, starts no goroutine and reads no clock
// but the event time carried by requests and by Advance, so the same requests
// always give the same verdicts, live or from a recorded log.
//
// Concurrency: an Engine belongs to one goroutine at a time. A *Snapshot and
// everything reachable from it is never written after it was returned and may
// be read by any number of goroutines.
package detect

// Package denylist enforces decisions through files that a web server or a
// load balancer reads: an nginx deny or geo include, a plain list, an nginx
// map of signatures, HAProxy maps through its runtime socket.
//
// A file is replaced atomically, tested by the server's own test command
// before the server is told to reload, and put back when the test fails.
// Changes that come close together share one replacement and one reload.
//
// Concurrency: a List may be used by many goroutines. It starts a goroutine
// only while a change is under way; Close waits for it.
package denylist

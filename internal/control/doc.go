// Package control is how local commands speak to a running levee: a Unix
// socket over which one command line goes in and its output and exit code
// come back, or a whole console for a terminal.
//
// One connection carries one call, in frames of one type byte, a length of
// four bytes (big endian) and the payload:
//
//	client: R the call (JSON), I standard input, E its end, W a new size
//	server: O standard output, X standard error, D the exit code
//
// Who calls is what the kernel says of the other end, never what it says of
// itself. A client that goes away ends its call.
//
// Concurrency: Serve waits for all it started. A Call belongs to the handler
// it was given to.
package control

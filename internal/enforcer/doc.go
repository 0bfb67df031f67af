// Package enforcer is the small process that holds the rights levee needs:
// changing the packet filter, writing a server's deny list, testing and
// reloading that server. The process that parses hostile log lines and speaks
// SSH asks it over a Unix socket and holds no rights itself.
//
// The conversation is one request and one answer a connection, each a 4-byte
// big-endian length and JSON with known fields only. The server lets in the
// users it was told to (SO_PEERCRED), takes four verbs (apply, revoke, list,
// check) for the enforcers it was given, and checks every target against
// guardrails of its own: whoever takes over the asking process still can't
// block the allow list, this host, anything wider than /24 or /48, without an
// end, or more at a time than auto.budget.active_blocks and a tenth.
//
// Concurrency: Server.Run owns a goroutine for each connection and awaits
// them. A Client may be used by many goroutines and starts none.
package enforcer

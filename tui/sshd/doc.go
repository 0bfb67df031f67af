// Package sshd lets people reach a levee over SSH: it finds out who they are
// and which terminal they sit at, and hands the session over. It knows nothing
// of screens and verbs.
//
// Public keys and certificates are the only way in. Who somebody is is taken
// from the key they proved, never from one they only offered. Requests that
// the protocol allows and levee does not (forwarding, agents, subsystems,
// signals, environment) are turned away before they reach the SSH library.
//
// Concurrency: Serve owns all it starts and waits for it. SetDirectory may be
// called from anywhere.
package sshd

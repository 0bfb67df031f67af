// Package daemon is `levee serve`: a station, and the doors to it. The control
// socket and SSH lead to the same verbs and the same console, for the actor
// each door has made sure of.
//
// Concurrency: Run owns everything and waits for it.
package daemon

// Package standin is a stand-in Jenkins controller: an http.Handler that
// answers the remote access API the way a Jenkins 2.426 does, quirks included,
// so that the demo needs no Jenkins and tests meet a strict one.
//
// Jobs are Go functions. Nothing a client sends is ever executed: a job
// created through the API runs a toy interpreter that knows echo and sleep.
//
// Concurrency: a Jenkins may be used by many goroutines. Every queue item and
// every build has a goroutine of the Jenkins' own; Close ends and awaits them.
package standin

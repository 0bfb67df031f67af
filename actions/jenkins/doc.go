// Package jenkins enforces decisions by triggering Jenkins jobs and following
// them: queue item → build → result → console text.
//
// Before anything is sent, a run is written to a journal with a request id,
// which travels as a job parameter; after a crash or an answer that got lost
// the id is looked for in Jenkins' queue and builds, so nothing is triggered
// twice. Changes that come close together travel in one build.
//
// HTTP goes through gojenkins' Requester with redirects off, a client with
// timeouts and a round tripper that keeps the status; everything above that
// (crumbs with their cookies, queue, builds, logs) is done here, because the
// library loses the status of error pages, panics without a crumb and drops
// builds of a job that is queued already.
//
// Concurrency: an Enforcer may be used by many goroutines. It owns one
// goroutine for each run that has not ended; Close ends and awaits them. Runs
// under way are found again by Resume after the next start.
package jenkins

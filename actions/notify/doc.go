// Package notify tells people: Slack, e-mail, Teams, Discord, PagerDuty and
// whatever else shoutrrr speaks.
//
// News of one incident is grouped: the first message waits a moment for more,
// later ones keep a distance, what was said is not said again, what nobody
// acknowledges is escalated, and the end is told once. Delivery failures are
// kept for the health screen; tokens inside URLs never show.
//
// Concurrency: a Notifier may be used by many goroutines. Run owns a goroutine
// for each target, and each target at most one delivery at a time; Run awaits
// its own, but a delivery that hangs inside the library's HTTP client is
// abandoned to its own timeout when Run returns.
package notify

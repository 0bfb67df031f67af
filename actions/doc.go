// Package actions turns verdicts and people's wishes into acts that are
// written down first, checked against guardrails, confirmed, bounded in time
// and undone when they end: Plan → Commit → Undo.
//
// The package knows enforcers by the Enforcer interface only; each enforcer
// has a package of its own below this one.
package actions

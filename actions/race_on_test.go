//go:build race

package actions_test

// atRace is how much of something a test does: less under the race detector,
// which slows every process that a test starts. CI runs these tests in full too.
func atRace(_, less int) int { return less }

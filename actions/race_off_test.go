//go:build !race

package actions_test

// atRace is how much of something a test does: all of it without the race
// detector.
func atRace(all, _ int) int { return all }

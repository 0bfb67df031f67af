//go:build !race

package actions_test

// raceEnabled says that the race detector slows every process that a test starts.
const raceEnabled = false

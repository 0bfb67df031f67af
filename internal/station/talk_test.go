package station

import (
	"testing"
	"time"
)

// TestNobodyTalksTheOthersDown: a flood of messages leaves room on the line for
// other people, and for warnings.
func TestNobodyTalksTheOthersDown(t *testing.T) {
	now := time.Date(2026, 3, 14, 3, 12, 7, 0, time.UTC)
	var line talk
	said := 0
	for range 1000 {
		if line.mayTalk("bo", now) {
			said++
		}
	}
	if said != breathMost {
		t.Errorf("bo said %d things at once", said)
	}
	if !line.mayTalk("ana", now) {
		t.Error("ana can't say anything")
	}
	now = now.Add(-time.Hour) // a clock that is set back gives nothing, and takes nothing
	if line.mayTalk("bo", now) {
		t.Error("a clock that was set back lets bo talk")
	}
	now = now.Add(2 * breathEvery)
	said = 0
	for range 10 {
		if line.mayTalk("bo", now) {
			said++
		}
	}
	if said != 2 {
		t.Errorf("two breaths are %d things to say", said)
	}
}

package elastic

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// TestALeveeThatSawNothingIsNotSilent: before its first line too, each second
// has its figures, of that second; or it would look dead to whoever watches it.
func TestALeveeThatSawNothingIsNotSilent(t *testing.T) {
	snap := detect.New(detect.Options{}).Snapshot()
	ids := map[string]bool{}
	for i := range 3 {
		at := time.Date(2031, 1, 1, 0, 0, i, 0, time.UTC)
		docs, err := Origin{Host: "edge-1"}.Stats(snap, &actions.Board{}, status.Status{Now: at})
		must(t, err)
		ids[docs[0].ID] = true
		if !strings.Contains(string(docs[0].Body), `"@timestamp":"`+stamp(at)) {
			t.Errorf("of %s it says %s", at, docs[0].Body)
		}
	}
	if len(ids) != 3 {
		t.Errorf("three seconds have %d IDs", len(ids))
	}
}

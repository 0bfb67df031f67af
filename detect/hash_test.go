package detect

import (
	"encoding/binary"
	"testing"
)

// TestNoWordEndsAHash holds that a word chosen by whoever knows the constants
// makes nothing that stood before it forgotten.
func TestNoWordEndsAHash(t *testing.T) {
	seen := map[uint64]string{}
	for _, head := range []string{"/items/a", "/items/b", "/items/c"} {
		got := hashBytes(binary.LittleEndian.AppendUint64([]byte(head), mixB), 7)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q hash alike", other, head)
		}
		seen[got] = head
	}
	if a, b := mix(mixA, 1), mix(mixA, 2); a == b {
		t.Error("one word hides the other")
	}
	if a, b := mix(1, mixB), mix(2, mixB); a == b {
		t.Error("one word hides the other")
	}
}

package station

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"levee/testing/smalldisk"
)

// TestAFullDiskIsToldBeforeItIsNeeded: people hear once that nothing can be
// decided, once that it is over, and the status says so in between.
func TestAFullDiskIsToldBeforeItIsNeeded(t *testing.T) {
	p := place{t.TempDir()}
	if err := os.Mkdir(p.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	smalldisk.Mount(t, p.state(), "2m")
	s, err := Open(t.Context(), p.options())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	told := func() (out []string) {
		for _, n := range s.Notices(0) {
			if strings.Contains(n.Text, "ledger") {
				out = append(out, n.Level)
			}
		}
		return out
	}
	ballast := filepath.Join(p.state(), "ballast")
	_ = os.WriteFile(ballast, bytes.Repeat([]byte("x"), 4<<20), 0o600) // it fails when the disk is full, as it should
	ill := s.ledgerIll(t.Context(), false)
	ill = s.ledgerIll(t.Context(), ill)
	if why := s.Status().Ledger; !ill || !strings.Contains(why, "free some space") || len(told()) != 1 {
		t.Fatalf("on a full disk: ill %v, status %q, told %q", ill, why, told())
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if ill = s.ledgerIll(t.Context(), ill); ill || s.Status().Ledger != "" || strings.Join(told(), " ") != "error info" {
		t.Fatalf("with room again: ill %v, status %q, told %q", ill, s.Status().Ledger, told())
	}
}

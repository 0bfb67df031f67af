package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsOpenToEverybody: credentials that the service manager hands over,
// and files of one's own, are for levee's user and group.
func TestSecretsOpenToEverybody(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("s3cret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		return path
	}
	handed, group, open := file("handed", 0o400), file("group", 0o640), file("open", 0o644)
	if got := secrets([]string{handed, group}); len(got) != 1 || got[0].State != OK {
		t.Errorf("modes 0400 and 0640: %+v", got)
	}
	got := secrets([]string{handed, open, filepath.Join(dir, "gone")})
	if len(got) != 2 || got[0].State != Bad || !strings.Contains(got[0].Mend, "chmod o-rwx "+open) || got[1].State != Bad {
		t.Errorf("modes 0400 and 0644, and none: %+v", got)
	}
	if got := secrets(nil); got != nil {
		t.Errorf("without secrets: %+v", got)
	}
}

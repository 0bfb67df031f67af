package denylist

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"
)

// TestAChangeThatBrokeOffIsToldToTheServer: the file is in place, the server was
// not told, and that the file holds what is wanted must not read as done.
func TestAChangeThatBrokeOffIsToldToTheServer(t *testing.T) {
	dir := t.TempDir()
	path, told := filepath.Join(dir, "deny.conf"), filepath.Join(dir, "told")
	inTheWay := path + oldSuffix
	l := open(t, Options{Path: path, Reload: []string{"cp", path, told}})
	apply(t, l, block("first", "192.0.2.1/32"))
	// The test command does what a disk with an error does: the copy of the old
	// file can't be removed.
	l.o.Test = []string{"sh", "-c", "rm -f " + inTheWay + " && mkdir -p " + inTheWay + "/x"}
	if rs := apply(t, l, block("second", "192.0.2.2/32")); rs[0].OK {
		t.Fatalf("receipt %+v", rs[0])
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	l.o.Test = nil
	rs := apply(t, l, block("second", "192.0.2.2/32"))
	if server, err := os.ReadFile(told); err != nil || !rs[0].OK || !strings.Contains(string(server), "deny 192.0.2.2;") {
		t.Errorf("receipt %+v, and the server goes by %q, %v", rs[0], server, err)
	}
}

// TestACommandMayLeaveAChild: one that ends well and leaves a child behind that
// keeps its output open has not failed.
func TestACommandMayLeaveAChild(t *testing.T) {
	if err := run(t.Context(), []string{"sh", "-c", "sleep 3 & exit 0"}, 10*time.Second); err != nil {
		t.Error(err)
	}
}

// TestTooManySignaturesCanBeUndone: a file of an earlier levee, or one that was
// written to, holds more than are taken; they can be lifted one after the other.
func TestTooManySignaturesCanBeUndone(t *testing.T) {
	l := open(t, Options{Style: NginxMap})
	var file strings.Builder
	file.WriteString(header + "\n")
	for i := range maxSignatures + 2 {
		fmt.Fprintf(&file, "# until 2031-05-06T07:08:09Z d%d\n%s\n", i, lineOf(NginxMap, patternEntry(fmt.Sprint("sig:", i), "^x$", classThrottle)))
	}
	if err := os.WriteFile(l.o.Path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	rs, err := l.Revoke(t.Context(), []actions.Decision{{ID: orphan + "sig:7"}})
	if err != nil || !rs[0].OK || strings.Contains(content(t, l), "sig:7\"") {
		t.Errorf("receipt %+v, %v", rs[0], err)
	}
}

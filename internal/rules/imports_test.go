// Package rules holds the checks that keep the house in shape.
package rules

import (
	"os/exec"
	"strings"
	"testing"
)

// allowed says which of our packages each room may import directly. A room is
// named by its path below the module, "/..." covers what lies below it.
var allowed = []struct {
	room string
	may  []string
}{
	{"detect", []string{"detect/sketch"}},
	{"detect/sketch", nil},
	{"detect/logline", []string{"detect"}},
	{"actions", []string{"detect", "actions/internal/safe"}},
	{"actions/internal/exchange", nil},
	{"actions/internal/safe", nil},
	{"actions/...", []string{"actions", "actions/...", "detect", "internal/durable"}},
	{"tui", []string{"actions", "detect", "internal/status"}},
	{"tui/...", []string{"tui", "tui/...", "actions", "detect", "internal/status"}},
	{"demo", []string{"detect/logline"}},
	{"demo/standin", nil},
	{"internal/status", []string{"actions", "detect"}},
	{"internal/durable", nil},
	{"internal/jsonl", nil},
	{"internal/source", []string{"detect", "detect/logline", "internal/durable"}},
	{"internal/enrich", []string{"detect"}},
	{"internal/config", []string{"actions", "detect"}},
	{"internal/enforcer", []string{"actions", "actions/...", "detect"}},
	{"internal/elastic", []string{"actions", "detect", "internal/durable", "internal/fleet", "internal/jsonl", "internal/status"}},
	{"internal/fleet", []string{"actions", "internal/durable"}},
	{"testing/elasticsearch", nil},
	{"testing/smalldisk", nil},
	{"testing/story", nil},
	{"deploy/kibana", nil},
	{"deploy/logstash", nil},
	{"internal/station", []string{
		"actions", "actions/...", "detect", "detect/logline", "internal/config", "internal/durable", "internal/enforcer",
		"internal/elastic", "internal/enrich", "internal/fleet", "internal/kernel", "internal/source", "internal/status"}},
	{"internal/command", []string{
		"actions", "actions/...", "detect", "detect/logline", "internal/config", "internal/enforcer",
		"internal/elastic", "internal/enrich", "internal/jsonl", "internal/source", "internal/station", "internal/status"}},
	{"internal/control", nil},
	{"internal/kernel", nil},
	{"internal/metrics", []string{"actions", "detect", "internal/status"}},
	{"internal/doctor", []string{
		"actions", "detect", "detect/logline", "internal/config", "internal/elastic", "internal/kernel", "internal/source", "internal/station",
		"tui/sshd"}},
	{"internal/daemon", []string{
		"actions", "internal/command", "internal/config", "internal/control", "internal/metrics", "internal/station",
		"internal/status", "tui", "tui/..."}},
	{"cmd/levee", []string{
		"actions", "demo", "demo/standin", "detect", "internal/command", "internal/config", "internal/control", "internal/daemon",
		"internal/doctor", "internal/elastic", "internal/enforcer",
		"internal/station", "internal/status", "tui", "tui/..."}},
	{"internal/rules", nil},
}

// TestImportsPointOneWay reads what every package really imports, tests left
// out, and holds it against the table above.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "levee/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 8 {
		t.Fatalf("go list names only %d packages: the test would pass without looking", len(lines))
	}
	for _, line := range lines {
		f := strings.Fields(line)
		pkg := strings.TrimPrefix(f[0], "levee/")
		may, known := rule(pkg)
		if !known {
			t.Errorf("%s has no row in the table of rooms: add it, or move it into a room", pkg)
			continue
		}
		for _, imp := range f[1:] {
			if to, ours := strings.CutPrefix(imp, "levee/"); ours && !matches(to, may) {
				t.Errorf("%s imports %s: that points the wrong way (docs/architecture.md)", pkg, to)
			}
		}
	}
}

// rule returns the row for pkg: its own, else that of the room it lies below.
func rule(pkg string) ([]string, bool) {
	for _, a := range allowed {
		if a.room == pkg {
			return a.may, true
		}
	}
	for _, a := range allowed {
		if matches(pkg, []string{a.room}) {
			return a.may, true
		}
	}
	return nil, false
}

func matches(pkg string, patterns []string) bool {
	for _, p := range patterns {
		if base, below := strings.CutSuffix(p, "/..."); pkg == p || below && strings.HasPrefix(pkg, base+"/") {
			return true
		}
	}
	return false
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pkg, pattern string
		want         bool
	}{
		{"actions/nft", "actions/...", true},
		{"actions", "actions/...", false},
		{"actionsx", "actions/...", false},
		{"detect", "detect", true},
		{"detect/logline", "detect", false},
	} {
		if got := matches(c.pkg, []string{c.pattern}); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.pkg, c.pattern, got)
		}
	}
}

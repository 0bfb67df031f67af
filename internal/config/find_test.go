package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func TestFindTakesTheFirstThatExists(t *testing.T) {
	here, xdg, home := t.TempDir(), t.TempDir(), t.TempDir()
	t.Chdir(here)
	write := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := map[string]string{"HOME": home}
	find := func(flag string) string { return Find(flag, environment(env)) }

	if _, err := os.Stat("/etc/levee/levee.yaml"); err == nil {
		t.Skip("this machine has an /etc/levee/levee.yaml")
	}
	check := func(want, flag string) {
		t.Helper()
		if got := find(flag); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check("", "")
	check(write(filepath.Join(home, ".config/levee/levee.yaml")), "")
	env["XDG_CONFIG_HOME"] = xdg
	check("", "")
	check(write(filepath.Join(xdg, "levee/levee.yaml")), "")
	write("levee.yaml")
	check("levee.yaml", "")
	env["LEVEE_CONFIG"] = "/not/there.yaml"
	check("/not/there.yaml", "")
	check("given.yaml", "given.yaml")
}

func TestStateDir(t *testing.T) {
	tests := []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"", nil, "/var/lib/levee"},
		{"", map[string]string{"HOME": "/"}, "/var/lib/levee"},
		{"", map[string]string{"HOME": "/home/ana"}, "/home/ana/.local/state/levee"},
		{"", map[string]string{"HOME": "/home/ana", "XDG_STATE_HOME": "/s"}, "/s/levee"},
		{"", map[string]string{"HOME": "/home/ana", "XDG_STATE_HOME": "relative"}, "/home/ana/.local/state/levee"},
		{"", map[string]string{"HOME": "/home/ana", "STATE_DIRECTORY": "/var/lib/levee:/b"}, "/var/lib/levee"},
		{"", map[string]string{"STATE_DIRECTORY": "/b", "LEVEE_STATE": "/a"}, "/a"},
		{"/f", map[string]string{"LEVEE_STATE": "/a"}, "/f"},
	}
	for _, tt := range tests {
		if got := StateDir(tt.flag, environment(tt.env)); got != tt.want {
			t.Errorf("StateDir(%q, %v) = %q, want %q", tt.flag, tt.env, got, tt.want)
		}
	}
}

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, most+1), 0o644); err != nil {
		t.Fatal(err)
	}
	mend := "; check --config and $LEVEE_CONFIG, or run levee init to write one"
	for path, why := range map[string]string{
		filepath.Join(dir, "none.yaml"): "no such file or directory",
		dir:                             "is a directory",
		large:                           "it is larger than 1048576 bytes",
	} {
		c, err := Load(path)
		if want := path + ": cannot be read: " + why + mend; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if c.Auto.Level != "suggest" {
			t.Errorf("%s: the defaults are missing", path)
		}
	}
}

// TestFindState: root on a machine where levee is a service means that one, and
// whoever runs their own levee means theirs.
func TestFindState(t *testing.T) {
	home := func(name string) string { return map[string]string{"HOME": "/root"}[name] }
	own, service := "/root/.local/state/levee/levee.sock", "/var/lib/levee/levee.sock"
	for _, c := range []struct {
		flag string
		env  func(string) string
		have []string
		want string
	}{
		{"", home, []string{own, service}, "/root/.local/state/levee"},
		{"", home, []string{service}, "/var/lib/levee"},
		{"", home, nil, "/root/.local/state/levee"},
		{"/srv/levee", home, []string{service}, "/srv/levee"},
		{"", func(name string) string { return map[string]string{"LEVEE_STATE": "/srv/levee"}[name] }, []string{service}, "/srv/levee"},
	} {
		if got := FindState(c.flag, c.env, "levee.sock", func(p string) bool { return slices.Contains(c.have, p) }); got != c.want {
			t.Errorf("--state %q with %v: %s, want %s", c.flag, c.have, got, c.want)
		}
	}
}

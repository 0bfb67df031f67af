package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChanges: what differs is named by its key, and a comment or another order
// of maps is no difference.
func TestChanges(t *testing.T) {
	const base = `sources: [{file: /var/log/a.log, service: shop}]
allow: [192.0.2.0/24, "asn:64500"]
detect: {source_rate: 50/s}
auto:
  level: suggest
  services: {shop: {level: block}, api: {level: observe}}
playbooks: {scan: [{do: notify}, {do: block}]}
actions:
  denylist: [{path: /etc/nginx/deny.conf}]
notify: [{url: "smtp://127.0.0.1/?from=a@example.com&to=b@example.com"}]
ssh:
  listen: 127.0.0.1:2222
  users: [{name: ana, role: operator, keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPNsnWu0HXkghz2SJMeCCv8M2sAVJ0mDoIEfpmLQdj1"]}]
`
	read := func(text string) Config {
		t.Helper()
		file := filepath.Join(t.TempDir(), "levee.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	was := read(base)
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"sources", "# a comment\n\nsources", ""},
		{"shop: {level: block}, api: {level: observe}", "api: {level: observe}, shop: {level: block}", ""},
		{"a.log", "b.log", "sources"},
		{"/24", "/25", "allow"},
		{"64500", "64501", "allow"},
		{"50/s", "60/s", "detect.source_rate"},
		{"suggest", "block", "auto.level"},
		{"api: {level: observe}", "api: {level: block}", "auto.services"},
		{"{do: notify}, ", "", "playbooks"},
		{"deny.conf", "deny2.conf", "actions.denylist"},
		{"to=b", "to=c", "notify"},
		{"operator", "viewer", "ssh.users"},
		{"ssh:\n  listen: 127.0.0.1:2222", "metrics: {listen: 127.0.0.1:9177}\nssh:\n  listen: 127.0.0.1:22", "ssh.listen metrics.listen"},
	} {
		if got := strings.Join(Changes(was, read(strings.Replace(base, c.old, c.new, 1))), " "); got != c.want {
			t.Errorf("%q for %q: %q, want %q", c.new, c.old, got, c.want)
		}
	}
	next := read(strings.NewReplacer("/24", "/25", "50/s", "60/s", "suggest", "block").Replace(base))
	if got := strings.Join(Changes(Take(was, next, []string{"allow", "auto.level"}), next), " "); got != "detect.source_rate" {
		t.Errorf("with two of three keys taken over, these still differ: %q", got)
	}
	a, b := was.Sources[0], was.Sources[0]
	if b.Line++; !a.Same(b) {
		t.Error("a source that moved is another one")
	}
	if b.MayAct = new(bool); a.Same(b) {
		t.Error("may_act makes no difference")
	}
}

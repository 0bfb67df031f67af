package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"levee/internal/config"
)

func TestParseList(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		bad        int
	}{
		{"lines with comments", "203.0.113.7 # the worst\n; none\n\n2001:db8::/48\nnonsense\n", []string{"203.0.113.7/32", "2001:db8::/48"}, 1},
		{"fail2ban get banip", "203.0.113.7 203.0.113.8\n", []string{"203.0.113.7/32", "203.0.113.8/32"}, 0},
		{"fail2ban with time", "203.0.113.7 \t2026-03-14 03:12:07 + 600 = 2026-03-14 03:22:07\n", []string{"203.0.113.7/32"}, 0},
		{"fail2ban banned", "[{'sshd': ['203.0.113.7', '203.0.113.8']}, {'nginx': []}]", []string{"203.0.113.7/32", "203.0.113.8/32"}, 0},
		{"fail2ban status", "Status for the jail: sshd\n|- Filter\n|  |- Currently failed:\t1\n|  `- File list:\t/var/log/auth.log\n`- Actions\n   |- Total banned:\t2\n   `- Banned IP list:\t203.0.113.7 2001:db8::7\n", []string{"203.0.113.7/32", "2001:db8::7/128"}, 0},
		{"cscli json", `[{"source":{"ip":"192.0.2.1","scope":"Ip"},"decisions":[{"scope":"Ip","value":"203.0.113.7","duration":"3h"},{"scope":"Range","value":"203.0.113.0/24"}]}]`, []string{"203.0.113.7/32", "203.0.113.0/24"}, 0},
		{"cscli raw", "id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id\n7,crowdsec,Ip:203.0.113.7,\"probing, 1.1.1.1\",ban,FR,AS1 X,6,3h,false,4\n8,crowdsec,Country:FR,x,ban,,,1,1h,false,5\n", []string{"203.0.113.7/32"}, 1},
		{"our own jsonl", "{\"source.ip\":\"203.0.113.7\"}\n", []string{"203.0.113.7/32"}, 0},
		{"4-in-6", "::ffff:203.0.113.7\n", []string{"203.0.113.7/32"}, 0},
		{"numbers", "12345\n10:20:30\n1.2.3\n", nil, 3},
		{"nothing", "", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ps, bad := ParseList([]byte(c.text))
			var got []string
			for _, p := range ps {
				got = append(got, p.String())
			}
			if !slices.Equal(got, c.want) || bad != c.bad {
				t.Errorf("got %v and %d bad, want %v and %d", got, bad, c.want, c.bad)
			}
		})
	}
}

// FuzzParseList: whatever comes, it ends, and what it names is a masked prefix.
func FuzzParseList(f *testing.F) {
	f.Add([]byte("203.0.113.7\n"))
	f.Add([]byte("[[[\"1.2.3.4\"]]]"))
	f.Add([]byte("a,b,c,ip\n,,,Ip:1.2.3.4\n\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, bad := ParseList(b)
		for _, p := range ps {
			if !p.IsValid() || p != p.Masked() {
				t.Errorf("%v", p)
			}
		}
		if bad < 0 || bad > len(b) {
			t.Errorf("%d bad lines in %d bytes", bad, len(b))
		}
	})
}

// TestInitWritesWhatLoads: whatever is answered, the file is strict YAML that
// says the same.
func TestInitWritesWhatLoads(t *testing.T) {
	for name, a := range map[string]Answers{
		"nothing": {},
		"all": {Logs: []string{"/var/log/nginx/*access.log"}, Service: "shop.example.com", Level: "block", Nft: true, User: "ana",
			Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPNsnWu0HXkghz2SJMeCCv8M2sAVJ0mDoIEfpmLQdj1 ana@example.com"},
		"hostile": {Logs: []string{"/var/log/a\": {b: [c] #.log"}, Service: "x: y # \"z\""},
	} {
		path := filepath.Join(t.TempDir(), "levee.yaml")
		if err := os.WriteFile(path, []byte(a.YAML()), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, a.YAML())
			continue
		}
		if len(a.Logs) > 0 && (c.Sources[0].File != a.Logs[0] || c.Sources[0].Service != a.Service) {
			t.Errorf("%s: it says %+v", name, c.Sources)
		}
		if len(c.SSH.Users) != strings.Count(a.User, "ana") || c.Actions.Nft.Enabled != a.Nft {
			t.Errorf("%s: it says %+v %+v", name, c.SSH, c.Actions)
		}
	}
}

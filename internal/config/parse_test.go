package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"levee/detect"
)

// room is a surrounding with a small environment and two files.
var room = surroundings{
	env: func(name string) (string, bool) {
		v, ok := map[string]string{"HOST": "es.example.com", "EMPTY": ""}[name]
		return v, ok
	},
	read: func(path string, _ int64) ([]byte, error) {
		if text, ok := map[string]string{"/etc/levee/token": "s3cret\n", "/etc/levee/rel": "relative", "/etc/levee/blank": "\n", "/etc/levee/slack": "slack://b"}[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("no such file or directory")}
	},
}

func read(text string) (Config, error) { return parse("/etc/levee/levee.yaml", []byte(text), room) }

func TestEveryUnit(t *testing.T) {
	got, err := read(`
sources:
  - file: /var/log/nginx/*.log
    service: shop.example.com
  - {name: edge, syslog: "udp://127.0.0.1:5514", may_act: true}
trusted_proxies: [173.245.48.0/20, "2001:db8::1"]
allow:
  - 192.0.2.0/24
  - "asn:15169"
  - verified-crawlers
detect: {max_memory: 64MiB, source_rate: 3000/min}
auto:
  level: block
  ttl: 90s
  max_ttl: 7d
  budget: {usual_share: 0.25%, blocks_per_minute: 10}
  services: {shop.example.com: {level: throttle}}
playbooks: {scan: [{do: block}, {do: scale_up, after: 30s, when: {excess_share: 50%}}]}
elasticsearch: {urls: ["https://${HOST}:9200"]}
actions:
  jenkins: {url: "https://jenkins.example.com/", user: levee, token_file: token}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	yes := true
	want.File, want.SecretFiles = "/etc/levee/levee.yaml", []string{"/etc/levee/token"}
	want.Sources = []Source{
		{File: "/var/log/nginx/*.log", Service: "shop.example.com", Format: "auto", Line: 3},
		{Name: "edge", Syslog: "udp://127.0.0.1:5514", MayAct: &yes, Format: "auto", Line: 5},
	}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("173.245.48.0/20"), netip.MustParsePrefix("2001:db8::1/128")}
	want.Allow = []Allow{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Line: 8}, {ASN: 15169, Line: 9}, {Crawlers: true, Line: 10}}
	want.Detect = Detect{MaxMemory: 64 << 20, SourceRate: 50}
	want.Auto.Level, want.Auto.TTL, want.Auto.MaxTTL = "block", 90*time.Second, 7*24*time.Hour
	want.Auto.Budget.UsualShare, want.Auto.Budget.BlocksPerMinute = 0.0025, 10
	want.Auto.Services = map[string]AutoService{"shop.example.com": {Level: "throttle"}}
	want.Playbooks = map[detect.Attack][]Step{"scan": {{Do: "block", Line: 18}, {Do: "scale_up", After: 30 * time.Second, When: When{ExcessShare: 0.5}, Line: 18}}}
	want.Elasticsearch.URLs = []URL{"https://es.example.com:9200"}
	want.Actions.Jenkins = Jenkins{URL: "https://jenkins.example.com/", User: "levee", Token: NewSecret("s3cret")}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{}), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("read differs (-want +got):\n%s", diff)
	}
}

func TestEveryErrorAtOnce(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "sourcse: []", `1: unknown key "sourcse"; did you mean "sources"?`},
		{"unknown key far from any", "metrics: {qqqqqqq: 1}", `1: unknown key "qqqqqqq"; known here: listen`},
		{"unknown nested key", "auto:\n  budget:\n    block_per_minute: 5", `3: unknown key "block_per_minute"; did you mean "blocks_per_minute"?`},
		{"duplicate key", "allow: []\nallow: []\nallow: []", "2: \"allow\" stands here twice, first in line 1; keep one of the two\n" +
			"3: \"allow\" stands here twice, first in line 1; keep one of the two"},
		{"tabs", "auto:\n\tlevel: block", "2: found character '\t' that cannot start any token; indent it with blanks, not with tabs"},
		{"environment in braces", "sources: [{file: ${HOME}/access.log}]", `1: ',' or '}' must be specified; inside { } and [ ] a value with ${NAME} needs quotes`},
		{"pattern of hosts", "auto: {services: {\"*.example.com\": {level: block}}}", `1: "*.example.com" is not a host; write the host alone in lower case, for instance shop.example.com`},
		{"duration without unit", "auto: {ttl: 90}", `1: ttl: "90" has no unit; write 90s, or another of ms, m, h, d`},
		{"no duration", "auto: {ttl: soon}", `1: ttl: "soon" is not a duration; write for instance 90s, 10m, 24h or 7d`},
		{"negative duration", "auto: {ttl: -3s}", `1: ttl: the duration -3s is negative; give a positive one`},
		{"ttl too short", "auto:\n  ttl: 2s", `2: ttl 2s is too short: a block would end before its effect shows; give 10s or more, for instance 10m`},
		{"no ttl", "auto: {ttl: 0s}", `1: ttl: every block ends; 0s would end it at once; give for instance 10m`},
		{"ttl past max", "auto: {ttl: 48h}", `1: max_ttl 24h0m0s is shorter than ttl 48h0m0s; raise max_ttl or lower ttl`},
		{"size", "detect: {max_memory: 128}", `1: max_memory: "128" is not a size; write a whole number and a unit, for instance 128MiB`},
		{"size too large", "detect: {max_memory: 9999999999999GiB}", `1: max_memory: "9999999999999GiB" is not a size; write a whole number and a unit, for instance 128MiB`},
		{"share without unit", "auto: {budget: {usual_share: 0.5}}", `1: usual_share: "0.5" has no unit; write a percentage, for instance 0.5%`},
		{"share too large", "auto: {budget: {usual_share: 500%}}", `1: usual_share: "500%" is no part of a whole; give 0% to 100%`},
		{"rate without unit", "detect: {source_rate: 50}", `1: source_rate: "50" has no unit; write 50/s`},
		{"rate per fortnight", "detect: {source_rate: 50/w}", `1: source_rate: "50/w" is not a rate; write a positive number and /s, /min or /h, for instance 50/s`},
		{"bad prefix", "trusted_proxies: [10.0.0.300]", `1: trusted_proxies: "10.0.0.300" is not an address or prefix; write for instance 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32`},
		{"bits past the mask", "allow: [192.0.2.7/24]", `1: allow: "192.0.2.7/24" has bits set past its /24; write 192.0.2.0/24 or 192.0.2.7`},
		{"allow of a word", "allow: [friends]", `1: allow: "friends" cannot be allowed; write an address, a prefix, "asn:NUMBER" or verified-crawlers`},
		{"allow of asn zero", `allow: ["asn:0"]`, `1: allow: "asn:0" is not an autonomous system; write for instance asn:15169`},
		{"level", "auto: {level: blok}", `1: level: "blok" is not one of observe, suggest, throttle, block; did you mean "block"?`},
		{"boolean", "actions: {dry_run: yes}", `1: dry_run: "yes" is neither true nor false; write true or false`},
		{"number", "auto: {budget: {active_blocks: many}}", `1: active_blocks: "many" is not a whole number; write for instance 6000`},
		{"list where a value belongs", "auto: {level: [a]}", `1: level holds a list where one value belongs; write level: value`},
		{"value where a list belongs", "allow: 192.0.2.1", `1: allow holds one value where a list belongs; write […], or one item a line after a dash`},
		{"value where keys belong", "auto: block", `1: auto holds one value where keys with values belong; write for instance key: value`},
		{"the file is a list", "- a", `1: the file holds a list where keys with values belong; write for instance key: value`},
		{"source from nowhere", "sources:\n  - service: a.example.com", `2: the source says not where to read from; give file, syslog, beats or elasticsearch`},
		{"source from two places", "sources:\n  - file: a\n    beats: :5044", `3: the source reads from file and beats; make them sources of their own`},
		{"source twice", "sources:\n  - file: a\n  - file: a", `3: the source "a" stands here twice, first in line 2; keep one, or give them names`},
		{"syslog", "sources: [{syslog: 127.0.0.1:514}]", `1: syslog: "127.0.0.1:514" is not a syslog listener; write udp://, tcp:// or tls:// and host:port, for instance udp://127.0.0.1:5514`},
		{"tls without certificate", `sources: [{syslog: "tls://:6514"}]`, `1: a tls:// source has no certificate; give tls: {cert: FILE, key: FILE}`},
		{"elasticsearch source alone", "sources: [{elasticsearch: filebeat-*}]", `1: the source reads Elasticsearch and no cluster is given; give elasticsearch: {urls: [https://…]}`},
		{"attack name", "playbooks: {ddos: [{do: block}]}", `1: no attack is named "ddos"; known here: cache_busting, distributed_flood, flash_crowd, login_abuse, prefix_flood, protocol_abuse, pulse_flood, retry_storm, scan, scraping, single_source_flood, slow_requests, unclear`},
		{"playbook verb", "playbooks: {scan: [{do: blok}]}", `1: do: "blok" is not one of block, throttle, harden, scale_up, scale_down, notify; did you mean "block"?`},
		{"step without verb", "playbooks:\n  scan:\n    - after: 3s", `3: the step says not what to do; give do: block, throttle, harden, scale_up, scale_down, notify`},
		{"deny list path", "actions: {denylist: [{path: deny.conf}]}", `1: path: "deny.conf" is relative; give an absolute path`},
		{"test alone", "actions: {denylist: [{path: /deny.conf, test: [nginx, -t]}]}", `1: test without reload never runs; give reload too, for instance [nginx, -s, reload]`},
		{"jenkins without token", `actions: {jenkins: {url: "http://j.example.com", user: levee}}`, `1: Jenkins needs user and token together; give both, or neither for a controller that asks for none`},
		{"password in a URL", `actions: {webhook: [{url: "https://a:b@w.example.com/"}]}`, `1: url: the URL for w.example.com holds a password; take it out and use the key for it, or its _file twin`},
		{"job for no act", `actions: {jenkins: {url: "http://j.example.com", jobs: {blocks: {job: a}}}}`, `1: no act is named "blocks"; did you mean "block"?`},
		{"parameter", `actions: {jenkins: {url: "http://j.example.com", jobs: {block: {job: a, parameters: {ADD: "{{addde}}"}}}}}`, `1: ADD: nothing is known as {{addde}}; did you mean "added"?`},
		{"open parameter", `actions: {jenkins: {url: "http://j.example.com", jobs: {block: {job: a, parameters: {ADD: "{{added"}}}}}`, `1: ADD: "{{added" opens {{ and never closes it; write {{id}}, for instance`},
		{"secret file missing", "actions:\n  webhook:\n    - url: https://w.example.com/\n      secret_file: /nowhere", `4: secret_file: /nowhere cannot be read: no such file or directory; create it, readable for the user levee runs as`},
		{"secret file empty", "notify: [{url_file: blank}]", `1: url_file: /etc/levee/blank is empty; write the secret into it`},
		{"secret and its file", "notify:\n  - url: slack://a\n    url_file: slack", "3: url and url_file are both given; keep one of the two"},
		{"a file's twin for no secret", "ssh: {listen_file: a}", `1: unknown key "listen_file"; did you mean "listen"? Only secrets have a _file twin`},
		{"heartbeat without url", "heartbeat: {every: 1m}", `1: the heartbeat has no url; give url or url_file`},
		{"heartbeat to no web address", "heartbeat: {url: \"mailto:hunter2@example.com\"}", `1: url: the value is no http or https URL; write the address that the watching service gave you, for instance https://hc-ping.example.com/TOKEN`},
		{"heartbeat too fast", "heartbeat: {url: \"https://hc-ping.example.com/x\", every: 1s}", `1: every 1s is out of range; give 5s to 1h, for instance 1m`},
		{"notify without scheme", "notify: [{url: hello}]", `1: url: the value is no URL with a scheme; write for instance smtp://127.0.0.1:25/?from=a@example.com&to=b@example.com`},
		{"environment", "notify: [{url: \"${NOPE}\"}]", `1: url: the environment has no NOPE; set it for levee, or write the value`},
		{"environment without a name", "notify: [{url: \"${a-b}\"}]", `1: url: "${a-b}" holds ${ without a variable's name; write ${NAME}, or $${ for the two characters themselves`},
		{"listen", "metrics: {listen: 9177}", `1: listen: "9177" is not an address to listen on; write for instance 127.0.0.1:9177 or ":2222"`},
		{"key", "ssh: {listen: \":2222\", users: [{name: ana, role: operator, keys: [ssh-rsa nonsense]}]}", `1: keys: "ssh-rsa nonsense" is not a public key; write one line of a .pub file, for instance ssh-ed25519 AAAA…`},
		{"role", "ssh: {listen: \":2222\", users: [{name: ana, role: root, keys: []}]}", `1: role: "root" is not one of viewer, operator, admin; write one of these`},
		{"user twice", "ssh:\n  listen: \":2222\"\n  users:\n    - {name: ana, keys: []}\n    - {name: ana, keys: []}", `5: the user "ana" stands here twice, first in line 4; give every key of a person to one user`},
		{"anchor", "allow: &a [192.0.2.1]", `1: allow: anchors, aliases and tags are not read here; write the value out`},
		{"host", "auto: {services: {\"https://Shop\": {level: block}}}", `1: "https://Shop" is not a host; write the host alone in lower case, for instance shop.example.com`},
		{"second document", "allow: []\n---\nallow: []", `3: a second YAML document begins here; keep everything in the first; drop the line ---`},
		{"control character", `sources: [{file: "a\u0007b"}]`, `1: file: "a\ab" holds a control character; take it out`},
		{"control character in a file's name", `notify: [{url_file: "a\nb"}]`, `1: url_file: "a\nb" holds a control character; take it out`},
		{"several", "auto:\n  ttl: 5\n  levl: block\nallow: [x]", "2: ttl: \"5\" has no unit; write 5s, or another of ms, m, h, d\n" +
			"3: unknown key \"levl\"; did you mean \"level\"?\n" +
			"4: allow: \"x\" cannot be allowed; write an address, a prefix, \"asn:NUMBER\" or verified-crawlers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), "/etc/levee/levee.yaml:", "")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSyntaxErrorsNameTheirLine(t *testing.T) {
	for _, text := range []string{"auto:\n\tlevel: block", "allow: [192.0.2.1", "a: b: c", "auto: {level: block"} {
		_, err := read(text)
		var e Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if e.Line == 0 || e.Mend == "" || strings.Contains(e.Error(), "\n") {
			t.Errorf("%q: %q", text, e.Error())
		}
	}
}

func TestNothingIsRequired(t *testing.T) {
	for _, text := range []string{"", "\n# only a comment\n", "---\n", "auto:\nsources:\n", "{}"} {
		got, err := read(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		want := Default()
		want.File = "/etc/levee/levee.yaml"
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestFilesOfOtherEditors(t *testing.T) {
	for _, text := range []string{
		"\ufeffauto:\n  level: block\n",
		"auto:\r\n  level: block\r\n",
		"auto: {level: \"block\"}",
		"{\"auto\": {\"level\": \"block\"}}",
		"auto:\n  level: block", // no newline at the end
	} {
		if c, err := read(text); err != nil || c.Auto.Level != "block" {
			t.Errorf("%q: level %q, %v", text, c.Auto.Level, err)
		}
	}
}

// TestTextThatNests holds that the parser, which recurses, is not asked to go
// to the bottom of a file made to overflow its stack.
func TestTextThatNests(t *testing.T) {
	for _, piece := range []string{"[", "{a: ", "- ", "? ", "a: "} {
		_, err := read(strings.Repeat(piece, 200_000))
		if err == nil {
			t.Errorf("%q repeated loads", piece)
		}
	}
}

func TestHowDeepAFileNests(t *testing.T) {
	var people []string
	for i := range 200 {
		people = append(people, fmt.Sprintf("{name: u%d, role: viewer, keys: []}", i))
	}
	for name, c := range map[string]struct {
		text string
		want string // part of the error, "" none
	}{
		"many on one line":     {"ssh: {users: [" + strings.Join(people, ", ") + "]}", ""},
		"brackets":             {"sources: " + strings.Repeat("[", 70), "nested deeper"},
		"indicators":           {strings.Repeat("- ", 200) + "a", "nested deeper"},
		"indicators in a flow": {"sources: [a, " + strings.Repeat("? ", 200) + "a]", "nested deeper"},
	} {
		_, err := Parse("levee.yaml", []byte(c.text))
		if got := fmt.Sprint(err); c.want != "" && !strings.Contains(got, c.want) || c.want == "" && strings.Contains(got, "nested deeper") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

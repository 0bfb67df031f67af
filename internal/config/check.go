package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"levee/detect"
)

// checked is a part of the Config whose values must fit each other.
type checked interface{ check(at *place) }

// place is where a part stands in the file.
type place struct {
	d    *decoder
	line int
	keys map[string]int // line of each key given
}

// fail reports something wrong with the value under key, or with the part as a
// whole when the key was not given.
func (p *place) fail(key, what, mend string) {
	line := p.line
	if l := p.keys[key]; l > 0 {
		line = l
	}
	p.d.fail(line, what, mend)
}

func (p *place) lineOf(key string) int {
	if l := p.keys[key]; l > 0 {
		return l
	}
	return p.line
}

func (p *place) given(key string) bool { return p.keys[key] > 0 }

func (s *Source) check(at *place) {
	var kinds []string
	for _, k := range []string{"file", "syslog", "beats", "elasticsearch"} {
		if at.given(k) {
			kinds = append(kinds, k)
		}
	}
	switch len(kinds) {
	case 0:
		at.fail("", "the source says not where to read from", "give file, syslog, beats or elasticsearch")
	case 1:
	default:
		at.fail(kinds[1], "the source reads from "+strings.Join(kinds, " and "), "make them sources of their own")
	}
	if s.Format == "" {
		s.Format = "auto"
	}
	if s.File != "" {
		if _, err := filepath.Match(s.File, ""); err != nil {
			at.fail("file", "file: "+quote(s.File)+" is no pattern", `close its brackets, or write \[ for the character`)
		}
	}
	listens := s.Beats != "" || strings.HasPrefix(string(s.Syslog), "tls://")
	switch {
	case at.given("tls") && !listens:
		at.fail("tls", "tls is only for beats and syslog tls:// sources", "take it out")
	case strings.HasPrefix(string(s.Syslog), "tls://") && !at.given("tls"):
		at.fail("syslog", "a tls:// source has no certificate", "give tls: {cert: FILE, key: FILE}")
	case at.given("tls") && (s.TLS.Cert == "" || s.TLS.Key == ""):
		at.fail("tls", "tls needs cert and key", "give tls: {cert: FILE, key: FILE}")
	}
}

// shortestTTL is the least auto.ttl: rates are over 10 s, so before that
// nobody could tell whether a block was needed again.
const shortestTTL = 10 * time.Second

func (a *Auto) check(at *place) {
	switch {
	case a.TTL == 0:
		at.fail("ttl", "ttl: every block ends; 0s would end it at once", "give for instance 10m")
	case a.TTL < shortestTTL:
		at.fail("ttl", fmt.Sprintf("ttl %s is too short: a block would end before its effect shows", a.TTL), fmt.Sprintf("give %s or more, for instance 10m", shortestTTL))
	}
	if a.MaxTTL < a.TTL {
		at.fail("max_ttl", fmt.Sprintf("max_ttl %s is shorter than ttl %s", a.MaxTTL, a.TTL), "raise max_ttl or lower ttl")
	}
}

func (s *Step) check(at *place) {
	if !at.given("do") {
		at.fail("", "the step says not what to do", "give do: "+strings.Join(verbs, ", "))
	}
}

func (e *Elasticsearch) check(at *place) {
	if e.APIKey.Set() && (e.User != "" || e.Password.Set()) {
		at.fail("user", "elasticsearch has api_key and user or password", "keep one way to sign in")
	} else if (e.User == "") != !e.Password.Set() {
		at.fail("user", "elasticsearch needs user and password together", "give both, or api_key")
	}
	if e.Spool < 16<<20 {
		at.fail("spool", "the spool is too small to bridge an outage", "give 16MiB or more, for instance 512MiB")
	}
	if e.Timeout < time.Second || e.Timeout > time.Minute {
		at.fail("timeout", fmt.Sprintf("timeout %s is out of range", e.Timeout), "give 1s to 1m, for instance 15s")
	}
}

func (f *Fleet) check(at *place) {
	if f.Window < 10*time.Second || f.Window > time.Hour {
		at.fail("window", fmt.Sprintf("window %s is out of range", f.Window), "give 10s to 1h, for instance 5m")
	}
	if f.Every < time.Second {
		at.fail("every", fmt.Sprintf("every %s would burden the cluster", f.Every), "give 1s or more, for instance 5s")
	}
}

func (p *Peers) check(at *place) {
	if !p.Key.Set() {
		at.fail("", "the fleet has no key", "give key_file, made with: openssl rand -hex 32, the same on every host")
	}
	if p.Name == "" {
		at.fail("name", "the fleet's name is empty", "give one, or leave the key out")
	}
	if p.Canary < 0 || p.Canary > 10*time.Minute {
		at.fail("canary", fmt.Sprintf("canary %s is out of range", p.Canary), "give 0s to 10m, for instance 15s")
	}
}

func (u *User) check(at *place) {
	if u.Name == "" {
		at.fail("name", "the user has no name", "give name")
	}
	if len(u.Keys) == 0 && !at.given("keys") {
		at.fail("", "the user "+quote(u.Name)+" has no keys and could never sign in", `give keys: ["ssh-ed25519 AAAA…"]`)
	}
	if u.Role == "" {
		u.Role = "viewer"
	}
}

func (s *SSH) check(at *place) {
	seen := make(map[string]int)
	for _, u := range s.Users {
		if before, ok := seen[u.Name]; ok && u.Name != "" {
			at.d.fail(u.Line, fmt.Sprintf("the user %s stands here twice, first in line %d", quote(u.Name), before), "give every key of a person to one user")
		}
		seen[u.Name] = u.Line
	}
	if len(s.Users) > 0 && s.Listen == "" && !at.given("listen") {
		at.fail("users", "ssh has users and does not listen", `give listen: ":2222"`)
	}
}

// whole checks what concerns several parts of the file.
func (d *decoder) whole(c *Config) {
	if c.Fleet.Key.Set() && len(c.Elasticsearch.URLs) == 0 {
		d.fail(1, "fleet is given and no cluster to meet in", "give elasticsearch: {urls: [https://…]}")
	}
	names := make(map[string]int)
	for _, s := range c.Sources {
		if s.Elasticsearch != "" && len(c.Elasticsearch.URLs) == 0 {
			d.fail(s.Line, "the source reads Elasticsearch and no cluster is given", "give elasticsearch: {urls: [https://…]}")
		}
		if before, ok := names[s.Label()]; ok && s.Label() != "" {
			d.fail(s.Line, fmt.Sprintf("the source %s stands here twice, first in line %d", quote(s.Label()), before), "keep one, or give them names")
		}
		names[s.Label()] = s.Line
	}
}

// checkKey reports whether a map of type t may have the key.
func checkKey(t reflect.Type, key string) error {
	switch t {
	case reflect.TypeFor[map[detect.Attack][]Step]():
		if !slices.Contains(detect.Attacks, detect.Attack(key)) {
			var names []string
			for _, a := range detect.Attacks {
				names = append(names, string(a))
			}
			return wrong(suggest(key, names), "no attack is named %s", quote(key))
		}
	case reflect.TypeFor[map[string]Job]():
		if jobs := append([]string{"unblock"}, verbs...); !slices.Contains(jobs, key) {
			return wrong(suggest(key, jobs), "no act is named %s", quote(key))
		}
	case reflect.TypeFor[map[string]AutoService]():
		if strings.ToLower(key) != key || strings.ContainsAny(key, "*/: \t") {
			return wrong("write the host alone in lower case, for instance shop.example.com", "%s is not a host", quote(key))
		}
	}
	return nil
}

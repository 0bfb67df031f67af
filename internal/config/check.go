package config

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

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

func (a *Auto) check(at *place) {
	if a.TTL == 0 {
		at.fail("ttl", "ttl: every block ends; 0s would end it at once", "give for instance 10m")
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

func (l *Denylist) check(at *place) {
	switch {
	case !at.given("path"):
		at.fail("", "the deny list has no path", "give path: the file that the server includes")
	case l.Path != "" && !filepath.IsAbs(l.Path):
		at.fail("path", "path: "+quote(l.Path)+" is relative", "give an absolute path")
	}
	if l.Style == "" {
		l.Style = "nginx"
	}
	if l.Socket != "" && !strings.HasPrefix(string(l.Style), "haproxy") {
		at.fail("socket", "socket: style "+string(l.Style)+" has no runtime socket", "take it out, or use style haproxy or haproxy-map")
	}
	if len(l.Test) > 0 && len(l.Reload) == 0 {
		at.fail("test", "test without reload never runs", "give reload too, for instance [nginx, -s, reload]")
	}
}

func (j *Jenkins) check(at *place) {
	switch {
	case at.given("url") && (j.User == "") != !j.Token.Set():
		at.fail("url", "Jenkins needs user and token together", "give both, or neither for a controller that asks for none")
	case !at.given("url") && len(at.keys) > 0:
		at.fail("", "jenkins has no url", "give url: https://jenkins.example.com/")
	}
}

func (j *Job) check(at *place) {
	if !at.given("job") {
		at.fail("", "the job has no name", "give job: folder/name")
	}
	for _, name := range slices.Sorted(maps.Keys(j.Parameters)) {
		if err := checkTemplate(j.Parameters[name]); err != nil {
			at.d.refuse(at.lineOf("parameters"), name, err)
		}
	}
}

func (p *place) lineOf(key string) int {
	if l := p.keys[key]; l > 0 {
		return l
	}
	return p.line
}

// placeholders are what a job's parameters can be filled with.
var placeholders = []string{"added", "removed", "ttl_s", "id", "verb", "service", "attack", "incident", "signature"}

func checkTemplate(text string) error {
	for {
		_, after, ok := strings.Cut(text, "{{")
		if !ok {
			return nil
		}
		name, rest, ok := strings.Cut(after, "}}")
		if !ok {
			return wrong("write {{id}}, for instance", "%s opens {{ and never closes it", quote(text))
		}
		if name = strings.TrimSpace(name); !slices.Contains(placeholders, name) {
			return wrong(suggest(name, placeholders), "nothing is known as {{%s}}", name)
		}
		text = rest
	}
}

func (w *Webhook) check(at *place) {
	if !at.given("url") {
		at.fail("", "the webhook has no url", "give url: https://…")
	}
}

func (n *Notify) check(at *place) {
	if !n.URL.Set() {
		if !at.given("url") && !at.given("url_file") {
			at.fail("", "the notification has no url", "give url or url_file")
		}
		return
	}
	// The URL is a secret: the message must not quote it.
	if u, err := url.Parse(n.URL.Reveal()); err != nil || u.Scheme == "" {
		at.d.fail(max(at.keys["url"], at.keys["url_file"]), "url: the value is no URL with a scheme", "write for instance smtp://127.0.0.1:25/?from=a@example.com&to=b@example.com")
	}
}

func (e *Elasticsearch) check(at *place) {
	if e.APIKey.Set() && (e.User != "" || e.Password.Set()) {
		at.fail("user", "elasticsearch has api_key and user or password", "keep one way to sign in")
	} else if (e.User == "") != !e.Password.Set() {
		at.fail("user", "elasticsearch needs user and password together", "give both, or api_key")
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
		if strings.ToLower(key) != key || strings.ContainsAny(key, "/: \t") {
			return wrong("write the host alone in lower case, for instance shop.example.com", "%s is not a host", quote(key))
		}
	}
	return nil
}

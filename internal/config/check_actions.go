package config

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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

func (h *Heartbeat) check(at *place) {
	if !h.URL.Set() {
		if !at.given("url") && !at.given("url_file") {
			at.fail("", "the heartbeat has no url", "give url or url_file")
		}
		return
	}
	// The URL is a secret: the message must not quote it.
	if u, err := url.Parse(h.URL.Reveal()); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		at.d.fail(max(at.keys["url"], at.keys["url_file"]), "url: the value is no http or https URL", "write the address that the watching service gave you, for instance https://hc-ping.example.com/TOKEN")
	}
	if h.Every < 5*time.Second || h.Every > time.Hour {
		at.fail("every", fmt.Sprintf("every %s is out of range", h.Every), "give 5s to 1h, for instance 1m")
	}
}

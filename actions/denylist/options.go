package denylist

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Style says what kind of file a List writes, and which decisions it takes.
type Style string

// Styles.
const (
	// Nginx writes "deny ADDRESS;" lines: blocks of prefixes. nginx tries them
	// one after the other for each request: good for some thousand.
	Nginx Style = "nginx"
	// NginxGeo writes "PREFIX block;" and "PREFIX throttle;" lines for a geo
	// block, a radix tree: blocks and throttles of prefixes, 100,000 and more.
	NginxGeo Style = "nginx-geo"
	// NginxMap writes regular expressions for a map block: blocks, throttles
	// and hardening by signature.
	NginxMap Style = "nginx-map"
	// Plain writes one prefix a line for other programs; # starts a comment.
	Plain Style = "plain"
	// HAProxy writes "PREFIX block" and "PREFIX throttle" lines for map_ip and
	// keeps a running HAProxy in step through its socket.
	HAProxy Style = "haproxy"
	// HAProxyMap writes "REGEX CLASS:ID" lines for map_reg, likewise.
	HAProxyMap Style = "haproxy-map"
)

// Options describes one file. Path is required; the zero value of everything
// else is the default written beside it.
type Options struct {
	Name   string        // what receipts call it; default "denylist"
	Path   string        // absolute path of the file
	Style  Style         // default Nginx
	Test   []string      // argument vector run before each reload, no shell; default none
	Reload []string      // argument vector that makes the server read the file, no shell; default none
	Socket string        // HAProxy styles: path of the runtime socket; default none, then Reload must do
	Every  time.Duration // least time between two replacements; default 1s
	Limit  time.Duration // how long one command or socket exchange may take; default 10s

	// Now is the clock; default time.Now.
	Now func() time.Time
}

// maxSignatures bounds a map of regular expressions: servers try them one
// after the other for each request.
const maxSignatures = 256

func (o *Options) complete() error {
	if o.Path == "" {
		return errors.New("deny list: no path; give the file that the server includes")
	}
	if !filepath.IsAbs(o.Path) {
		return fmt.Errorf("deny list %s: the path is relative; give an absolute one", o.Path)
	}
	o.Path = filepath.Clean(o.Path)
	if o.Style == "" {
		o.Style = Nginx
	}
	switch o.Style {
	case Nginx, NginxGeo, NginxMap, Plain:
		if o.Socket != "" {
			return fmt.Errorf("deny list %s: style %s has no runtime socket; only haproxy and haproxy-map have", o.Path, o.Style)
		}
	case HAProxy, HAProxyMap:
	default:
		return fmt.Errorf("deny list %s: unknown style %q; use nginx, nginx-geo, nginx-map, plain, haproxy or haproxy-map", o.Path, o.Style)
	}
	if o.Name == "" {
		o.Name = "denylist"
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Limit <= 0 {
		o.Limit = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

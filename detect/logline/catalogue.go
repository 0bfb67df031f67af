package logline

import "strings"

// Format describes a format that can be asked for by name.
type Format struct {
	Name string // as --format and levee.yaml take it
	Text string // one line for people
}

// entry is a format with its reader.
type entry struct {
	reader
	names string // separated by blanks, the main one first
	text  string
	wraps bool // reads other formats inside, or lines that are no requests
}

// name is the main name.
func (e *entry) name() string {
	n, _, _ := strings.Cut(e.names, " ")
	return n
}

// is reports whether the format is called so.
func (e *entry) is(name string) bool {
	for _, n := range strings.Fields(e.names) {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// catalogue lists the formats in the order in which they are tried. Readers
// keep state between lines, so each Parser has its own. fields are meanings of
// JSON keys and of HAProxy's captures that the user gave.
func catalogue(fields map[string]field) []entry {
	js := &jsonLog{}
	if len(fields) > 0 {
		js.keys = newKeys(fields)
	}
	return []entry{
		{clf{}, "combined common vhost vhost_combined nginx apache traefik", "nginx, Apache and Traefik: combined, common and virtual host variants", false},
		{js, "json nginx_json ecs caddy traefik_json envoy_json cloudflare logstash google azure", "one JSON object a line: nginx, ECS (Filebeat, Logstash), Caddy, Traefik, Envoy, Kong, Cloudflare Logpush, Google Cloud, Azure, mapped keys", false},
		{&w3c{}, "w3c iis", "W3C extended format with a #Fields line (IIS and others)", false},
		{cloudfront{}, "cloudfront", "Amazon CloudFront standard log", false},
		{elb{}, "alb elb", "AWS application and classic load balancers", false},
		{s3{}, "s3", "Amazon S3 server access log", false},
		{newHAProxy(fields), "haproxy", "HAProxy HTTP log", false},
		{envoy{}, "envoy istio", "Envoy and Istio default text log", false},
		{npm{}, "npm nginx_proxy_manager", "nginx proxy manager", false},
		{timeFirst{}, "time_first", "nginx and Apache variants that begin with the time (ssl_request_log)", false},
		{errorLog{}, "error", "nginx and Apache error logs: read past", true},
		{&envelope{}, "syslog", "any of these behind a syslog, journal or container header", true},
	}
}

// Formats lists every format that can be asked for by name.
func Formats() []Format {
	var fs []Format
	for _, e := range catalogue(nil) {
		fs = append(fs, Format{e.name(), e.text})
	}
	return fs
}

// names joins the names of all formats for an error message.
func names() string {
	var ns []string
	for _, f := range Formats() {
		ns = append(ns, f.Name)
	}
	return strings.Join(ns, ", ")
}

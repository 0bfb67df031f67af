package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"levee/internal/config"
)

// Answers is what `levee init` asks.
type Answers struct {
	Logs      []string // files or globs
	Service   string
	Level     string // of auto mode; "" is suggest
	Nft       bool
	User, Key string // who may sign in; "" nobody
}

// places are where servers write their access logs.
var places = []string{
	"/var/log/nginx/*access.log", "/var/log/apache2/*access.log", "/var/log/httpd/*access_log",
	"/var/log/caddy/*.log", "/var/log/haproxy.log",
}

// FindLogs returns the patterns of places that match something here. glob is
// filepath.Glob.
func FindLogs(glob func(string) ([]string, error)) []string {
	var found []string
	for _, p := range places {
		if files, err := glob(p); err == nil && len(files) > 0 {
			found = append(found, p)
		}
	}
	return found
}

// YAML is the levee.yaml that the answers make.
func (a Answers) YAML() string {
	var b strings.Builder
	line := func(format string, x ...any) { fmt.Fprintf(&b, format+"\n", x...) }
	line("# levee.yaml: every key is shown in docs/levee.yaml; levee doctor looks it over.")
	line("")
	line("# Where requests come from. Formats are recognised.")
	if len(a.Logs) == 0 {
		line("# No log was found here; name yours, or give files to levee serve.")
		line("#sources:")
		line("#  - file: /var/log/nginx/access.log")
	} else {
		line("sources:")
	}
	for _, l := range a.Logs {
		line("  - file: %s", quoted(l))
		if a.Service != "" {
			line("    service: %s", quoted(a.Service))
		}
	}
	line("")
	line("# Proxies in front of your servers: the client is then who they say it is.")
	line("#trusted_proxies: [192.0.2.0/24]")
	line("")
	line("# Never acted against: your offices, partners, verified search engines.")
	line("allow: [verified-crawlers]")
	line("")
	line("# How far levee may go by itself: observe, suggest, throttle, block. Begin with")
	line("# suggest, read what it would have done, then raise it.")
	line("auto:")
	line("  level: %s", quoted(cmp.Or(a.Level, "suggest")))
	line("")
	if a.Nft {
		line("# Blocks in the packet filter of this host; needs CAP_NET_ADMIN, see docs/operations.md.")
		line("actions:")
		line("  nft: {enabled: true}")
	} else {
		line("# What carries blocks out: nft, denylist, jenkins, webhook.")
		line("#actions:")
		line("#  nft: {enabled: true}")
	}
	line("")
	if a.User != "" && a.Key != "" {
		line("# The console for others: ssh -p 2222 %s@HOST", a.User)
		line("ssh:")
		line(`  listen: ":2222"`)
		line("  users:")
		line("    - {name: %s, role: admin, keys: [%s]}", quoted(a.User), quoted(a.Key))
	} else {
		line("# The console for others: ssh -p 2222 ana@HOST. Roles: viewer, operator, admin.")
		line("#ssh:")
		line(`#  listen: ":2222"`)
		line("#  users:")
		line(`#    - {name: ana, role: admin, keys: ["ssh-ed25519 AAAA…"]}`)
	}
	line("")
	line("# Prometheus and health checks.")
	line("#metrics: {listen: 127.0.0.1:9177}")
	return b.String()
}

// Check reports what is wrong with the answers: levee would not read its own
// file.
func (a Answers) Check() error {
	if _, err := config.Parse("levee.yaml", []byte(a.YAML())); err != nil {
		return Usagef("init: nothing was written: %w", err)
	}
	return nil
}

// quoted makes any answer one YAML scalar: JSON's strings are YAML's too.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""` // strings always marshal
	}
	return string(text)
}

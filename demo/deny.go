package demo

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
)

// DenyList is what an nginx worker knows of an include file of deny rules. It
// reads the file when told to and keeps what it knew when that fails, as nginx
// keeps its configuration when a reload fails. Its methods may be called from
// several goroutines.
type DenyList struct {
	path  string
	rules atomic.Pointer[denyRules]
}

type denyRules struct {
	addrs    map[netip.Addr]struct{}
	prefixes []netip.Prefix
	file     os.FileInfo // as it was read; nil: never
}

// OpenDenyList reads the deny rules in path. A missing file denies nothing.
func OpenDenyList(path string) *DenyList {
	l := &DenyList{path: path}
	l.rules.Store(&denyRules{})
	l.Reload()
	return l
}

// Denied reports whether addr is refused.
func (l *DenyList) Denied(addr netip.Addr) bool {
	r := l.rules.Load()
	if _, ok := r.addrs[addr]; ok {
		return true
	}
	for _, p := range r.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Reload reads the file again if it was replaced or changed since the last read
// and reports whether it was read.
func (l *DenyList) Reload() bool {
	old := l.rules.Load()
	info, err := os.Stat(l.path)
	if err != nil || old.file != nil && os.SameFile(info, old.file) &&
		info.ModTime().Equal(old.file.ModTime()) && info.Size() == old.file.Size() {
		return false
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		return false
	}
	r := parseDeny(text)
	r.file = info
	l.rules.Store(r)
	return true
}

// parseDeny understands the two kinds of nginx include a deny list is written
// as: "deny ADDRESS;", "deny CIDR;" and "deny all;", or the "CIDR block;" lines
// of a geo block. Comments and lines it does not know deny nothing.
func parseDeny(text []byte) *denyRules {
	r := &denyRules{addrs: make(map[netip.Addr]struct{})}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		rule, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(rule), ";"))
		if len(words) != 2 || !strings.HasSuffix(strings.TrimSpace(rule), ";") {
			continue
		}
		var what string
		switch {
		case words[0] == "deny":
			what = words[1]
		case words[1] == "block":
			what = words[0]
		default:
			continue
		}
		if what == "all" {
			r.prefixes = append(r.prefixes, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
		} else if a, err := netip.ParseAddr(what); err == nil {
			r.addrs[a.Unmap()] = struct{}{}
		} else if p, err := netip.ParsePrefix(what); err == nil {
			p = p.Masked()
			if p.IsSingleIP() {
				r.addrs[p.Addr()] = struct{}{}
			} else {
				r.prefixes = append(r.prefixes, p)
			}
		}
	}
	return r
}

package command

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"levee/actions"
)

// A list on standard input holds at most so many bytes and targets.
const (
	mostList    = 16 << 20
	mostTargets = 100_000
)

// readTargets collects what a verb aims at: its arguments and, with file "-",
// a list on standard input. bad counts lines of the list that name nothing.
func readTargets(s Streams, args []string, file string) (ts []actions.Target, bad int, err error) {
	var ps []netip.Prefix
	for _, a := range args {
		p, err := actions.ParsePrefix(a)
		if err != nil {
			return nil, 0, Usagef("%v", err)
		}
		ps = append(ps, p)
	}
	switch file {
	case "":
	case "-":
		b, err := io.ReadAll(io.LimitReader(s.In, mostList+1))
		if err != nil {
			return nil, 0, fmt.Errorf("read the list on standard input: %w", err)
		}
		if len(b) > mostList {
			return nil, 0, Usagef("the list is longer than 16 MiB; give it in parts")
		}
		var listed []netip.Prefix
		listed, bad = ParseList(b)
		ps = append(ps, listed...)
	default:
		return nil, 0, Usagef("-f %s: only -f - is taken here; send the file on standard input", file)
	}
	slices.SortFunc(ps, comparePrefixes)
	ps = slices.Compact(ps)
	switch {
	case len(ps) == 0 && bad > 0:
		return nil, 0, fmt.Errorf("none of %d lines names an address or a prefix; write one a line, such as 192.0.2.7", bad)
	case len(ps) == 0:
		return nil, 0, Usagef("no target; name addresses or prefixes, or give a list with -f -")
	case len(ps) > mostTargets:
		return nil, 0, Usagef("%d targets, at most %d at once; give the list in parts", len(ps), mostTargets)
	}
	for _, p := range ps {
		ts = append(ts, actions.Target{Prefix: p})
	}
	return ts, bad, nil
}

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// ParseList reads a list of addresses and prefixes as other tools export them:
// one or several a line with comments behind # or ;, fail2ban's `banned`,
// `status JAIL` and `get JAIL banip`, CrowdSec's `cscli decisions list` as json, raw or csv. bad
// counts lines that name nothing.
func ParseList(b []byte) (ps []netip.Prefix, bad int) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(b) > 0 && (b[0] == '[' || b[0] == '{') {
		var v any
		if json.Unmarshal(b, &v) == nil {
			collect(v, "", &ps)
			return ps, bad
		}
	}
	if header, rest, ok := bytes.Cut(b, []byte("\n")); ok && bytes.Count(header, []byte(",")) >= 3 {
		if ps, bad, ok := parseTable(header, rest); ok {
			return ps, bad
		}
	}
	if text, ok := jailStatus(b); ok {
		b = text
	}
	for line := range bytes.Lines(b) {
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		before, any := len(ps), false
		for _, w := range bytes.FieldsFunc(line, notInAddress) {
			any = true
			if p, ok := listed(string(w)); ok {
				ps = append(ps, p)
			}
		}
		if len(ps) == before && (any || len(bytes.TrimSpace(line)) > 0) {
			bad++
		}
	}
	return ps, bad
}

// jailStatus finds the addresses in what `fail2ban-client status JAIL` prints
// around them.
func jailStatus(b []byte) ([]byte, bool) {
	if !bytes.HasPrefix(b, []byte("Status for the jail:")) {
		return nil, false
	}
	_, rest, ok := bytes.Cut(b, []byte("Banned IP list:"))
	return rest, ok
}

// notInAddress parts the words of a line: all but what addresses are made of.
func notInAddress(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefABCDEF.:/", r)
}

// listed reads one word of a list. A bare number is none of an address's
// spellings, and "Ip:1.2.3.4" is CrowdSec's.
func listed(w string) (netip.Prefix, bool) {
	if _, v, ok := strings.Cut(w, ":"); ok && strings.Count(w, ":") == 1 {
		w = v
	}
	w = strings.Trim(w, ".")
	if !strings.ContainsAny(w, ".:") {
		return netip.Prefix{}, false
	}
	p, err := actions.ParsePrefix(w)
	return p, err == nil
}

// parseTable reads comma-separated values by their column ip or value.
func parseTable(header, rest []byte) (ps []netip.Prefix, bad int, ok bool) {
	names := strings.Split(strings.TrimSpace(string(header)), ",")
	at := slices.IndexFunc(names, func(n string) bool { return n == "ip" || n == "value" })
	if at < 0 {
		return nil, 0, false
	}
	r := csv.NewReader(bytes.NewReader(rest))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	for {
		row, err := r.Read()
		if err == io.EOF {
			return ps, bad, true
		}
		if err != nil || at >= len(row) {
			bad++
			if err != nil {
				return ps, bad, true // what follows can't be told apart
			}
			continue
		}
		value := row[at]
		if scope, v, ok := strings.Cut(value, ":"); ok && (strings.EqualFold(scope, "ip") || strings.EqualFold(scope, "range")) {
			value = v
		}
		if p, err := actions.ParsePrefix(value); err == nil {
			ps = append(ps, p)
		} else {
			bad++
		}
	}
}

// collect walks decoded JSON for addresses: values of value, ip and range, and
// strings that stand in lists.
func collect(v any, key string, ps *[]netip.Prefix) {
	switch v := v.(type) {
	case map[string]any:
		// CrowdSec's alerts say the source twice; their decisions count.
		if ds, ok := v["decisions"]; ok {
			collect(ds, "decisions", ps)
			return
		}
		for k, x := range v {
			collect(x, k, ps)
		}
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				collect(s, "value", ps)
			} else {
				collect(x, key, ps)
			}
		}
	case string:
		if key == "value" || key == "ip" || key == "range" || key == "source.ip" {
			if p, err := actions.ParsePrefix(v); err == nil {
				*ps = append(*ps, p)
			}
		}
	}
}

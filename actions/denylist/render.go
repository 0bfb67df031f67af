package denylist

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// header is the first line of every file this package writes; a file without
// it belongs to somebody else and is never overwritten.
const header = "# Written by levee: lines added by hand are lost. Each comment says until when, and which decisions want the next line."

// render returns the file for b: a header, then each entry under a comment
// that names its end and its decisions, so that a restart knows both.
func render(style Style, b book) []byte {
	var out bytes.Buffer
	out.Grow(len(header) + 96*len(b))
	out.WriteString(header + "\n")
	written := make(map[netip.Prefix]bool, len(b))
	for _, e := range b.sorted() {
		line := lineOf(style, e)
		if e.prefix.IsValid() && written[e.prefix] {
			line = "" // a geo block takes one line a prefix: the strongest, which came first
		}
		written[e.prefix] = true
		comment(&out, e, line == "")
		if line != "" {
			out.WriteString(line + "\n")
		}
	}
	return out.Bytes()
}

// lineOf returns what the server reads for e. Prefixes are printed from their
// parsed form and patterns are built by pattern.go from bytes that no server
// takes for syntax, so nothing hostile can stand here.
func lineOf(style Style, e *entry) string {
	switch style {
	case Nginx:
		return "deny " + short(e.prefix) + ";"
	case NginxGeo:
		return e.prefix.String() + " " + e.class + ";"
	case NginxMap:
		return `"~` + e.pattern + `" "` + e.class + ":" + e.name + `";`
	case HAProxy:
		return e.prefix.String() + " " + e.class
	case HAProxyMap:
		return e.pattern + " " + e.class + ":" + e.name
	}
	return short(e.prefix)
}

// comment writes "# until T decision…"; a shadowed entry's comment carries the
// class and the prefix too, because no line of its own follows.
func comment(out *bytes.Buffer, e *entry, shadowed bool) {
	if shadowed {
		fmt.Fprintf(out, "# also %s %s ", e.prefix, e.class)
	} else {
		out.WriteString("# ")
	}
	until := "ever"
	if t := e.expires(); !t.IsZero() {
		until = t.UTC().Format(time.RFC3339)
	}
	out.WriteString("until " + until)
	ids := slices.AppendSeq(make([]string, 0, len(e.wanted)), maps.Keys(e.wanted))
	slices.Sort(ids)
	for _, id := range ids {
		if id = token(id); id != "" {
			out.WriteString(" " + id)
		}
	}
	out.WriteByte('\n')
}

// token returns id when it is safe inside a comment, else "".
func token(id string) string {
	if len(id) > 128 {
		return ""
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.:+/", c) >= 0:
		default:
			return ""
		}
	}
	return id
}

// short prints a single address without its length.
func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// effect strips the comments: what the server acts on. Two files with the
// same effect need no reload.
func effect(file []byte) []byte {
	var out []byte
	for line := range bytes.Lines(file) {
		if !bytes.HasPrefix(line, []byte("#")) {
			out = append(out, line...)
		}
	}
	return out
}

// parse reads what render wrote. Anything else is an error: the file is not
// ours to overwrite.
func parse(style Style, file []byte) (book, error) {
	b := make(book)
	if len(bytes.TrimSpace(file)) == 0 {
		return b, nil
	}
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 64<<10)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "# Written by levee") {
		return nil, fmt.Errorf("its first line is not levee's; move the file away or choose another path")
	}
	var until time.Time
	var wanted []string
	n := 1
	for lines.Scan() {
		n++
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "# also "); ok && (style == NginxGeo || style == HAProxy) {
			if e, words := parseShadowed(rest); e != nil {
				until, wanted = parseComment(words)
				b.restore(e, wanted, until)
			}
			until, wanted = time.Time{}, nil
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			until, wanted = parseComment(strings.Fields(rest))
			continue
		}
		e := parseLine(style, line)
		if e == nil {
			return nil, fmt.Errorf("line %d is not levee's; move the file away or choose another path", n)
		}
		b.restore(e, wanted, until)
		until, wanted = time.Time{}, nil
	}
	return b, lines.Err()
}

func (b book) restore(e *entry, wanted []string, until time.Time) {
	if len(wanted) == 0 {
		wanted = []string{""}
	}
	for _, id := range wanted {
		b.add(e, id, until)
	}
}

func parseComment(words []string) (until time.Time, wanted []string) {
	if len(words) < 2 || words[0] != "until" {
		return time.Time{}, nil
	}
	until, err := time.Parse(time.RFC3339, words[1])
	if err != nil {
		until = time.Time{}
	}
	return until, words[2:]
}

func parseShadowed(rest string) (*entry, []string) {
	words := strings.Fields(rest)
	if len(words) < 3 {
		return nil, nil
	}
	p, err := netip.ParsePrefix(words[0])
	if err != nil || words[1] != classBlock && words[1] != classThrottle {
		return nil, nil
	}
	return prefixEntry(p, words[1]), words[2:]
}

func parseLine(style Style, line string) *entry {
	switch style {
	case Nginx:
		line, ok := strings.CutPrefix(line, "deny ")
		if !ok || !strings.HasSuffix(line, ";") {
			return nil
		}
		return parsePrefix(strings.TrimSuffix(line, ";"), classBlock)
	case NginxGeo, HAProxy:
		prefix, class, ok := strings.Cut(strings.TrimSuffix(line, ";"), " ")
		if !ok || class != classBlock && class != classThrottle {
			return nil
		}
		return parsePrefix(prefix, class)
	case NginxMap:
		line, ok := strings.CutPrefix(line, `"~`)
		line, ok2 := strings.CutSuffix(line, `";`)
		pattern, value, ok3 := strings.Cut(line, `" "`)
		if !ok || !ok2 || !ok3 {
			return nil
		}
		return parsePattern(pattern, value)
	case HAProxyMap:
		pattern, value, ok := strings.Cut(line, " ")
		if !ok {
			return nil
		}
		return parsePattern(pattern, value)
	}
	return parsePrefix(line, classBlock)
}

func parsePrefix(text, class string) *entry {
	if a, err := netip.ParseAddr(text); err == nil {
		return prefixEntry(netip.PrefixFrom(a, a.BitLen()), class)
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil
	}
	return prefixEntry(p, class)
}

func parsePattern(pattern, value string) *entry {
	class, name, ok := strings.Cut(value, ":")
	if !ok || name == "" || token(name) == "" {
		return nil
	}
	return patternEntry(name, pattern, class)
}

func prefixEntry(p netip.Prefix, class string) *entry {
	p = p.Masked()
	return &entry{key: p.String() + " " + class, name: p.String(), prefix: p, class: class}
}

func patternEntry(name, pattern, class string) *entry {
	return &entry{key: name + " " + class, name: name, pattern: pattern, class: class}
}

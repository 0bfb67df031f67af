package jenkins

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

var placeholders = []string{"added", "removed", "ttl_s", "id", "verb", "service", "attack", "incident", "signature"}

func checkTemplate(value string) error {
	for rest := value; ; {
		_, after, found := strings.Cut(rest, "{{")
		if !found {
			return nil
		}
		name, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return fmt.Errorf("%q lacks a }}", value)
		}
		if !slices.Contains(placeholders, strings.TrimSpace(name)) {
			return fmt.Errorf("{{%s}} is unknown; use one of {{%s}}", strings.TrimSpace(name), strings.Join(placeholders, "}}, {{"))
		}
		rest = tail
	}
}

// uses reports whether a parameter of the job is filled from name.
func (j Job) uses(name string) bool {
	for _, value := range j.Parameters {
		for rest := value; ; {
			_, after, found := strings.Cut(rest, "{{")
			if !found {
				break
			}
			inside, tail, _ := strings.Cut(after, "}}")
			if strings.TrimSpace(inside) == name {
				return true
			}
			rest = tail
		}
	}
	return false
}

// idParameter is the parameter that holds nothing but the request id, "" when
// there is none.
func (j Job) idParameter() string {
	for name, value := range j.Parameters {
		if strings.ReplaceAll(value, " ", "") == "{{id}}" {
			return name
		}
	}
	return ""
}

// facts are what one build's parameters are filled with.
type facts struct {
	added, removed                     []netip.Prefix
	ttl                                time.Duration
	id, verb, service, attack, episode string
	signature                          *detect.Signature
}

// fill expands the job's templates.
func (j Job) fill(f facts) url.Values {
	values := map[string]string{
		"added":     join(f.added),
		"removed":   join(f.removed),
		"ttl_s":     strconv.FormatInt(int64((f.ttl+time.Second-1)/time.Second), 10),
		"id":        word(f.id),
		"verb":      word(f.verb),
		"service":   word(f.service),
		"attack":    word(f.attack),
		"incident":  word(f.episode),
		"signature": Signature(f.signature),
	}
	out := url.Values{}
	for name, template := range j.Parameters {
		var b strings.Builder
		rest := template
		for {
			before, after, found := strings.Cut(rest, "{{")
			b.WriteString(before)
			if !found {
				break
			}
			inside, tail, _ := strings.Cut(after, "}}")
			b.WriteString(values[strings.TrimSpace(inside)])
			rest = tail
		}
		out.Set(name, b.String())
	}
	return out
}

// join prints prefixes, sorted, single addresses without their length.
func join(ps []netip.Prefix) string {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	texts := make([]string, 0, len(ps))
	for _, p := range slices.Compact(ps) {
		if p.IsSingleIP() {
			texts = append(texts, p.Addr().String())
		} else {
			texts = append(texts, p.Masked().String())
		}
	}
	return strings.Join(texts, ",")
}

// plain reports whether c means nothing to a shell, a query or a Groovy string.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.:/", c) >= 0
}

// word makes s harmless wherever a job puts it: other bytes become "_", a
// leading hyphen too (it would be an option), and 200 bytes are enough.
func word(s string) string {
	b := []byte(s[:min(len(s), 200)])
	for i, c := range b {
		if !plain(c) || i == 0 && c == '-' {
			b[i] = '_'
		}
	}
	return string(b)
}

// Signature writes a signature as name=value pairs joined by commas, in the
// order of their names. Bytes of values other than letters, digits and -_.:/
// are percent-encoded, so that the text is inert in a shell; a job decodes
// them with any URL decoder.
func Signature(s *detect.Signature) string {
	if s == nil {
		return ""
	}
	terms := map[string]string{
		"path": s.Path, "method": s.Method, "query": s.Query, "user_agent": s.UserAgent, "referer": s.Referer, "http_version": s.HTTPVersion,
		"headers": s.Headers, "status": s.Status, "prefix": s.Prefix, "asn": s.ASN, "country": s.Country,
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		if terms[name] == "" {
			continue
		}
		var b strings.Builder
		b.WriteString(name + "=")
		for _, c := range []byte(terms[name]) {
			if plain(c) {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		pairs = append(pairs, b.String())
	}
	return strings.Join(pairs, ",")
}

// aim is what a decision is about, without its addresses: decisions with the
// same aim may share a build.
func (j Job) aim(d actions.Decision, ttl time.Duration) facts {
	f := facts{verb: string(d.Verb)}
	if j.uses("ttl_s") {
		f.ttl = ttl
	}
	if j.uses("service") {
		f.service = d.Target.Service
	}
	if j.uses("attack") {
		f.attack = string(d.Attack)
	}
	if j.uses("incident") {
		f.episode = d.Incident
	}
	if j.uses("signature") {
		f.signature = d.Target.Signature
	}
	return f
}

// key tells aims apart.
func (f facts) key() string {
	return strings.Join([]string{f.verb, f.ttl.String(), f.service, f.attack, f.episode, Signature(f.signature)}, "\x00")
}

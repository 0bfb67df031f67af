package tui

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// The filter language: terms parted by blanks, all of which must hold.
//
//	/login               free text: source, path, agent, service, network, attack
//	path:/login          the field holds the text (case does not matter)
//	ip:203.0.113.0/24    the source lies in the network
//	asn:9009,16276       any of these
//	score>80 rps>=50     numbers compare with > >= < <= =
//	band>=H  ttl<5m      so do score bands and durations
//	ua~^curl/[78]        a regular expression (RE2)
//	!state:blocked       ! or - turns a term round
//	path:"/a b"          quotes keep blanks
type filter struct {
	text  string
	terms []term
}

type term struct {
	not   bool
	field string // "" is free text
	op    string // ":" ">" ">=" "<" "<=" "=" "~"
	words []string
	num   float64
	nets  []netip.Prefix
	re    *regexp.Regexp
}

// subject is what a filter judges.
type subject struct {
	s   *detect.Suspect
	st  standing
	now time.Time
}

var textFields = map[string]func(*subject) string{
	"path":     func(j *subject) string { return j.s.TopPath },
	"method":   func(j *subject) string { return j.s.TopMethod },
	"ua":       func(j *subject) string { return j.s.TopAgent },
	"service":  func(j *subject) string { return j.s.Service },
	"cc":       func(j *subject) string { return j.s.Country },
	"as":       func(j *subject) string { return j.s.ASName },
	"state":    func(j *subject) string { return j.st.word() },
	"by":       func(j *subject) string { return j.st.by() },
	"attack":   func(j *subject) string { return string(j.s.Attack) + " " + attackName(j.s.Attack) },
	"incident": func(j *subject) string { return j.s.Incident },
	"rule":     func(j *subject) string { return signalWords(j.s) },
	"ip":       func(j *subject) string { return prefixText(j.s.Key) },
}

var numberFields = map[string]func(*subject) float64{
	"score":  func(j *subject) float64 { return j.s.Score },
	"band":   func(j *subject) float64 { return bandRank(string(band(j.s.Score))) },
	"rps":    func(j *subject) float64 { return j.s.Rate },
	"delta":  func(j *subject) float64 { return j.s.Delta },
	"hits":   func(j *subject) float64 { return float64(j.s.Hits) },
	"err":    func(j *subject) float64 { return j.s.ErrorShare * 100 },
	"paths":  func(j *subject) float64 { return float64(j.s.Paths) },
	"agents": func(j *subject) float64 { return float64(j.s.Agents) },
	"status": func(j *subject) float64 { return float64(j.s.TopStatus) },
	"asn":    func(j *subject) float64 { return float64(j.s.ASN) },
	"usual":  func(j *subject) float64 { return j.s.UsualShare * 100 },
	"age":    func(j *subject) float64 { return j.now.Sub(j.s.First).Seconds() },
	"ttl": func(j *subject) float64 {
		if j.st.decision == nil || j.st.decision.Expires.IsZero() {
			return 0
		}
		return j.st.decision.Expires.Sub(j.now).Seconds()
	},
}

var fieldAliases = map[string]string{
	"agent": "ua", "user_agent": "ua", "host": "service", "country": "cc", "rate": "rps", "risk": "band", "source": "ip",
	"prefix": "ip", "net": "ip", "rules": "rule", "errors": "err", "who": "by",
}

// parseFilter reads text; the error says which term is wrong and the mend.
func parseFilter(text string) (*filter, error) {
	f := &filter{text: strings.TrimSpace(text)}
	words, err := splitTerms(text)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		t, err := parseTerm(w)
		if err != nil {
			return nil, err
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

// splitTerms cuts at blanks outside double quotes and drops the quotes.
func splitTerms(s string) ([]string, error) {
	var out []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range s {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is open: close it with \"")
	}
	if any {
		out = append(out, b.String())
	}
	return out, nil
}

func parseTerm(w string) (term, error) {
	whole := w
	var t term
	if len(w) > 1 && (w[0] == '!' || w[0] == '-') {
		t.not, w = true, w[1:]
	}
	at := strings.IndexAny(w, ":<>=~")
	if at > 0 {
		name := strings.ToLower(w[:at])
		if a, ok := fieldAliases[name]; ok {
			name = a
		}
		_, isText := textFields[name]
		_, isNumber := numberFields[name]
		if isText || isNumber {
			t.field, t.op = name, w[at:at+1]
			w = w[at+1:]
			if (t.op == ">" || t.op == "<") && strings.HasPrefix(w, "=") {
				t.op, w = t.op+"=", w[1:]
			}
			return t.complete(w, isNumber)
		}
		if w[at] != ':' || !strings.Contains(w[at+1:], ":") && isWord(name) { // 2001:db8::1 is no field
			return t, fmt.Errorf("%q: there is no field %q; fields: %s", whole, name, fieldNames)
		}
	}
	if after, ok := strings.CutPrefix(w, "~"); ok {
		t.op = "~"
		return t.complete(after, false)
	}
	t.op = ":"
	return t.complete(w, false)
}

// complete reads the value of a term.
func (t term) complete(v string, isNumber bool) (term, error) {
	if v == "" {
		return t, fmt.Errorf("%q needs a value after %q", t.field+t.op, t.op)
	}
	if t.op == "~" {
		if isNumber {
			return t, fmt.Errorf("%s is a number: compare it with > >= < <= =", t.field)
		}
		re, err := regexp.Compile("(?i)" + v)
		if err != nil {
			return t, fmt.Errorf("%q is no regular expression (RE2): %w", v, err)
		}
		t.re = re
		return t, nil
	}
	if isNumber {
		if t.op != ":" && t.op != "=" {
			n, err := quantity(t.field, v)
			t.num = n
			return t, err
		}
		t.op = ":"
		for _, part := range strings.Split(v, ",") {
			if _, err := quantity(t.field, part); err != nil {
				return t, err
			}
			t.words = append(t.words, part)
		}
		return t, nil
	}
	if t.op != ":" && t.op != "=" {
		return t, fmt.Errorf("%s is text: use %s:word or %s~regex", t.field, t.field, t.field)
	}
	for _, part := range strings.Split(strings.ToLower(v), ",") {
		if part == "" {
			continue
		}
		if t.field == "ip" || t.field == "" {
			if p, err := parsePrefix(part); err == nil {
				t.nets = append(t.nets, p)
				continue
			}
		}
		t.words = append(t.words, part)
	}
	return t, nil
}

// quantity reads a number, a band, a duration, a percentage or AS9009.
func quantity(field, v string) (float64, error) {
	if field == "band" {
		if r := bandRank(v); r >= 0 {
			return r, nil
		}
		return 0, fmt.Errorf("%q is no band: use L, M, H or C (low, med, high, crit)", v)
	}
	v = strings.TrimSuffix(v, "%")
	if field == "asn" {
		v = strings.TrimPrefix(strings.ToLower(v), "as")
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return n, nil
	}
	if field == "ttl" || field == "age" {
		if d, err := time.ParseDuration(v); err == nil {
			return d.Seconds(), nil
		}
		return 0, fmt.Errorf("%s: %q is no duration: write 90s, 5m or 2h", field, v)
	}
	mult := 1.0
	switch {
	case strings.HasSuffix(v, "k"):
		mult, v = 1e3, v[:len(v)-1]
	case strings.HasSuffix(v, "M"):
		mult, v = 1e6, v[:len(v)-1]
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no number", field, v)
	}
	return n * mult, nil
}

func bandRank(s string) float64 {
	switch strings.ToLower(s) {
	case "l", "low":
		return 0
	case "m", "med", "medium":
		return 1
	case "h", "high":
		return 2
	case "c", "crit", "critical":
		return 3
	}
	return -1
}

func isWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) < 0
}

// parsePrefix reads an address or a prefix.
func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.WithZone("").Prefix(a.BitLen())
}

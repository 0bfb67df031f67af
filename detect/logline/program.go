package logline

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"levee/detect"
)

// program is a log format that the user gave, compiled: a variable, the text
// that ends it, the next variable, and so on.
type program struct {
	steps []step
	lead  []byte // text in front of the first variable
	name  string
}

// step reads one variable.
type step struct {
	field   field
	header  uint8  // number of a judged header, for field header
	until   []byte // text behind it; empty: up to the end of the line
	extra   int    // how many bytes at the end of until belong to the next variable
	stop    byte   // without text behind it, the first byte of the next variable
	quoted  bool   // it stands in quotes: an escaped quote is part of it
	bracket bool   // it brings its own brackets, as Apache's %t does
}

// compile turns a format string into an entry: nginx's has $variables,
// Apache's has %directives, JSON has either in its values.
func compile(format string, fields map[string]field) (entry, error) {
	text, isJSON := directive(format)
	if strings.HasPrefix(text, "#Fields:") {
		w := &w3c{}
		w.directive([]byte(text))
		return entry{reader: w, names: "w3c"}, nil
	}
	var tokens []token
	var err error
	switch {
	case nginxVariable.MatchString(text):
		tokens = nginxTokens(text)
	case strings.Contains(text, "%"):
		tokens, err = apacheTokens(text)
	case text == "" && format != "":
		return entry{}, fmt.Errorf("log format %q: a quote in it is not closed; copy the directive up to its end", format)
	default:
		return entry{}, fmt.Errorf("log format %q is not known; give one of %s, or your server's log_format string", format, names())
	}
	if err != nil {
		return entry{}, err
	}
	if isJSON || strings.HasPrefix(strings.TrimSpace(text), "{") {
		if !strings.HasSuffix(strings.TrimSpace(text), "}") {
			return entry{}, fmt.Errorf("log format: the JSON object in it is not closed; copy it up to its last brace")
		}
		return compileJSON(text, fields)
	}
	p, err := newProgram(tokens)
	if err != nil {
		return entry{}, err
	}
	return entry{reader: p, names: p.name}, nil
}

// token is a variable, or the text between two.
type token struct {
	text     string // as written
	variable bool
	field    field
	header   uint8
	bracket  bool
}

// newProgram puts tokens together and checks that they say enough.
func newProgram(tokens []token) (*program, error) {
	p := &program{name: "custom"}
	var has [fieldCount]bool
	for i, t := range tokens {
		if !t.variable {
			if i == 0 {
				p.lead = []byte(t.text)
			}
			continue
		}
		has[t.field] = true
		s := step{field: t.field, header: t.header, bracket: t.bracket}
		if i+1 < len(tokens) {
			next := tokens[i+1]
			switch {
			case !next.variable:
				s.until = []byte(next.text)
				if i+2 < len(tokens) && tokens[i+2].bracket {
					// So that a user's name may hold blanks.
					s.until, s.extra = append(s.until, '['), 1
				}
			case next.field == target || next.field == path:
				s.stop = '/'
			case next.field == query:
				s.stop = '?'
			default:
				return nil, fmt.Errorf("log format: nothing stands between %s and %s, so their values can't be told apart; put a blank between them", t.text, next.text)
			}
		}
		before := i > 0 && !tokens[i-1].variable && strings.HasSuffix(tokens[i-1].text, `"`)
		s.quoted = before && len(s.until) > 0 && s.until[0] == '"'
		p.steps = append(p.steps, s)
	}
	switch {
	case !has[clock1]:
		return nil, fmt.Errorf("log format: it has no time; add $time_local (nginx) or %%t (Apache)")
	case !has[client] && !has[forwarded] && !has[peer]:
		return nil, fmt.Errorf("log format: it has no client address; add $remote_addr (nginx) or %%h (Apache)")
	case !has[request] && !has[method]:
		return nil, fmt.Errorf("log format: it has no request; add \"$request\" (nginx) or \\\"%%r\\\" (Apache)")
	}
	return p, nil
}

func (g *program) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	rest, ok := bytes.CutPrefix(line, g.lead)
	if !ok {
		return 0, false
	}
	var v values
	for i := range g.steps {
		s := &g.steps[i]
		var b []byte
		if b, rest, ok = s.cut(rest); !ok {
			return 0, false
		}
		if s.field == header {
			v.addHeader(s.header, b)
		} else if s.field != ignored && (v.at[s.field] == nil || absent(v.at[s.field])) {
			v.at[s.field] = b
		}
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = g.name
	}
	return k, ok
}

// cut takes the variable off the front of b, and the text behind it.
func (s *step) cut(b []byte) (value, rest []byte, ok bool) {
	from := 0
	if s.bracket {
		if len(b) == 0 || b[0] != '[' {
			return nil, nil, false
		}
		if from = bytes.IndexByte(b, ']'); from < 0 {
			return nil, nil, false
		}
		from++
	} else if s.field == clock1 && len(b) >= 26 && b[2] == '/' && b[20] == ' ' {
		from = 26 // the usual time holds a blank
	}
	if len(s.until) == 0 {
		if s.stop == 0 {
			return b, nil, true
		}
		i := bytes.IndexByte(b[from:], s.stop)
		if end := bytes.IndexAny(b[from:], ` "`); end >= 0 && (i < 0 || end < i) {
			i = end // the next variable is empty
		}
		if i < 0 {
			return b, nil, true
		}
		return b[:from+i], b[from+i:], true
	}
	for at := from; ; {
		i := bytes.Index(b[at:], s.until)
		if i < 0 {
			// The text that ends a format may be cut off with the line.
			return b, nil, len(s.until) == 1 && bytes.IndexByte(b, ' ') < 0
		}
		at += i
		if !s.quoted || !escaped(b[:at]) {
			return b[:at], b[at+len(s.until)-s.extra:], true
		}
		at++
	}
}

// nginxDirective and apacheDirective recognise a whole directive copied out of
// a configuration file.
var (
	nginxDirective  = regexp.MustCompile(`(?s)^\s*log_format\s+\S+\s+(escape=(\w+)\s+)?(.*?);?\s*$`)
	apacheDirective = regexp.MustCompile(`(?s)^\s*(?:LogFormat|CustomLog\s+\S+)\s+"(.*)"(?:\s+\S+)?\s*$`)
	nginxPiece      = regexp.MustCompile(`(?s)'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`)
)

// directive reduces a whole configuration directive to its format string: to
// nothing when a quote in it is not closed.
func directive(s string) (format string, isJSON bool) {
	if m := nginxDirective.FindStringSubmatch(s); m != nil {
		isJSON = m[2] == "json"
		s = m[3]
	} else if m := apacheDirective.FindStringSubmatch(s); m != nil {
		return strings.ReplaceAll(m[1], `\"`, `"`), false
	}
	s = strings.TrimSpace(s)
	if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' && strings.Count(s, `"`)-strings.Count(s, `\"`) == 2 {
		s = s[1 : n-1] // copied with its quotes
	}
	if strings.HasPrefix(s, "'") {
		if strings.TrimSpace(nginxPiece.ReplaceAllString(s, "")) != "" {
			return "", false // an open quote
		}
		var b strings.Builder
		for _, m := range nginxPiece.FindAllStringSubmatch(s, -1) {
			b.WriteString(m[1] + m[2])
		}
		s = b.String()
	}
	return strings.ReplaceAll(s, `\"`, `"`), isJSON
}

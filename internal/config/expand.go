package config

import "strings"

// expand replaces each ${NAME} by the environment's value; $${NAME} stands for
// ${NAME} itself. Other dollar signs stay, so that nginx's $remote_addr in a
// log format is no surprise.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		if strings.HasSuffix(before, "$") { // one of the two dollars is written already
			b.WriteString("{")
			text = after
			continue
		}
		name, rest, ok := strings.Cut(after, "}")
		if !ok || !isName(name) {
			return "", wrong("write ${NAME}, or $${ for the two characters themselves", "%s holds ${ without a variable's name", quote(text))
		}
		value, ok := env(name)
		if !ok {
			return "", wrong("set it for levee, or write the value", "the environment has no %s", name)
		}
		b.WriteString(value)
		text = rest
	}
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

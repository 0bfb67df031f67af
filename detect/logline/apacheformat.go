package logline

import (
	"fmt"
	"regexp"
	"strings"
)

// apacheDirectives finds %a, %>s, %{Referer}i, %400,501{User-agent}i, %{ms}T.
var apacheDirectives = regexp.MustCompile(`%(?:%|[<>!\d,]*(?:\{([^}]*)\})?(\^?[a-zA-Z]{1,2}))`)

// apacheFields are the directives without an argument that are read
// (mod_log_config).
var apacheFields = map[string]field{
	"h": client, "a": client, "u": user, "t": clock1, "r": request, "m": method, "U": path, "q": query, "H": proto,
	"s": code, "b": length, "B": length, "O": lengthAll, "v": host, "V": host, "D": micros, "T": seconds,
	"l": ignored, "p": ignored, "P": ignored, "A": ignored, "f": ignored, "I": ignored, "S": ignored, "k": ignored,
	"L": ignored, "R": ignored, "X": ignored,
}

// apacheRequestHeaders are headers with a meaning of their own.
var apacheRequestHeaders = map[string]field{
	"referer": referer, "user-agent": agent, "host": host, "x-forwarded-for": forwarded, "forwarded": forwarded,
	"x-real-ip": forwarded, "cf-connecting-ip": forwarded, "true-client-ip": forwarded,
}

// apacheTokens cuts a LogFormat string into directives and text.
func apacheTokens(format string) ([]token, error) {
	format = strings.ReplaceAll(format, `\t`, "\t")
	var ts []token
	at := 0
	text := func(s string) {
		if s == "" {
			return
		}
		if n := len(ts); n > 0 && !ts[n-1].variable {
			ts[n-1].text += s
			return
		}
		ts = append(ts, token{text: s})
	}
	for _, m := range apacheDirectives.FindAllStringSubmatchIndex(format, -1) {
		text(format[at:m[0]])
		at = m[1]
		whole := format[m[0]:m[1]]
		if whole == "%%" {
			text("%")
			continue
		}
		arg := ""
		if m[2] >= 0 {
			arg = format[m[2]:m[3]]
		}
		letter := format[m[4]:m[5]]
		if len(letter) == 2 && letter[0] != '^' {
			// A second letter is text that follows at once.
			at--
			whole, letter = whole[:len(whole)-1], letter[:1]
		}
		t, err := apacheToken(whole, letter, arg)
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	text(format[at:])
	return ts, nil
}

// apacheToken gives one directive its meaning.
func apacheToken(whole, letter, arg string) (token, error) {
	t := token{text: whole, variable: true}
	switch {
	case letter == "t" && arg != "":
		switch f := strings.TrimPrefix(strings.TrimPrefix(arg, "begin:"), "end:"); {
		case f == "sec" || f == "msec" || f == "usec" || strings.HasPrefix(f, "%Y-%m-%d") || strings.HasPrefix(f, "%d/%b/%Y:%T") || strings.HasPrefix(f, "%F"):
			t.field = clock1
		case f == "msec_frac" || f == "usec_frac" || f == "%z":
		default:
			return t, fmt.Errorf("log format: the time format in %s is not read; use %%t, or %%{%%Y-%%m-%%dT%%H:%%M:%%S%%z}t", whole)
		}
	case letter == "t":
		t.field, t.bracket = clock1, true
	case letter == "T" && arg == "ms":
		t.field = millis
	case letter == "T" && arg == "us":
		t.field = micros
	case letter == "a" && arg == "c":
		t.field = peer
	case letter == "i":
		name := strings.ToLower(arg)
		if f, ok := apacheRequestHeaders[name]; ok {
			t.field = f
		} else {
			t.field, t.header = headerField(name, true)
		}
	case arg != "" || strings.HasPrefix(letter, "^"):
		if letter == "T" {
			t.field = seconds
		}
	default:
		f, ok := apacheFields[letter]
		if !ok {
			return t, fmt.Errorf("log format: %s is no directive of Apache's LogFormat; check its spelling", whole)
		}
		t.field = f
	}
	return t, nil
}
